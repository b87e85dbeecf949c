"use strict";
(() => {
  const root = document.querySelector(".atlas"), table = document.getElementById("atlas-table");
  const name = document.getElementById("atlas-filter"), keeps = document.getElementById("atlas-keeps");
  const shown = document.getElementById("atlas-count"), form = root.querySelector("form");
  const heads = [...table.querySelectorAll("thead th")], bodies = [...table.tBodies];
  const key = (body, column) => body.rows[0].cells[column].dataset.key;
  const order = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b, "en", { numeric: true }) : a - b;
  const named = (body, text) => key(body, 0).includes(text);
  const turn = (body, open) => {
    body.rows[1].hidden = !open;
    body.querySelector("button").setAttribute("aria-expanded", open);
  };
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    bodies.sort((a, b) => (up ? 1 : -1) * order(key(a, column), key(b, column))).forEach(body => table.append(body));
  }));
  function filter() {
    let count = 0;
    for (const body of bodies) {
      const kept = !keeps.value || body.querySelector(`[data-group=${keeps.value}]`).className === "certified";
      body.hidden = !(kept && named(body, name.value.trim().toLowerCase()));
      count += !body.hidden;
    }
    shown.textContent = `${count} of ${bodies.length} shown`;
  }
  // A link to an optimizer opens its details.
  function open() {
    const row = location.hash && document.getElementById(location.hash.slice(1));
    if (!row || !table.contains(row)) return;
    turn(row.parentElement, true);
    row.scrollIntoView({ block: "center" });
  }
  for (const body of bodies) {
    body.querySelector("button").addEventListener("click", () => turn(body, body.rows[1].hidden));
    turn(body, false);
  }
  form.addEventListener("submit", event => event.preventDefault());
  name.addEventListener("input", filter);
  keeps.addEventListener("change", filter);
  addEventListener("hashchange", open);
  addEventListener("pageshow", filter);  // a browser that comes back may restore what was chosen
  form.hidden = false;
  filter();
  open();
})();
