// Keys, live updates and small comforts. Every page works without it.
"use strict";

(() => {
  const live = () => document.getElementById("live");
  const news = () => document.getElementById("news");
  let paused = false;
  let leading = false; // `g` was pressed, and waits for the second key
  let chosen = "";     // the key of the row that j and k have reached

  const say = (text) => { if (news() && news().textContent !== text) news().textContent = text; };

  // --- rows: anything with data-row, opened through its first link ------------------

  const rows = () => [...document.querySelectorAll("[data-row]")].filter((one) => one.offsetParent);

  function choose(row, focus = true) {
    rows().forEach((one) => one.classList.toggle("chosen", one === row));
    if (!row) return;
    chosen = row.dataset.row;
    const link = row.querySelector("a");
    if (focus && link) link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((one) => one.dataset.row === chosen);
    const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by;
    choose(all[Math.min(Math.max(next, 0), all.length - 1)]);
  }

  // --- keys -------------------------------------------------------------------------

  const typing = (event) => event.target.closest("input, select, textarea, [contenteditable]");

  function second(key) {
    if (key === "g") return choose(rows()[0]) ?? window.scrollTo(0, 0);
    const link = document.querySelector(`nav a[data-key="${CSS.escape(key)}"]`);
    if (link) link.click();
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    G: () => choose(rows().at(-1)),
    "?": () => document.getElementById("help").showModal(),
    p: () => { paused = !paused; say(paused ? "News stopped: p goes on" : ""); if (!paused) look(); },
    "/": () => (document.querySelector("[data-filter]") ?? document.querySelector("[data-filters] select"))?.focus(),
    Enter: () => document.querySelector("[data-row].chosen a")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event)) return event.target.blur();
    if (typing(event) || document.querySelector("dialog[open]")) return;
    if (leading) {
      leading = false;
      event.preventDefault();
      return second(event.key);
    }
    if (event.key === "g") { leading = true; setTimeout(() => { leading = false; }, 1500); return; }
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const act = KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) document.getElementById("help").showModal();
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(document.getElementById(copy.dataset.copy).textContent).then(() => say("Copied"));
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-filters] select")) event.target.form.requestSubmit();
  });

  // --- news: asked for again and again, unchanged answers are 304 and touch nothing ----

  // While somebody selects text or types, nothing is taken from under the pointer.
  const busy = () => {
    const selected = window.getSelection();
    const active = document.activeElement;
    return paused || document.hidden
      || (selected && !selected.isCollapsed && live()?.contains(selected.anchorNode))
      || (active && live()?.contains(active) && active.matches("input, select, textarea"));
  };

  const look = () => { if (live()?.hasAttribute("hx-get")) htmx.trigger(live(), "refresh"); };
  let kept = null;

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt === live() && busy()) event.preventDefault();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRF-Token"] = token.content;
    if (event.detail.elt === live() && live().dataset.etag) event.detail.headers["If-None-Match"] = live().dataset.etag;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== live()) return;
    const status = event.detail.xhr.status;
    if (status === 401 || status === 403) return window.location.reload();
    const etag = event.detail.xhr.getResponseHeader("ETag");
    if (etag) live().dataset.etag = etag;
    kept = {
      open: [...live().querySelectorAll("details[open][id]")].map((one) => one.id),
      href: live().contains(document.activeElement) ? document.activeElement.getAttribute("href") : null,
    };
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== live() || !kept) return;
    kept.open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    const row = rows().find((one) => one.dataset.row === chosen);
    if (row) row.classList.add("chosen");
    if (kept.href) live().querySelector(`a[href="${CSS.escape(kept.href)}"]`)?.focus({ preventScroll: true });
    kept = null;
    say("");
    times();
    window.drawCharts?.(live());
  });

  const away = (event) => { if (event.detail.elt === live()) say("No answer: shown is the last that was known"); };
  document.addEventListener("htmx:sendError", away);
  document.addEventListener("htmx:timeout", away);
  document.addEventListener("htmx:responseError", away);
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt === live() && event.detail.xhr?.status === 304) { say(""); times(); }
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });

  // --- times, as how long ago they are ---------------------------------------------------

  const STEPS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

  function times() {
    document.querySelectorAll("time[datetime]").forEach((one) => {
      const seconds = (Date.parse(one.dateTime) - Date.now()) / 1000;
      const [size, unit] = STEPS.find(([size]) => Math.abs(seconds) >= size) ?? STEPS.at(-1);
      const text = ago.format(Math.round(seconds / size), unit);
      if (one.textContent !== text) one.textContent = text;
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    // On a narrow screen the navigation scrolls: where one is has to be seen.
    document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    times();
    window.drawCharts?.(document);
  });
  window.setInterval(times, 30000);
})();
