// Names the pickers: select2 labels them by their value only, which is nothing while they are empty.
(() => {
  const name = (selection) => {
    const shown = selection.querySelector(".select2-selection__rendered");
    const select = selection.closest(".select2-container")?.previousElementSibling;
    const label = select?.id && document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    // Its text is the picker's value, not a second text box.
    shown?.removeAttribute("role");
    shown?.removeAttribute("aria-readonly");
    if (label) {
      label.id ||= `label-${select.id}`;
      selection.setAttribute("aria-labelledby", `${label.id} ${shown?.id ?? ""}`);
    } else if (select?.name) {
      selection.removeAttribute("aria-labelledby");
      selection.setAttribute("aria-label", select.name.split("-").pop().replaceAll("_", " "));
    }
  };
  new MutationObserver((records) => {
    for (const record of records) {
      for (const node of record.addedNodes) {
        node.querySelectorAll?.(".select2-selection").forEach(name);
      }
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
