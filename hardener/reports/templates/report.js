(() => {
  "use strict";
  const form = document.getElementById("filters");
  const told = form.querySelector("output");
  const entries = [...document.querySelectorAll(".entry")];
  const targets = [...document.querySelectorAll("details.target")];
  const groups = [...document.querySelectorAll(".group:not([data-aside])")];
  const texts = new WeakMap();
  const nameOf = (entry) => entry.closest("details.target").querySelector("h2").textContent;
  const foldable = [...targets, ...groups];
  let before = null;  // what was open when filtering began
  const remember = (isFiltered) => {
    if (isFiltered && !before) before = foldable.map((part) => part.open);
    if (isFiltered || !before) return;
    foldable.forEach((part, index) => { part.open = before[index]; });
    before = null;
  };
  const text = (entry) => {
    if (!texts.has(entry)) texts.set(entry, `${nameOf(entry)} ${entry.textContent}`.toLowerCase());
    return texts.get(entry);
  };
  const show = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const isFiltered = Boolean(wanted.outcome || wanted.role || wanted.severity || words.length);
    let count = 0;
    for (const entry of entries) {
      const isShown = ["outcome", "role", "severity"].every((key) => !wanted[key] || entry.dataset[key] === wanted[key])
        && words.every((word) => text(entry).includes(word));
      entry.hidden = !isShown;
      count += isShown;
    }
    const isEmpty = (part) => isFiltered && !part.querySelector(".entry:not([hidden])");
    document.querySelectorAll(".cause").forEach((part) => { part.hidden = isEmpty(part); });
    remember(isFiltered);
    for (const part of foldable) {
      part.hidden = isEmpty(part);
      if (isFiltered && !part.hidden) part.open = true;
    }
    document.querySelectorAll("[data-aside]").forEach((part) => { part.hidden = isFiltered; });
    told.textContent = isFiltered ? `${count} of ${entries.length} findings` : "";
  };
  const reveal = () => {
    const aim = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!aim) return;
    for (let part = aim; part; part = part.parentElement) {
      part.hidden = false;
      if (part.tagName === "DETAILS") part.open = true;
    }
    aim.scrollIntoView();
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => {
    for (const part of foldable) {
      if (targets.length <= 3 || !part.matches(".holds, .notapplicable")) part.open = true;
    }
  });
  form.hidden = false;
  show();
  reveal();
})();
