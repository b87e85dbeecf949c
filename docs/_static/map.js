"use strict";
(() => {
  const byId = id => document.getElementById(id);
  const svg = byId("claim-map"), box = byId("map-box"), says = byId("map-says"), form = byId("map-filter");
  const table = byId("claim-table"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const nodes = new Map([...svg.querySelectorAll(".node")].map(node => [node.dataset.id, node]));
  const edges = [...svg.querySelectorAll(".edge")];
  const list = text => text ? text.split(" ") : [];
  for (const element of [says, form, byId("map-zoom")]) element.hidden = false;

  // What rests on what: from each claim to what it uses, and back.
  const uses = new Map(), users = new Map([...nodes.keys()].map(id => [id, []]));
  for (const [id, node] of nodes) {
    uses.set(id, [...new Set([...list(node.dataset.uses), ...list(node.dataset.proofUses)])]);
    uses.get(id).forEach(used => users.get(used).push(id));
  }
  function reach(start, next) {
    const found = new Set(), open = [start];
    while (open.length) for (const id of next.get(open.pop())) if (!found.has(id)) { found.add(id); open.push(id); }
    return found;
  }

  // The claim that is pointed at, or that has the focus.
  const idle = "Point at a claim, or reach it by Tab: here stands what it rests on and what rests on it.";
  const part = (words, kind) => Object.assign(document.createElement("span"), { textContent: words, className: kind });
  function choose(id) {
    const above = id ? reach(id, uses) : new Set(), below = id ? reach(id, users) : new Set();
    svg.classList.toggle("chosen", Boolean(id));
    for (const [other, node] of nodes) {
      node.classList.toggle("self", other === id);
      node.classList.toggle("above", above.has(other));
      node.classList.toggle("below", below.has(other));
      node.classList.toggle("direct", Boolean(id) && (uses.get(id).includes(other) || users.get(id).includes(other)));
    }
    for (const edge of edges) {
      const { from, to } = edge.dataset;
      edge.classList.toggle("above", above.has(from) && (to === id || above.has(to)));
      edge.classList.toggle("below", below.has(to) && (from === id || below.has(from)));
      if (edge.matches(".above, .below")) edge.parentNode.append(edge);  // on top of the pale ones
    }
    if (!id) { says.textContent = idle; return; }
    const node = nodes.get(id), proof = list(node.dataset.proofUses);
    const stated = list(node.dataset.uses).filter(used => !proof.includes(used));
    const names = ids => ids.join(", ") || "nothing";
    says.replaceChildren(
      node.querySelector("title").textContent, document.createElement("br"),
      part(`\u2190 Rests on ${above.size} in all`, "above"), `; its proof uses ${names(proof)}`,
      stated.length ? `, its statement also ${names(stated)}` : "", ". ",
      part(`\u2192 Carries ${below.size} in all`, "below"), `; ${names(users.get(id))} directly.`);
  }
  const idOf = target => target instanceof Element ? target.closest(".node")?.dataset.id : undefined;
  const focused = () => svg.contains(document.activeElement) ? idOf(document.activeElement) : undefined;
  svg.addEventListener("pointerover", event => choose(idOf(event.target) ?? focused()));
  svg.addEventListener("pointerleave", () => choose(focused()));
  svg.addEventListener("focusin", event => {
    choose(idOf(event.target));
    event.target.setAttribute("aria-describedby", says.id);  // read out after the name of the claim
  });
  svg.addEventListener("focusout", event => { event.target.removeAttribute("aria-describedby"); choose(); });
  choose();

  // Zoom changes the size of the picture; its box scrolls, so that keys, fingers and bars move it as everywhere.
  const { width, height } = svg.viewBox.baseVal, least = 0.3, most = 4, legible = 0.8;
  let scale = 1, room = 0;
  function zoom(to, x = box.clientWidth / 2, y = box.clientHeight / 2) {
    const before = scale, left = box.scrollLeft + x, top = box.scrollTop + y;
    scale = Math.min(most, Math.max(least, to));
    svg.setAttribute("width", width * scale);
    svg.setAttribute("height", height * scale);
    box.scrollLeft = left * scale / before - x;
    box.scrollTop = top * scale / before - y;
  }
  function reset() {
    room = box.clientWidth;
    const fit = room / width;
    box.style.height = "";
    zoom(fit >= legible ? Math.min(fit, 1.25) : 1);
    box.style.height = box.offsetHeight + "px";
    box.scrollTo(0, 0);
  }
  byId("map-zoom-in").addEventListener("click", () => zoom(scale * 1.25));
  byId("map-zoom-out").addEventListener("click", () => zoom(scale / 1.25));
  byId("map-reset").addEventListener("click", reset);
  addEventListener("resize", () => { if (box.clientWidth !== room) reset(); });
  box.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { "+": () => zoom(scale * 1.25), "=": () => zoom(scale * 1.25), "-": () => zoom(scale / 1.25), 0: reset }[event.key];
    if (act) { act(); event.preventDefault(); }
  });
  const inside = (x, y) => { const edge = box.getBoundingClientRect(); return [x - edge.left, y - edge.top]; };
  box.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(scale * Math.exp(-event.deltaY / 300), ...inside(event.clientX, event.clientY));
  }, { passive: false });

  // Two fingers zoom; one finger scrolls without help.
  let spread = 0;
  const distance = touches => Math.hypot(touches[0].clientX - touches[1].clientX, touches[0].clientY - touches[1].clientY);
  box.addEventListener("touchstart", event => { if (event.touches.length === 2) spread = distance(event.touches) / scale; }, { passive: true });
  box.addEventListener("touchmove", event => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const [one, two] = event.touches;
    zoom(distance(event.touches) / spread, ...inside((one.clientX + two.clientX) / 2, (one.clientY + two.clientY) / 2));
  }, { passive: false });

  // A mouse drags; a drag that ends on a claim does not open it.
  let drag = null, moved = false;
  box.addEventListener("dragstart", event => event.preventDefault());
  box.addEventListener("pointerdown", event => {
    moved = false;
    if (event.pointerType === "mouse" && event.button === 0) drag = { x: event.clientX + box.scrollLeft, y: event.clientY + box.scrollTop, from: [event.clientX, event.clientY] };
  });
  addEventListener("pointermove", event => {
    if (!drag) return;
    moved ||= Math.hypot(event.clientX - drag.from[0], event.clientY - drag.from[1]) > 4;
    if (!moved) return;
    box.classList.add("moving");
    box.scrollTo(drag.x - event.clientX, drag.y - event.clientY);
  });
  addEventListener("pointerup", () => { drag = null; box.classList.remove("moving"); });
  box.addEventListener("click", event => { if (moved) event.preventDefault(); }, true);

  // Search: other claims grow pale on the map and leave the table.
  function filter() {
    const words = form.elements.words.value.trim().toLowerCase().split(/\s+/), origin = form.elements.origin.value;
    let count = 0;
    for (const row of body.rows) {
      const text = (row.dataset.id + " " + row.cells[1].textContent).toLowerCase();
      const found = words.every(word => text.includes(word)) && (!origin || row.dataset.origin === origin);
      row.hidden = !found;
      nodes.get(row.dataset.id).classList.toggle("other", !found);
      count += found;
    }
    form.querySelector("output").textContent = `${count} of ${body.rows.length} claims`;
  }
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", filter);
  addEventListener("pageshow", filter);  // a browser that comes back may restore what was typed
  filter();

  // The table sorts by the key of a cell, else by its text.
  const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim().toLowerCase();
  const order = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b, "en", { numeric: true }) : a - b;
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...[...body.rows].sort((a, b) => (up ? 1 : -1) * order(key(a, column), key(b, column))));
  }));
  reset();
})();
