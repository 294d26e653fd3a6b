"use strict";
// Filter, keyboard and theme. The page says everything without this script.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const items = all(".item");
  const folds = all("details.item");

  // Theme: as the system says, until somebody says otherwise.
  const root = document.documentElement;
  const theme = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const nameTheme = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  const remembered = (value) => {
    try {
      if (value) localStorage.setItem("provisioner-theme", value);
      return localStorage.getItem("provisioner-theme");
    } catch { return null; } // a browser may refuse storage to files
  };
  if (["dark", "light"].includes(remembered())) root.dataset.theme = remembered();
  theme.hidden = false;
  theme.setAttribute("aria-label", "Switch between light and dark");
  theme.addEventListener("click", () => { remembered(root.dataset.theme = dark() ? "light" : "dark"); nameTheme(); });
  system.addEventListener("change", nameTheme);
  nameTheme();

  // Filter
  const tools = byId("tools");
  const texts = new Map();
  const textOf = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  };
  const highlight = (word, shown) => {
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.delete("found");
    if (!word) return;
    const ranges = [];
    for (const item of shown) {
      const walker = document.createTreeWalker(item, NodeFilter.SHOW_TEXT);
      while (walker.nextNode() && ranges.length < 2000) {
        const text = walker.currentNode.data.toLowerCase();
        for (let at = text.indexOf(word); at >= 0 && ranges.length < 2000; at = text.indexOf(word, at + word.length)) {
          if (at + word.length > walker.currentNode.length) break; // some letters change length in lower case
          const range = new Range();
          range.setStart(walker.currentNode, at);
          range.setEnd(walker.currentNode, at + word.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };
  const filter = () => {
    const word = byId("filter").value.trim().toLowerCase();
    const actions = new Set(all("input[name=action]:checked", tools).map((box) => box.value));
    const shown = items.filter((item) => (!item.dataset.action || actions.has(item.dataset.action)) && (!word || textOf(item).includes(word)));
    const visible = new Set(shown);
    for (const item of items) item.hidden = !visible.has(item);
    for (const part of all(".part")) part.hidden = !part.querySelector(".item:not([hidden])");
    const counted = (found) => found.filter((item) => item.dataset.action).length;
    byId("count").textContent = `${counted(shown)} of ${counted(items)} shown`;
    byId("nothing").hidden = shown.length > 0;
    if (word) for (const item of shown.slice(0, 20)) if (item.matches("details")) item.open = true;
    highlight(word, shown);
  };
  const everything = () => {
    byId("filter").value = "";
    for (const box of all("input[name=action]", tools)) box.checked = true;
    filter();
  };
  if (tools) {
    tools.hidden = false;
    const clear = () => { root.style.scrollPaddingTop = getComputedStyle(tools).position === "sticky" ? `${tools.offsetHeight + 8}px` : ""; };
    addEventListener("resize", clear); // nobody arrives at what the toolbar covers
    clear();
    let waiting;
    tools.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, items.length > 500 ? 120 : 0); });
    tools.addEventListener("submit", (event) => event.preventDefault());
    const fold = (open) => () => { for (const item of folds) if (!item.hidden) item.open = open; };
    byId("expand").hidden = byId("collapse").hidden = !folds.length;
    byId("expand").addEventListener("click", fold(true));
    byId("collapse").addEventListener("click", fold(false));
    everything();
  }

  // Keyboard
  const step = (by) => {
    const shown = items.filter((item) => !item.hidden && item.dataset.action);
    if (!shown.length) return;
    const here = shown.findIndex((item) => item.contains(document.activeElement));
    const next = shown[here < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(here + by, 0), shown.length - 1)];
    (next.querySelector("summary") ?? next).focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    "/": () => byId("filter")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    Escape: () => { if (tools) everything(); document.activeElement?.blur(); },
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input[type=search]");
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys) || (typing && event.key !== "Escape")) return;
    event.preventDefault();
    keys[event.key]();
  });

  // A link to a resource opens it, filtered out or not.
  const arrive = () => {
    const found = byId(location.hash.slice(1));
    if (!found?.matches(".item")) return;
    if (found.hidden) everything();
    if (found.matches("details")) found.open = true;
    (found.querySelector("summary") ?? found).focus({ preventScroll: true });
    found.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  for (const link of all('a[href^="#"]')) {
    link.addEventListener("click", () => { if (link.getAttribute("href") === location.hash) arrive(); });
  }
  arrive();

  // Graph: what belongs to a node stands out while it is pointed at.
  const nodes = all(".node");
  const edges = all(".edge");
  const point = (key) => {
    const near = new Set([key]);
    for (const edge of edges) {
      const ends = [edge.dataset.from, edge.dataset.to];
      const on = key !== null && ends.includes(key);
      edge.classList.toggle("near", on);
      if (on) ends.forEach((end) => near.add(end));
    }
    for (const node of nodes) node.classList.toggle("far", key !== null && !near.has(node.dataset.key));
  };
  for (const node of nodes) {
    for (const name of ["pointerenter", "focus"]) node.addEventListener(name, () => point(node.dataset.key));
    for (const name of ["pointerleave", "blur"]) node.addEventListener(name, () => point(null));
  }
})();
