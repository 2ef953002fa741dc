// Shows the layers of the point that is pointed at or has the focus; without it, the lists below the plots have them all.
const layers = JSON.parse(document.getElementById("layers").textContent);

function cellsOf(data, number) {
  const places = data.points[number];
  if (!places) return null;
  const box = element("div", "interactive");
  const row = element("div", "cells");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "bits by layer: arrow keys go from layer to layer");
  const label = element("p", "muted where", "Point at a layer, or go through them with Tab and the arrow keys.");
  const buttons = [];
  places.forEach((place, layer) => {
    if (place < 0) return;
    const [name, height, form] = data.storages[place];
    const cell = element("button", `form-${form}`);
    cell.type = "button";
    cell.style.setProperty("--bits", `${height}%`);
    cell.setAttribute("aria-label", `${data.layers[layer]}: ${name}`);
    buttons.push(cell);
  });
  const stop = walk(buttons, (cell) => {
    buttons.forEach((one) => one.classList.toggle("on", one === cell));
    label.textContent = `${cell.getAttribute("aria-label")} (layer ${buttons.indexOf(cell) + 1} of ${buttons.length})`;
  });
  stop(buttons[0]);
  row.append(...buttons);
  box.append(row, label);
  return box;
}

function show(section, data, number) {
  const panel = section.querySelector(".panel");
  if (panel.dataset.number === number) return;
  panel.dataset.number = number;
  const tried = section.querySelector(`.tried[data-number="${number}"]`);
  const told = tried.querySelector(".told").cloneNode(true);
  const cells = cellsOf(data, number);
  const bits = told.querySelector(".bits");
  if (cells) {
    bits.querySelector("svg").replaceWith(cells);
    told.querySelector(".groups").remove();
  }
  const heading = element("h3", "", tried.querySelector("summary").textContent);
  panel.replaceChildren(heading, told);
  const spots = [...section.querySelectorAll(".spot")];
  const equals = (spots.find((one) => one.dataset.number === number)?.dataset.equals ?? "").split(" ");
  spots.forEach((one) => {
    one.classList.toggle("on", one.dataset.number === number);
    one.classList.toggle("equal", one.dataset.number !== number && equals.includes(one.dataset.number));
  });
  section.querySelectorAll(".whisker").forEach((one) => one.classList.toggle("on", one.dataset.number === number));
}

document.querySelectorAll(".target").forEach((section) => {
  const data = layers[section.dataset.target];
  section.querySelectorAll(".frame").forEach((frame) => {
    const spots = [...frame.querySelectorAll(".spot")];
    spots.forEach((one) => one.removeAttribute("title"));
    spots.sort((one, other) => parseFloat(one.style.left) - parseFloat(other.style.left));
    const stop = walk(spots, (one) => show(section, data, one.dataset.number));
    stop(spots.find((one) => one.dataset.number === section.dataset.chosen) ?? spots[0]);
  });
  if (!section.querySelector(".spot")) return;
  section.querySelector(".panel").hidden = false;
  show(section, data, section.dataset.chosen);
});
