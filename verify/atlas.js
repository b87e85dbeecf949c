"use strict";
(() => {
  const root = document.querySelector(".atlas"), table = root.querySelector("table");
  const name = root.querySelector("[name=name]"), keeps = root.querySelector("[name=keeps]");
  const shown = root.querySelector("output"), heads = [...table.querySelectorAll("thead th")];
  const key = (body, column) => body.rows[0].cells[column].dataset.key;
  const compare = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
  const named = (body, text) => key(body, 0).includes(text);
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    [...table.tBodies].sort((a, b) => (up ? 1 : -1) * compare(key(a, column), key(b, column))).forEach(body => table.append(body));
  }));
  function filter() {
    let count = 0;
    for (const body of table.tBodies) {
      const kept = !keeps.value || body.rows[0].cells[Number(keeps.value)].className === "certified";
      body.hidden = !(kept && named(body, name.value.trim().toLowerCase()));
      count += !body.hidden;
    }
    shown.textContent = count + " shown";
  }
  for (const body of table.tBodies) {
    const button = body.querySelector("button"), more = body.rows[1];
    const turn = open => { more.hidden = !open; button.setAttribute("aria-expanded", open); };
    button.addEventListener("click", () => turn(more.hidden));
    turn(false);
  }
  root.querySelector("form").addEventListener("submit", event => event.preventDefault());
  name.addEventListener("input", filter);
  keeps.addEventListener("change", filter);
  filter();
})();
