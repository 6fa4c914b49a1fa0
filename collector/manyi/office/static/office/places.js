// The table of counties and halls, in pages that turn by themselves. It refuses to sort: the roster's order stands still.

import { el, named, percent, put, roll, say, scale } from "./draw.js";

const TURN_MS = 8000;
// Row heights in rem: airy while few, dense enough for a county with 20 halls on one page.
const ROW_MAX = 3.9;
const ROW_MIN = 1.72;

/** Pure. Everything on one page if it fits; else the counties, then each county with its halls. Rows are {kind, unit, key}. */
export function paginate(counties, capacity) {
  const county = (unit) => ({ kind: "county", unit, key: `c/${unit.id}` });
  const halls = (unit) => unit.halls.map((hall) => ({ kind: "hall", unit: hall, key: `h/${unit.id}/${hall.id}` }));
  const whole = counties.flatMap((unit) => [county(unit), ...halls(unit)]);
  if (whole.length <= capacity) return [{ title: null, rows: whole }];
  const pages = slices(counties.map((unit) => ({ ...county(unit), kind: "solo" })), capacity).map((rows) => ({ title: "overview", rows }));
  for (const unit of counties) {
    for (const rows of slices(halls(unit), capacity - 1)) pages.push({ title: unit, rows: [county(unit), ...rows] });
  }
  return pages;
}

// Equal parts instead of a full page and a rest of one.
function slices(rows, capacity) {
  const pages = Math.ceil(rows.length / capacity);
  const size = Math.ceil(rows.length / Math.max(1, pages));
  return Array.from({ length: pages }, (_, page) => rows.slice(page * size, (page + 1) * size));
}

export function placesTable(root, where, dots) {
  const body = root.querySelector(".body");
  let counties = [];
  let page = 0;
  let shown = new Map();
  let layout = "";

  function capacity() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return { rem, height: body.clientHeight, rows: Math.max(4, Math.floor(body.clientHeight / (ROW_MIN * rem))) };
  }

  function draw() {
    const room = capacity();
    const pages = paginate(counties, room.rows);
    page %= Math.max(1, pages.length);
    const { title, rows } = pages[page] ?? { title: null, rows: [] };
    const row = Math.min(ROW_MAX, Math.max(ROW_MIN, room.height / room.rem / Math.max(1, ...pages.map((each) => each.rows.length))));
    body.style.setProperty("--row", `${row}rem`);
    const wanted = rows.map((each) => each.kind + each.key).join("|");
    if (wanted !== layout) {
      layout = wanted;
      shown = new Map(rows.map((each) => [each.key, blank(each.kind)]));
      body.replaceChildren(...[...shown.values()].map((parts) => parts.row));
    }
    for (const each of rows) fill(shown.get(each.key), each.unit);
    put(where, title === null ? "" : title === "overview" ? say("overview") : named(title));
    put(dots, pages.length > 1 ? say("page", { page: page + 1, pages: pages.length }) : "");
  }

  setInterval(() => {
    page += 1;
    draw();
  }, TURN_MS);
  addEventListener("resize", draw);
  return (now) => {
    counties = now;
    draw();
  };
}

function blank(kind) {
  const cells = { name: el("span"), n: el("span"), levels: [el("span"), el("span"), el("span")], corrected: el("span") };
  const bar = el("span", "bar", el("i"), el("i"), el("i"));
  const s = blankRate();
  const sb = blankRate();
  const row = el("div", `row ${kind}`, cells.name, cells.n, ...cells.levels, bar, s.cell, sb.cell, cells.corrected);
  row.setAttribute("role", "row");
  for (const cell of row.children) cell.setAttribute("role", "cell");
  return { ...cells, row, bar, s, sb };
}

function blankRate() {
  const value = el("span", "v");
  const side = el("span");
  return { value, side, cell: el("span", "cellrate", value, side), kind: "" };
}

function fill(parts, unit) {
  put(parts.name, named(unit));
  roll(parts.n, unit.n);
  parts.levels.forEach((cell, at) => {
    roll(cell, unit.level[at]);
    cell.classList.toggle("zero", unit.level[at] === 0);
    parts.bar.children[at].style.flexGrow = unit.level[at];
    parts.bar.children[at].hidden = unit.level[at] === 0; // else its gap would stay
  });
  roll(parts.corrected, unit.corrected);
  parts.corrected.classList.toggle("zero", unit.corrected === 0);
  fillRate(parts.s, unit.rate.s, unit.rate.enough);
  fillRate(parts.sb, unit.rate.sb, unit.rate.enough);
}

function fillRate(parts, rate, enough) {
  const kind = !rate ? "none" : enough ? "scale" : "badge";
  put(parts.value, rate ? `${percent(rate[0])}%` : "—");
  parts.cell.classList.toggle("small", kind !== "scale");
  if (kind !== parts.kind) {
    parts.kind = kind;
    parts.side.className = kind === "none" ? "" : kind;
    parts.side.replaceChildren(...(kind === "scale" ? [el("i", "band"), el("i", "point"), el("i", "goal")] : []));
  }
  if (kind === "scale") scale(parts.side, rate);
  if (kind === "badge") put(parts.side, say("few"));
}
