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

// Puts a button beside everything that is there to be copied.
(() => {
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain http on another host has no clipboard of its own.
    const field = document.body.appendChild(document.createElement("textarea"));
    field.value = text;
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("not copied");
  };
  document.addEventListener("DOMContentLoaded", () => {
    for (const source of document.querySelectorAll("[data-copyable]")) {
      const text = source.textContent.trim();
      const button = document.createElement("button");
      button.type = "button";
      button.className = "wb-button wb-copy";
      button.setAttribute("aria-live", "polite");
      button.textContent = "Copy";
      button.addEventListener("click", () => {
        copy(text).then(
          () => { button.textContent = "Copied"; },
          () => { button.textContent = "Select the text and copy it by hand"; },
        );
      });
      if (source.tagName === "PRE") source.before(button);
      else source.append(button);
    }
  });
})();

// Focuses what the theme is about to show: it does so in a timer of its own, sooner or later.
window.watchbillFocus = (find) => {
  let frames = 60;
  const attempt = () => {
    const element = find();
    element?.focus();
    frames -= 1;
    if (document.activeElement !== element && frames > 0) requestAnimationFrame(attempt);
  };
  attempt();
};

// The menu of a narrow window lies over the page: the keyboard goes into it, and comes back.
(() => {
  const isOver = () => window.innerWidth <= 1280;
  const theme = () => window.Alpine.$data(document.documentElement);
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".wb-menu") || !isOver()) return;
    window.Alpine.nextTick(() => {
      const place = theme().sidebarOpen ? "#nav-sidebar button, #nav-sidebar a" : "#main .wb-menu";
      window.watchbillFocus(() => document.querySelector(place));
    });
  });
  document.addEventListener("keydown", (event) => {
    const inside = event.target.closest?.("#nav-sidebar");
    if (event.key !== "Escape" || !inside || event.defaultPrevented || !isOver()) return;
    theme().sidebarOpen = false;
    document.querySelector("#main .wb-menu")?.focus();
  });
})();

// What was opened to be filled in has the keyboard.
document.addEventListener("toggle", (event) => {
  if (event.target.open) event.target.querySelector("[data-autofocus]")?.focus();
}, { capture: true });
