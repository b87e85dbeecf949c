// What the browser tests ask of a page; each function returns faults as text, each with its kind in front.
"use strict";
window.facts = (() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const shown = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible";
  const label = e => {
    const words = (e.textContent || "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `<${e.localName}${e.id ? "#" + e.id : ""}${e.classList.length ? "." + e.classList[0] : ""}> ${words}`;
  };
  const each = (kind, elements) => elements.slice(0, 5).map(e => `${kind}: ${label(e)}`);

  // --- math

  async function ready() {
    if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
    await document.fonts.ready;
  }

  function math() {
    const code = "pre, code, script, style, textarea, mjx-container, .notranslate.highlight";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const raw = [];
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (/\\[([]|\\(begin|frac|text|in|le|ge)\b|\$\$|\{math\}/.test(node.data) && !node.parentElement.closest(code)) raw.push(node.parentElement);
    }
    const plain = all(".math").filter(e => !e.querySelector("mjx-container"));
    const wrong = all("mjx-merror, [data-mjx-error], mjx-mtext[style*=red]");
    return [...each("math left as text", raw), ...each("math not set", plain), ...each("math with an error", wrong)];
  }

  // --- width

  function overflow(width) {
    for (const e of all("mjx-assistive-mml")) e.style.setProperty("display", "none", "important"); // for screen readers, and clipped
    // furo's frame scrolls by itself on narrow screens, which is no better than a page that does.
    const frame = [document.documentElement, ...all("body, .page, .main, .content, .article-container, main, [role=main]")];
    const scrolls = e => e === document.documentElement ? e.scrollWidth > width
      : e.scrollWidth > e.clientWidth && ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
    const spilling = each("a cell spills over", all("td, th").filter(e => shown(e) && e.scrollWidth > e.clientWidth + 1));
    if (!frame.some(scrolls)) return spilling;
    const boxed = e => {
      while ((e = e.parentElement) && !frame.includes(e)) if (getComputedStyle(e).overflowX !== "visible") return true;
      return false;
    };
    const wide = all("body *").filter(e => shown(e) && e.getBoundingClientRect().right > width + 1 && !boxed(e));
    return [`wider than ${width}: ${Math.max(...frame.map(e => e.scrollWidth))}`, ...each("too wide", wide), ...spilling];
  }

  // --- structure

  function structure() {
    const found = [];
    const count = (what, selector, right) => {
      const number = all(selector).length;
      if (!right(number)) found.push(`structure: ${number} ${what}`);
    };
    if (!document.documentElement.lang) found.push("structure: no language");
    if (!document.title.trim()) found.push("structure: no title");
    count("main landmarks", "main, [role=main]", n => n === 1);
    count("navigation landmarks", "nav, [role=navigation]", n => n >= 1);
    count("headings of the first level", "h1", n => n === 1);
    let last = 0;
    for (const h of all("[role=main] :is(h1, h2, h3, h4, h5, h6), main :is(h1, h2, h3, h4, h5, h6)")) {
      const level = Number(h.localName[1]);
      if (level > last + 1) found.push(`heading skips a level: ${label(h)}`);
      last = level;
    }
    const named = e => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.title;
    const decoration = e => e.closest("[aria-hidden=true]") || ["none", "presentation"].includes(e.getAttribute("role"));
    const mute = all("img").filter(e => !(e.alt || "").trim() && !decoration(e));
    mute.push(...all("[role=img]").filter(e => !named(e) && !e.querySelector(":scope > title")));
    mute.push(...all("[role=main] svg, main svg").filter(e => !e.parentElement.closest("svg, button, a") && !e.getAttribute("role") && !decoration(e)));
    found.push(...each("no text alternative", mute));
    const words = e => named(e) || e.textContent.trim() || all("img[alt], [aria-label], title", e).length;
    found.push(...each("no name", all("a[href], button, summary").filter(e => !words(e) && !decoration(e))));
    const fields = all("input:not([type=hidden], [type=submit]), select, textarea");
    found.push(...each("no label", fields.filter(e => !named(e) && !(e.labels && e.labels.length))));
    found.push(...each("table without heads", all("table:not([role=presentation])").filter(e => !e.querySelector("th"))));
    // Sphinx and furo may give an id to a box and to what stands first in it, which is one place.
    const seen = new Set(), one = e => e.parentElement?.id === e.id && e.parentElement.firstElementChild === e;
    found.push(...each("id twice", all("[id]").filter(e => !one(e) && (seen.has(e.id) || !seen.add(e.id)))));
    return found;
  }

  // --- colours

  const cache = new Map();
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  function rgba(colour) {
    if (!cache.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = "#000";
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      cache.set(colour, [r, g, b, a / 255]);
    }
    return cache.get(colour);
  }
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => a * c + (1 - a) * under[i]);
  function luminance(colour) {
    const [r, g, b] = colour.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function ratio(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }
  function behind(element, known) {
    if (!element) return [255, 255, 255];
    if (!known.has(element)) {
      const own = rgba(getComputedStyle(element).backgroundColor);
      known.set(element, own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement, known)));
    }
    return known.get(element);
  }
  function opacity(element, known) {
    if (!element) return 1;
    if (!known.has(element)) known.set(element, getComputedStyle(element).opacity * opacity(element.parentElement, known));
    return known.get(element);
  }
  // Text in a drawing stands on the last filled shape before it that has its middle inside.
  function drawn(text, known) {
    const svg = text.ownerSVGElement, box = text.getBoundingClientRect();
    let colour = behind(svg, known);
    for (const shape of all("rect, circle, ellipse, polygon, path", svg)) {
      if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING) || shape.closest("defs, marker, symbol")) continue;
      const style = getComputedStyle(shape), matrix = shape.getScreenCTM();
      if (style.fill === "none" || !shown(shape) || !matrix) continue;
      const middle = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2).matrixTransform(matrix.inverse());
      if (!shape.isPointInFill(middle)) continue;
      const [r, g, b, a] = rgba(style.fill);
      colour = over([r, g, b, a * style.fillOpacity * style.opacity], colour);
    }
    return colour;
  }

  function contrast(least = 4.5) {
    const known = new Map(), opacities = new Map(), faint = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const done = new Set();
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || done.has(element)) continue;
      done.add(element);
      if (!shown(element) || element.closest("script, style, noscript, title, [hidden], mjx-assistive-mml, :disabled")) continue;
      const style = getComputedStyle(element), svg = element.ownerSVGElement;
      const size = parseFloat(style.fontSize);
      const wanted = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? Math.min(3, least) : least;
      const ground = svg ? drawn(element, known) : behind(element, known);
      const [r, g, b, own] = rgba(svg ? style.fill : style.color), a = own * opacity(element, opacities);
      if (a < 0.05) continue;
      const has = ratio(over([r, g, b, a], ground), ground);
      if (has < wanted) faint.set(`${element.localName}.${element.classList[0]} ${has.toFixed(1)}`, element);
    }
    return [...faint].slice(0, 8).map(([key, e]) => `contrast ${key.split(" ")[1]}: ${label(e)} in ${label(e.parentElement).split(">")[0]}>`);
  }

  // --- keyboard

  const LOOKS = ["outlineStyle", "outlineWidth", "boxShadow", "borderColor", "backgroundColor", "stroke", "strokeWidth", "fill"];
  function focus() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    // A box that is there for the keyboard alone is seen by its label.
    const faces = getComputedStyle(e).opacity === "0" ? [...e.labels].filter(shown) : [e];
    const looks = () => faces.flatMap(face => [face, ...all("*", face)]).map(part => LOOKS.map(name => getComputedStyle(part)[name]).join()).join();
    // Nothing lies over the middle of the part that is in the window.
    const middle = (from, to, end) => (Math.max(from, 0) + Math.min(to, end)) / 2;
    const free = face => {
      const box = face.getClientRects()[0];
      const top = document.elementFromPoint(middle(box.left, box.right, innerWidth), middle(box.top, box.bottom, innerHeight));
      return face.contains(top) || top?.contains(face);
    };
    const inSight = faces.some(face => shown(face) && free(face)), focused = looks();
    e.blur();
    const plain = looks();
    e.focus({ preventScroll: true, focusVisible: true });
    return { label: label(e), visible: inSight && focused !== plain, main: Boolean(e.closest("main, [role=main]")) };
  }

  return { ready, math, overflow, structure, contrast, focus };
})();
