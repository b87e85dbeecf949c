"use strict";
(() => {
  const data = JSON.parse(document.getElementById("combine-data").textContent);
  const kinds = Object.keys(data.parts), select = kind => document.getElementById("combine-" + kind);
  const result = document.getElementById("combine-result"), why = document.getElementById("combine-why");
  const node = (name, ...inside) => { const made = document.createElement(name); made.append(...inside); return made; };
  const anchor = (address, words) => { const made = node("a", words); made.href = address; return made; };
  const joined = items => items.flatMap((item, i) => i ? [", ", item] : [item]);
  const head = (words, scope) => { const made = node("th", words); made.scope = scope; return made; };
  const entry = ([, words, how, address]) => address ? [anchor(address, words), " " + how] : [words];

  // Why parts cannot be put together, and on which data alone what they make is a learner.
  const unpenalised = parts => parts.length === 1 || parts[parts.length - 1].none;
  const refused = parts => unpenalised(parts) ? "" : parts[0].penalised;
  const limited = parts => unpenalised(parts) ? parts[0].plain : "";

  // All hold, one fails, or it is open.
  const together = (parts, group) => {
    const found = parts.map(part => part.cells[group][0]);
    return found.includes(false) ? false : found.includes(null) || refused(parts) ? null : true;
  };
  const largest = groups => groups.filter(g => !groups.some(o => o !== g && o.inside.includes(g.name)));
  const smallest = groups => groups.filter(g => !groups.some(o => o !== g && g.inside.includes(o.name)));
  const named = groups => groups.map(g => g.title).join(" and ");

  function known(parts, groups) {
    const cells = part => groups.map(group => part.cells[group.name]);
    const shown = parts.filter(part => cells(part).some(([, , how]) => how !== "proved"));
    return shown.length ? "Certified by measurement, not by proof: " + shown.map(part => part.title).join("; ") + "."
      : parts.length === 1 ? "Certified: it is proved."
      : "Certified: every part is proved" + (unpenalised(parts) ? "." : ", and so is the step that joins the penalty.");
  }

  function conclusion(parts) {
    if (data.blocked) return [node("p", node("strong", "? Not certified"), ": what all combinations rest on is not certified in this report.")];
    const none = "Lower bounds that then bind: none";
    if (refused(parts)) return [node("p", node("strong", "? Not certified"), ": " + refused(parts) + "."), node("p", none + ".")];
    const kept = data.groups.filter(group => together(parts, group.name) === true);
    const stopped = data.groups.filter(group => !kept.includes(group));
    const lines = kept.length
      ? [node("p", node("strong", "✓ Keeps: " + named(largest(kept))), ". " + known(parts, largest(kept)))]
      : [node("p", node("strong", "✗ None of these groups is certified"), ".")];
    for (const group of smallest(stopped)) {
      const parted = parts.filter(part => part.cells[group.name][0] !== true);
      lines.push(node("p", "Not certified under " + group.title + ": ", ...joined(parted.map(part =>
        node("span", part.title + " ", ...entry(part.cells[group.name]))))));
    }
    if (kept.length && limited(parts)) return [...lines, node("p", none + ". " + parts[0].title + ": " + limited(parts) + ".")];
    const binding = new Map(largest(kept).flatMap(group => data.bounds[group.name]).map(claim => [claim.id, claim]));
    const links = [...binding.values()].map(claim => {
      const made = anchor("claims/" + claim.id + ".html", claim.id);
      made.title = claim.title;
      return made;
    });
    lines.push(node("p", "Lower bounds that then bind: ", ...(links.length ? joined(links) : ["none"]), "."));
    return lines;
  }

  function table(parts, whole) {
    const titles = whole ? ["algorithm"] : kinds, sign = { true: "✓ kept", false: "✗ not covered", null: "? open" };
    const rows = data.groups.map(group => node("tr", head(group.title, "row"),
      ...parts.map(part => node("td", ...entry(part.cells[group.name]))),
      node("td", data.blocked ? "? not certified" : sign[together(parts, group.name)])));
    return node("table", node("thead", node("tr", ...["group", ...titles, "together"].map(words => head(words, "col")))),
      node("tbody", ...rows));
  }

  function show() {
    const chosen = kinds.map(kind => data.parts[kind][select(kind).value]), whole = chosen[0].whole;
    const parts = whole ? chosen.slice(0, 1) : chosen;
    result.replaceChildren(...conclusion(parts),
      ...(whole ? [node("p", "It has no first weights and no penalty: the other two choices play no part.")] : []));
    why.replaceChildren(table(parts, whole));
  }

  kinds.forEach(kind => select(kind).addEventListener("change", show));
  const form = document.getElementById("combine");
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
  addEventListener("pageshow", show);  // a browser that comes back may restore what was chosen
  show();
})();
