"use strict";
// The filter of the claims. Without JavaScript it stays hidden and every row is there.
(() => {
  const form = document.getElementById("filter");
  const rows = [...document.querySelectorAll("#claims tbody tr")];
  const text = rows.map((row) => row.textContent.toLowerCase());
  const words = document.getElementById("words");
  function apply() {
    const verdicts = new Set([...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value));
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !verdicts.has(row.dataset.verdict) || !wanted.every((word) => text[i].includes(word));
      shown += !row.hidden;
    });
    document.getElementById("shown").textContent = `${shown} of ${rows.length} claims`;
  }
  // A link to a claim shows it, whatever the filter says.
  function reveal() {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (row && row.hidden) { row.hidden = false; row.scrollIntoView(); }
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  // Everything is printed.
  addEventListener("beforeprint", () => {
    rows.forEach((row) => { row.hidden = false; });
    document.querySelectorAll("details").forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", apply);
  form.hidden = false;
  apply();
  reveal();
})();

// Cumulative error distributions: a cursor says the percentages, boxes choose the methods.
document.querySelectorAll(".ced").forEach((box) => {
  const { end, methods } = JSON.parse(box.querySelector("script").textContent);
  const [W, H, left, right, top, bottom] = [720, 420, 60, 14, 12, 52];
  const last = methods[0].mean.length - 1;
  const x = (i) => left + (W - left - right) * i / last;
  const y = (percent) => H - bottom - (H - top - bottom) * percent / 100;
  const dashes = ["2 4", "8 4", "8 4 2 4", "", "12 4", "3 3", "6 2"];
  const draw = (name, attributes, parent, content) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (content !== undefined) made.textContent = content;
    parent.append(made);
    return made;
  };
  const add = (name, parent, properties = {}) => {
    const made = Object.assign(document.createElement(name), properties);
    parent.append(made);
    return made;
  };
  const choice = add("fieldset", box);
  add("legend", choice, { textContent: "Methods" });
  const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, tabindex: 0, role: "img" }, box);
  svg.setAttribute("aria-label", `${box.dataset.title}: left and right arrows move the cursor`);
  const said = add("output", box);
  said.setAttribute("aria-live", "polite");
  for (let percent = 0; percent <= 100; percent += 20) {
    draw("line", { class: "grid", x1: left, x2: W - right, y1: y(percent), y2: y(percent) }, svg);
    draw("text", { x: left - 8, y: y(percent) + 4, "text-anchor": "end" }, svg, percent);
  }
  const step = [1, 2, 5, 10, 20, 50].find((size) => end / size <= 8) || 100;
  for (let error = 0; error <= end; error += step) {
    const at = x(error / end * last);
    draw("line", { class: "axis", x1: at, x2: at, y1: y(0), y2: y(0) + 5 }, svg);
    draw("text", { x: at, y: y(0) + 22, "text-anchor": "middle" }, svg, error);
  }
  draw("line", { class: "axis", x1: left, x2: W - right, y1: y(0), y2: y(0) }, svg);
  draw("text", { x: (left + W - right) / 2, y: H - 6, "text-anchor": "middle" }, svg, "NRMSE, % of the inter-ocular distance");
  draw("text", { transform: `translate(16 ${(top + H - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, svg, "Images, %");
  methods.forEach((method, k) => {
    const colour = `var(--c${k % 7})`;
    const line = (values) => values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
    const group = draw("g", {}, svg);
    if (method.low.length) {
      draw("path", { class: "band", style: `fill:${colour}`, d: `M${line(method.low).join("L")}L${line(method.high).reverse().join("L")}Z` }, group);
    }
    draw("path", { style: `stroke:${colour}`, "stroke-dasharray": dashes[k % 7], d: `M${line(method.mean).join("L")}` }, group);
    const label = add("label", choice);
    const tick = add("input", label, { type: "checkbox", checked: true });
    add("span", label, { className: "key" }).style.borderColor = colour;
    label.append(method.label + (method.seeds > 1 ? ` (${method.seeds} seeds)` : ""));
    method.shown = true;
    tick.addEventListener("input", () => {
      method.shown = tick.checked;
      group.style.display = tick.checked ? "" : "none";
      tell();
    });
  });
  const cursor = draw("line", { class: "axis", y1: top, y2: y(0), visibility: "hidden" }, svg);
  let at = null;
  function tell() {
    if (at === null) {
      said.textContent = "Move over the curves, or focus them and use the arrow keys.";
      return;
    }
    cursor.setAttribute("visibility", "visible");
    cursor.setAttribute("x1", x(at));
    cursor.setAttribute("x2", x(at));
    const shown = methods.filter((method) => method.shown)
      .map((method) => `${method.label} ${method.mean[at].toFixed(1)} %`);
    said.textContent = `Error up to ${(at / last * end).toFixed(2)} %: ${shown.join(" · ") || "no method chosen"}`;
  }
  const clamp = (i) => Math.max(0, Math.min(last, Math.round(i)));
  svg.addEventListener("pointermove", (event) => {
    const frame = svg.getBoundingClientRect();
    at = clamp(((event.clientX - frame.left) / frame.width * W - left) / (W - left - right) * last);
    tell();
  });
  svg.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -4, ArrowRight: 4, Home: -last, End: last }[event.key];
    if (by === undefined) return;
    at = clamp((at === null ? 0 : at) + by);
    tell();
    event.preventDefault();
  });
  tell();
  box.hidden = false;
  box.parentElement.querySelector("img").hidden = true;
});
