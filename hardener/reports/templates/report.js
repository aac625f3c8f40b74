(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const forms = all("form.filters");
  const form = forms[0];
  const controls = new Map();  // by id, and by anchor where this page tells them whole
  for (const part of all(".control")) {
    const control = { part, role: part.dataset.role, severity: part.dataset.severity, outcomes: part.dataset.outcome.split(" "),
      words: (part.querySelector("h4, a").textContent + " " + part.dataset.id).toLowerCase() };
    controls.set(part.dataset.id, control);
    const anchor = part.querySelector(".aim");
    if (anchor) controls.set(anchor.id, control);
  }
  const matters = ["outcome", "role", "severity"];
  const slug = (group) => [...group.classList].find((name) => name !== "group");
  const entries = all(".group:not([data-aside]) li").map((part) => {
    const group = part.closest(".group");
    const link = part.querySelector("a[href^='#c']");
    const list = part.parentElement;
    const control = link ? controls.get(link.hash.slice(1).split("v")[0])
      : list.dataset.role && controls.get(`${list.dataset.role}-${part.textContent}`);
    const { role, severity } = part.dataset.role ? part.dataset : control || {};
    return { part, group, control, role, severity, outcome: slug(group) };
  });
  const foldable = all("details.target, .group:not([data-aside])");
  let before = null;  // what was open when filtering began
  const remember = (isFiltered) => {
    if (isFiltered && !before) before = foldable.map((part) => part.open);
    if (isFiltered || !before) return;
    foldable.forEach((part, index) => { part.open = before[index]; });
    before = null;
  };
  const names = new Map();
  const nameOf = (part) => {
    const target = part.closest("details.target");
    if (!names.has(target)) names.set(target, (target || document).querySelector(target ? "h3" : "h1").textContent.toLowerCase());
    return names.get(target);
  };
  const text = (entry) => {
    entry.text ??= `${nameOf(entry.group)} ${entry.control ? entry.control.words : ""} ${entry.part.textContent.toLowerCase()}`;
    return entry.text;
  };
  const show = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = matters.filter((key) => wanted[key]);
    const isFiltered = asked.length + words.length > 0;
    const kept = new Set();
    const shown = new Set();
    let count = 0;
    for (const entry of entries) {
      const isShown = asked.every((key) => entry[key] === wanted[key]) && words.every((word) => text(entry).includes(word));
      entry.part.hidden = !isShown;
      if (!isShown) continue;
      count += 1;
      shown.add(entry.control);
      for (let part = entry.part.parentElement; part && !kept.has(part); part = part.parentElement) kept.add(part);
    }
    all(".target h5, .target ul").forEach((part) => {
      part.hidden = isFiltered && !kept.has(part.tagName === "UL" ? part : part.nextElementSibling);
    });
    all(".target .cause").forEach((part) => { part.hidden = isFiltered && !kept.has(part); });
    remember(isFiltered);
    for (const part of foldable) {
      part.hidden = isFiltered && !kept.has(part);
      if (isFiltered && !part.hidden) part.open = true;
    }
    const rows = all(".matrix tbody tr");
    for (const control of new Set(controls.values())) {
      const isShown = entries.length ? shown.has(control)
        : asked.every((key) => key === "outcome" ? control.outcomes.includes(wanted.outcome) : control[key] === wanted[key])
          && words.every((word) => control.words.includes(word));
      control.part.hidden = isFiltered && !isShown;
    }
    for (const row of rows) {
      const control = controls.get(row.firstElementChild.textContent);
      row.hidden = Boolean(control && control.part.hidden);
    }
    all(".role").forEach((title) => {
      let part = title.nextElementSibling;
      while (part && part.matches(".control") && part.hidden) part = part.nextElementSibling;
      title.hidden = isFiltered && !(part && part.matches(".control"));
    });
    all("[data-aside]").forEach((part) => { part.hidden = isFiltered; });
    const left = all(".control:not([hidden])").length;
    form.querySelector("output").textContent = !isFiltered ? ""
      : entries.length ? `${count} of ${entries.length} findings` : `${left} of ${all(".control").length} controls`;
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
  const unfold = (event) => {
    const isOpen = event.target.getAttribute("aria-pressed") !== "true";
    all("main details").forEach((part) => { part.open = isOpen; });
    event.target.setAttribute("aria-pressed", String(isOpen));
    event.target.textContent = isOpen ? "Fold all" : "Expand all";
  };
  if (form) {
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.elements.unfold.addEventListener("click", unfold);
    form.hidden = false;
    show();
  }
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => {
    const isSmall = all("details.target").length <= 3;
    all("details").forEach((part) => {
      if (isSmall || part.matches(".target, .group:not(.holds, .notapplicable), .control")) part.open = true;
    });
  });
  reveal();
})();
