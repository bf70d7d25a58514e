// Search, and the neighbours of a chosen resource. The page is whole without it.
"use strict";

const search = document.getElementById("search");
const found = document.getElementById("found");
const entries = [...document.querySelectorAll("[data-find]")].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
}));

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let hits = 0;
  for (const { element, text } of entries) {
    const hit = words.every((word) => text.includes(word));
    hits += hit && !element.closest("svg");
    // A drawing keeps its shape; what is not meant fades.
    element.classList.toggle(element.closest("svg") ? "faded" : "hidden", !hit);
  }
  for (const stack of document.querySelectorAll("[data-stack]")) {
    const empty = !stack.querySelector("[data-find]:not(.hidden):not(.faded)");
    stack.classList.toggle("hidden", words.length > 0 && empty);
  }
  found.textContent = words.length ? `${hits.toLocaleString("en")} found` : "";
  history.replaceState(null, "", words.length ? `#q=${encodeURIComponent(search.value)}` : "#");
}

function choose(node) {
  const drawing = node.closest("svg");
  const before = drawing.querySelector(".chosen");
  for (const each of drawing.querySelectorAll(".chosen, .near")) {
    each.classList.remove("chosen", "near");
  }
  drawing.classList.toggle("choosing", before !== node);
  if (before === node) return;
  node.classList.add("chosen");
  const own = node.dataset.node;
  for (const edge of drawing.querySelectorAll(".edge")) {
    const { from, to } = edge.dataset;
    if (from !== own && to !== own) continue;
    edge.classList.add("near");
    const other = from === own ? to : from;
    drawing.querySelector(`[data-node="${other}"]`).classList.add("near");
  }
  const changes = node.closest("[data-stack]").querySelectorAll(".change");
  const change = [...changes].find((each) => each.dataset.urn === node.dataset.urn);
  if (change) {
    change.open = true;
    change.scrollIntoView({ block: "nearest" });
  }
}

for (const node of document.querySelectorAll(".node")) {
  node.addEventListener("click", () => choose(node));
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(node);
    }
  });
}

search.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});
const shared = /^#q=(.*)$/.exec(location.hash);
if (shared) {
  try {
    search.value = decodeURIComponent(shared[1]);
    filter();
  } catch {
    // A hash that nobody's search made.
  }
}
