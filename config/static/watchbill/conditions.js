// The condition builder: fits operator and value to the chosen field, and adds and removes rows.
(() => {
  const set = (control, name, label) => {
    control.name = name;
    control.removeAttribute("id");
    control.setAttribute("aria-label", label);
  };

  const option = (value, label) => new Option(label, value);

  const labelOf = (row) => row.querySelector("select").getAttribute("aria-label").split(":")[0];

  const valueControl = (builder, entry, operator) => {
    if (!entry || entry.none.includes(operator)) return null;
    if (!entry.options.length) {
      const input = builder.querySelector("template[data-input]").content.firstElementChild;
      const control = input.cloneNode(true);
      control.value = "";
      if (entry.number && !entry.list.includes(operator)) control.inputMode = "numeric";
      return control;
    }
    const control = builder.querySelector("select").cloneNode(false);
    control.multiple = entry.list.includes(operator);
    control.append(...entry.options.map(([value, label]) => option(value, label)));
    if (control.multiple) control.size = Math.min(entry.options.length, 6);
    return control;
  };

  const fitValue = (builder, catalogue, row) => {
    const [field, operator] = row.querySelectorAll("select");
    const place = row.querySelector("[data-value]");
    const control = valueControl(builder, catalogue[field.value], operator.value);
    place.replaceChildren();
    if (!control) return;
    set(control, field.name.replace(/-field$/, "-value"), `${labelOf(row)}: value`);
    place.append(control);
  };

  const fitOperator = (builder, catalogue, row) => {
    const [field, operator] = row.querySelectorAll("select");
    const entry = catalogue[field.value];
    operator.replaceChildren(...(entry?.operators ?? []).map(([value, label]) => option(value, label)));
    fitValue(builder, catalogue, row);
  };

  const renumber = (builder) => {
    // A form that was added to the page has its number in the names only.
    const name = builder.querySelector("select").name.replace(/-match$/, "");
    builder.querySelectorAll("[data-group]").forEach((group, g) => {
      group.dataset.group = g;
      group.querySelector("legend").textContent = `Group ${g + 1}`;
      set(group.querySelector("select"), `${name}-${g}-match`, `How the conditions of group ${g + 1} combine`);
      group.querySelectorAll("[data-row]").forEach((row, r) => {
        const label = `Group ${g + 1}, condition ${r + 1}`;
        const [field, operator] = row.querySelectorAll("select");
        set(field, `${name}-${g}-${r}-field`, `${label}: field`);
        set(operator, `${name}-${g}-${r}-operator`, `${label}: operator`);
        const value = row.querySelector("[data-value]").firstElementChild;
        if (value) set(value, `${name}-${g}-${r}-value`, `${label}: value`);
      });
    });
  };

  const cleared = (row) => {
    const copy = row.cloneNode(true);
    const [field, operator] = copy.querySelectorAll("select");
    field.value = "";
    operator.replaceChildren();
    copy.querySelector("[data-value]").replaceChildren();
    return copy;
  };

  const isEmpty = (row) => !row.querySelector("select").value;

  // One spare row in each group, and one spare group: nobody has to look for an "add" button.
  const spare = (builder) => {
    for (const group of builder.querySelectorAll("[data-group]")) {
      const rows = [...group.querySelectorAll("[data-row]")];
      if (!rows.some(isEmpty)) group.querySelector("[data-rows]").append(cleared(rows[0]));
    }
    const groups = [...builder.querySelectorAll("[data-group]")];
    const empty = (group) => [...group.querySelectorAll("[data-row]")].every(isEmpty);
    if (!groups.some(empty)) {
      const copy = groups[0].cloneNode(true);
      const rows = copy.querySelectorAll("[data-row]");
      const one = cleared(rows[0]);
      copy.querySelector("[data-rows]").replaceChildren(one);
      builder.querySelector("[data-groups]").append(copy);
    }
    renumber(builder);
  };

  document.addEventListener("change", (event) => {
    const row = event.target.closest?.("[data-row]");
    const builder = row?.closest("[data-builder]");
    if (!builder) return;
    const catalogue = JSON.parse(
      builder.querySelector('script[type="application/json"]').textContent,
    );
    const [field, operator] = row.querySelectorAll("select");
    if (event.target === field) fitOperator(builder, catalogue, row);
    if (event.target === operator) fitValue(builder, catalogue, row);
    spare(builder);
  });
})();
