// Keys for the rows of a list. Off inside fields and dialogs, and wherever the person switched them
// off: then the theme's own single keys are off too (WCAG 2.1.4).
(() => {
  const SINGLE = new Set(["j", "k", "o", "x", "a", "r", "f", "c", "/", "[", "?"]);
  const FIELDS = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], [role=combobox], [role=textbox], [role=listbox]";
  const ROWS = "#result_list tr.data-row";
  const KEPT = "wb-list";

  const isOn = () => document.getElementById("wb-keys")?.dataset.on !== "no";
  const inDialog = () => {
    const overlay = document.getElementById("modal-overlay");
    return overlay !== null && getComputedStyle(overlay).display !== "none";
  };
  const rows = () => [...document.querySelectorAll(ROWS)];
  const linkOf = (row) => row?.querySelector("th a[href], td a[href]");
  const boxOf = (row) => row?.querySelector("input.action-select");
  const current = () => document.activeElement?.closest(ROWS) ?? null;

  const focusRow = (row) => {
    (linkOf(row) ?? boxOf(row))?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
    return row;
  };
  const move = (step) => {
    const all = rows();
    const at = all.indexOf(current());
    if (at < 0) return focusRow(all.at(step > 0 ? 0 : -1));
    return focusRow(all[Math.min(Math.max(at + step, 0), all.length - 1)]);
  };
  const here = () => current() ?? move(1);

  // Acknowledging asks for its reason first: one key pressed by accident must not stop a page.
  const acknowledge = () => {
    const select = document.querySelector("#changelist-form select[name=action]");
    if (![...(select?.options ?? [])].some((option) => option.value === "acknowledge")) return;
    const row = current();
    if (!document.querySelector("input.action-select:checked")) boxOf(here())?.click();
    select.value = "acknowledge";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    const reason = document.querySelector("#changelist-form input[name=reason]");
    reason.addEventListener("keydown", (event) => {
      if (event.key === "Escape") focusRow(row ?? rows()[0]);
    });
    window.watchbillFocus(() => reason);
  };

  // A fresh page from the server, with focus, choice and place as they were.
  const refresh = () => {
    const row = current();
    const checked = [...document.querySelectorAll("input.action-select:checked")];
    const kept = {
      page: location.href,
      at: rows().indexOf(row),
      row: boxOf(row)?.value ?? null,
      top: row?.getBoundingClientRect().top ?? null,
      checked: checked.map((box) => box.value),
    };
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
    location.reload();
  };
  const restore = () => {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    if (kept?.page !== location.href) return;
    const all = rows();
    for (const row of all) {
      if (kept.checked.includes(boxOf(row)?.value) && !boxOf(row).checked) boxOf(row).click();
    }
    if (kept.at < 0) return;
    const same = all.find((row) => boxOf(row)?.value === kept.row);
    const row = focusRow(same ?? all[Math.min(kept.at, all.length - 1)]);
    if (row) window.scrollBy(0, row.getBoundingClientRect().top - kept.top);
  };

  const DO = {
    j: () => move(1),
    k: () => move(-1),
    o: () => linkOf(here())?.click(),
    x: () => boxOf(here())?.click(),
    a: acknowledge,
    r: refresh,
  };
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !SINGLE.has(event.key)) return;
    if (event.target.closest?.(FIELDS)) return;
    if (!isOn()) {
      event.stopImmediatePropagation();
    } else if (DO[event.key] && rows().length && !inDialog()) {
      event.preventDefault();
      DO[event.key]();
    }
  }, { capture: true });
  window.addEventListener("load", restore);
  window.watchbillRefresh = refresh;
})();

// What is new since the list was drawn: asked for every ten seconds while somebody looks.
(() => {
  const SECONDS = 10;
  const SLOWEST = 120;
  const SHARE = 50; // it asks for at most a fiftieth of the time, however long an answer takes
  const PAUSED = "wb-live-paused";

  const watch = (panel) => {
    const text = panel.querySelector("[data-news]");
    const show = panel.querySelector("[data-show]");
    const pause = panel.querySelector("[data-pause]");
    const drawn = new Map(JSON.parse(panel.dataset.state));
    const isFull = drawn.size >= Number(panel.dataset.most);
    let tag = "";
    let timer = 0;
    let failures = 0;

    const say = (words) => {
      if (text.textContent !== words) text.textContent = words;
    };
    const differs = (state) => {
      const now = new Map(state);
      const news = state.filter(([key, revision]) => drawn.get(key) !== revision).length;
      const gone = [...drawn.keys()].filter((key) => !now.has(key)).length;
      const words = [];
      if (news) words.push(`${news} new or changed`);
      if (gone && !(isFull && news)) words.push(`${gone} left this list`);
      say(words.join(", "));
      show.hidden = words.length === 0;
    };
    const end = (words) => {
      say(words);
      show.hidden = pause.hidden = true;
      return false;
    };
    const take = async (response) => {
      if (response.type === "opaqueredirect" || [401, 403].includes(response.status)) {
        return end("You are signed out: sign in again to see what is new.");
      }
      if ([400, 404].includes(response.status)) return end("");
      failures = response.status < 500 ? 0 : failures + 1;
      if (response.status === 200) {
        tag = response.headers.get("ETag") ?? "";
        differs(await response.json());
      }
      return true;
    };
    const ask = async () => {
      const began = performance.now();
      const headers = tag ? { "If-None-Match": tag } : {};
      try {
        const response = await fetch(panel.dataset.url, { headers, redirect: "manual", cache: "no-store" });
        if (!(await take(response))) return;
      } catch {
        failures += 1; // the server is away: it may come back
      }
      plan((SHARE * (performance.now() - began)) / 1000);
    };
    const plan = (least) => {
      const wait = Math.min(Math.max(SECONDS * 2 ** failures, least), SLOWEST) + Math.random();
      clearTimeout(timer);
      timer = document.hidden || isPaused() ? 0 : setTimeout(ask, wait * 1000);
    };
    const isPaused = () => localStorage.getItem(PAUSED) === "yes";
    const mark = () => {
      pause.setAttribute("aria-pressed", String(isPaused()));
      panel.classList.toggle("wb-paused", isPaused());
    };

    show.addEventListener("click", () => window.watchbillRefresh());
    pause.addEventListener("click", () => {
      localStorage.setItem(PAUSED, isPaused() ? "no" : "yes");
      mark();
      plan(0);
    });
    document.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      if (!document.hidden && !isPaused() && !pause.hidden) ask();
    });
    mark();
    plan(0);
  };
  document.addEventListener("DOMContentLoaded", () => {
    const panel = document.getElementById("wb-live");
    if (panel) watch(panel);
  });
})();

// How many rows wait in each queue of the sidebar.
(() => {
  const SECONDS = 60;
  const fill = async (places, url) => {
    if (document.hidden) return;
    try {
      const response = await fetch(url, { redirect: "manual" });
      if (response.status !== 200) return;
      const counts = await response.json();
      for (const place of places) {
        const count = counts[place.dataset.queue] ?? "";
        place.textContent = count;
        place.hidden = count === "" || count === "0";
      }
    } catch {
      // The next minute tries again.
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    const places = [...document.querySelectorAll("[data-queue]")];
    const url = document.getElementById("wb-keys")?.dataset.queues;
    if (!places.length || !url) return;
    fill(places, url);
    setInterval(() => fill(places, url), SECONDS * 1000);
  });
})();
