"use strict";
(() => {
  const root = document.documentElement;
  for (const it of document.querySelectorAll("[data-needs-script]")) it.hidden = false;

  // The theme: the reader's choice, or else the system's.
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const toggle = document.getElementById("theme");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
  const name = () => { toggle.textContent = isDark() ? "Light theme" : "Dark theme"; };
  try {
    const kept = localStorage.getItem("infinisim-theme");
    if (kept === "light" || kept === "dark") root.dataset.theme = kept;
  } catch { /* A page opened from a file may keep nothing. */ }
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("infinisim-theme", root.dataset.theme); } catch { /* As above. */ }
    name();
  });
  prefersDark.addEventListener("change", name);
  name();

  // Sorting: a column's button turns between ascending and descending.
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const isAscending = head.getAttribute("aria-sort") !== "ascending";
        for (const it of heads) it.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
        const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
        const compare = (a, b) => {
          const [x, y] = [key(a), key(b)];
          const [m, n] = [Number(x), Number(y)];
          const isNumbers = x !== "" && y !== "" && !Number.isNaN(m) && !Number.isNaN(n);
          return isNumbers ? m - n : x.localeCompare(y, "en", { numeric: true });
        };
        const rows = [...body.rows].sort((a, b) => isAscending ? compare(a, b) : compare(b, a));
        body.append(...rows);
      });
    });
  }

  // Filtering the scoreboard by kind and verdict.
  const board = document.getElementById("scoreboard-table");
  const shown = document.getElementById("shown");
  if (board) {
    const selects = [...document.querySelectorAll("select[data-filter]")];
    const apply = () => {
      let count = 0;
      for (const row of board.tBodies[0].rows) {
        row.hidden = !selects.every((it) => it.value === "" || row.dataset[it.dataset.filter] === it.value);
        if (!row.hidden) count += 1;
      }
      shown.textContent = `${count} of ${board.tBodies[0].rows.length} rows`;
    };
    for (const it of selects) it.addEventListener("change", apply);
    apply();
  }
})();
