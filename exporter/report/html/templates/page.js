// Sorts and filters tables, and says what the mark is that is pointed at or has the focus; without it, all is there to be read.
function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text ?? "";
  return made;
}

// One stop of the Tab key a group: arrows go on from there, in the order of `members`.
function walk(members, shown) {
  const stop = (chosen) => members.forEach((one) => { one.tabIndex = one === chosen ? 0 : -1; });
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -members.length, End: members.length };
  members.forEach((one, place) => {
    one.addEventListener("focus", () => { stop(one); shown(one); });
    one.addEventListener("pointerenter", () => shown(one));
    one.addEventListener("click", () => one.focus());
    one.addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      event.preventDefault();
      members[Math.min(Math.max(place + steps[event.key], 0), members.length - 1)].focus();
    });
  });
  return stop;
}

const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, us: 1e-6, ms: 1e-3, s: 1, mJ: 1e-3, J: 1 };

// A figure in its unit, so that 900 kB stands before 1.2 MB; null where there is none.
function figureOf(text) {
  if (text.startsWith("exact")) return Infinity;
  const found = /^[~<>=\s]*([-+]?[\d,]*\.?\d+(?:e[-+]?\d+)?)\s*([a-zA-Z%]*)/.exec(text);
  return found ? parseFloat(found[1].replaceAll(",", "")) * (UNITS[found[2]] ?? 1) : null;
}

function compared(one, other, figures) {
  if (!figures) return one.localeCompare(other, "en", { numeric: true });
  const [first, second] = [figureOf(one), figureOf(other)];
  if (first === null || second === null) return (first === null) - (second === null);
  return first < second ? -1 : first > second ? 1 : 0;
}

function sort(table, column, header) {
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  const figures = header.classList.contains("num");
  const text = (row) => row.cells[column].textContent.trim();
  const body = table.tBodies[0];
  const missing = (row) => figures && figureOf(text(row)) === null;
  const rows = [...body.rows].sort((one, other) => {
    const order = compared(text(one), text(other), figures);
    return ascending || missing(one) || missing(other) ? order : -order;
  });
  table.querySelectorAll("th[aria-sort]").forEach((one) => one.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  body.append(...rows);
}

document.querySelectorAll("table:not(.fixed)").forEach((table) => {
  if (table.tBodies[0].rows.length < 3) return;
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (header.tagName !== "TH") return;
    const button = element("button", "sort", header.textContent);
    button.type = "button";
    button.addEventListener("click", () => sort(table, column, header));
    header.replaceChildren(button);
  });
});

document.querySelectorAll("table.verdicts").forEach((table) => {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 6) return;
  const box = element("div", "filters");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Which verdicts are shown");
  const words = element("input", "");
  words.type = "search";
  words.placeholder = "target, metric, word";
  words.setAttribute("aria-label", "Only verdicts with these letters");
  const said = element("p", "muted");
  said.setAttribute("aria-live", "polite");
  const checks = [...new Set(rows.map((row) => row.dataset.status))].map((status) => {
    const label = element("label", "");
    const check = element("input", "");
    check.type = "checkbox";
    check.checked = true;
    check.value = status;
    label.append(check, ` ${status}`);
    box.append(label);
    return check;
  });
  const show = () => {
    const wanted = new Set(checks.filter((one) => one.checked).map((one) => one.value));
    const letters = words.value.trim().toLowerCase();
    rows.forEach((row) => {
      row.hidden = !wanted.has(row.dataset.status) || !row.textContent.toLowerCase().includes(letters);
    });
    said.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} verdicts`;
  };
  [words, ...checks].forEach((one) => one.addEventListener("input", show));
  box.prepend(words);
  box.append(said);
  table.closest(".scroll").before(box);
  show();
});

document.querySelectorAll(".told-below").forEach((figure) => {
  const spots = [...figure.querySelectorAll(".spot")];
  const readout = figure.querySelector(".readout");
  readout.hidden = false;
  spots.forEach((one) => one.removeAttribute("title"));
  spots.sort((one, other) => parseFloat(one.style.left) - parseFloat(other.style.left));
  const stop = walk(spots, (spot) => {
    spots.forEach((one) => one.classList.toggle("on", one === spot));
    readout.textContent = spot.getAttribute("aria-label");
  });
  stop(spots[0]);
});
