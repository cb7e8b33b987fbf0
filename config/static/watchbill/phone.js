// Gives each value of a list its column's name, which phone.css shows where there is no room for
// columns. Roles are said again: a table laid out as cards is none to some screen readers.
(() => {
  const label = (table) => {
    const names = [...table.querySelectorAll("thead th")].map(
      (head) => head.querySelector(".text")?.textContent.trim() ?? "",
    );
    table.setAttribute("role", "table");
    for (const row of table.querySelectorAll("tr.data-row")) {
      row.setAttribute("role", "row");
      [...row.children].forEach((cell, index) => {
        cell.setAttribute("role", cell.tagName === "TH" ? "rowheader" : "cell");
        const text = cell.textContent.trim();
        const isBadge = cell.querySelector(".rounded-default") && !cell.querySelector("a");
        if (cell.tagName === "TD" && names[index] && text && !isBadge) cell.dataset.label = names[index];
        if (text === "-") cell.classList.add("wb-none");
      });
    }
    table.classList.add("wb-labelled");
  };

  const all = () => document.querySelectorAll("#result_list:not(.wb-labelled)").forEach(label);
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:afterSettle", all);
})();
