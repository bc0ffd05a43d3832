"use strict";
// The page is whole without this. With it, whatever stands for a candidate is lit together with all else that does:
// by pointer, touch, and keyboard. Tables sort, and the frontier changes its cost. Nothing is asked of a network.
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const readout = document.getElementById("readout");
  const carriers = new Map();
  for (const element of document.querySelectorAll("[data-c]")) {
    const name = element.dataset.c;
    carriers.set(name, [...(carriers.get(name) || []), element]);
  }
  let pinned = null, lit = null;

  function light(name) {
    if (name === lit) return;
    for (const element of carriers.get(lit) || []) element.classList.remove("on");
    for (const element of carriers.get(name) || []) element.classList.add("on");
    document.body.classList.toggle("lit", carriers.has(name));
    lit = name;
    tell(name);
  }

  function tell(name) {
    const known = facts.candidates[name];
    readout.hidden = !known;
    if (!known) return;
    const [title, ...values] = known;
    const list = document.createElement("dl");
    facts.labels.forEach((label, number) => {
      const pair = document.createElement("div");
      for (const [kind, words] of [["dt", label], ["dd", values[number]]]) {
        pair.appendChild(document.createElement(kind)).textContent = words;
      }
      list.appendChild(pair);
    });
    readout.querySelector("strong").textContent = title;
    readout.querySelector("dl").replaceWith(list);
    readout.classList.toggle("pinned", name === pinned);
  }

  function pin(name) {
    for (const element of carriers.get(pinned) || []) if (element.hasAttribute("aria-pressed")) element.setAttribute("aria-pressed", "false");
    pinned = name === pinned ? null : name;
    for (const element of carriers.get(pinned) || []) if (element.hasAttribute("aria-pressed")) element.setAttribute("aria-pressed", "true");
    try { history.replaceState(null, "", pinned ? "#candidate-" + pinned : location.pathname + location.search); } catch { /* a page within a page */ }
    light(null);
    light(pinned);
  }

  // A group is a figure or a table: one of its marks can be reached with Tab, the others with the arrow keys.
  function enter(group, marks) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const reach = (mark) => {
      for (const other of marks()) other.setAttribute("tabindex", other === mark ? "0" : "-1");
    };
    marks().forEach((mark, number) => mark.setAttribute("tabindex", number ? "-1" : "0"));
    group.addEventListener("keydown", (event) => {
      const mark = event.target.closest("[data-c]");
      if (!mark || event.target.closest("a, button, input")) return;
      const all = marks(), here = all.indexOf(mark);
      let next = null;
      if (event.key in step) next = all[(here + step[event.key] + all.length) % all.length];
      else if (event.key === "Home") next = all[0];
      else if (event.key === "End") next = all[all.length - 1];
      else if (event.key === "Enter" || event.key === " ") pin(mark.dataset.c);
      else return;
      event.preventDefault();
      if (next) { reach(next); next.focus(); }
    });
    group.addEventListener("focusin", (event) => {
      const mark = event.target.closest("[data-c]");
      if (mark) { reach(mark); light(mark.dataset.c); }
    });
    group.addEventListener("focusout", () => light(pinned));
  }

  for (const svg of document.querySelectorAll("svg")) {
    const marks = [...svg.querySelectorAll(".mark[data-c]")];
    if (!marks.length) continue;
    svg.setAttribute("role", "group");
    for (const mark of marks) {
      mark.setAttribute("role", "button");
      mark.setAttribute("aria-pressed", "false");
      const title = mark.querySelector("title"); // a browser's own hint would lie over the numbers
      mark.setAttribute("aria-label", title.textContent);
      title.remove();
      mark.setAttribute("tabindex", "-1");
    }
    enter(svg, () => marks);
  }

  const owner = (event) => { const mark = event.target.closest && event.target.closest("[data-c]"); return mark ? mark.dataset.c : null; };
  document.addEventListener("pointerover", (event) => { if (event.pointerType !== "touch") light(owner(event) || pinned); });
  document.addEventListener("click", (event) => {
    if (event.target.closest("a, button, input, label, summary")) return;
    const name = owner(event);
    if (name || (pinned && !event.target.closest("#readout"))) pin(name || pinned);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && pinned) pin(pinned); });
  readout.querySelector("button").addEventListener("click", () => (pinned ? pin(pinned) : light(null)));

  // Tables: a heading is a button that sorts; a cell's data-v is its number, without one its text counts.
  for (const table of document.querySelectorAll("table.sorts")) {
    const body = table.tBodies[0];
    const rows = () => [...body.rows].filter((row) => row.dataset.c);
    if (rows().length) enter(body, rows);
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "descending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "ascending" : "descending");
        body.append(...[...body.rows].sort((a, b) => compare(a.cells[column], b.cells[column], down ? 1 : -1)));
      });
    });
  }

  function compare(a, b, sign) {
    const [x, y] = [value(a), value(b)];
    if (x === "" || y === "") return (x === "") - (y === ""); // what is not known comes last, either way
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
  }

  function value(cell) {
    const written = cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
    return written === "" || isNaN(written) ? written : Number(written);
  }

  // The frontier's cost: the axis, the line and the names of one cost are shown, and the marks go to its places.
  for (const field of document.querySelectorAll("fieldset.costs")) {
    field.hidden = false;
    const figure = field.closest("figure"), inputs = [...field.querySelectorAll("input")];
    field.addEventListener("change", () => {
      const chosen = inputs.findIndex((input) => input.checked);
      for (const layer of figure.querySelectorAll(".layer")) layer.style.display = layer.dataset.cost === inputs[chosen].value ? "" : "none";
      for (const mark of figure.querySelectorAll(".mark")) mark.setAttribute("transform", `translate(${mark.dataset.places.split(" ")[chosen]} 0)`);
    });
  }

  addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
  const asked = location.hash.replace("#candidate-", "");
  if (facts.candidates[asked]) pin(asked);
})();
