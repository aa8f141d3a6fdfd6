"use strict";

/* Sorting: the head of each column of a leaderboard becomes a button. Models and controls are sorted apart. */

const word = (row, place) => row.cells[place].textContent.trim();
const number = (row, place) => parseFloat(word(row, place).replace(/[≤≥,\s]/g, ""));

function order(place, numeric, sign) {
  return (a, b) => {
    if (!numeric) return sign * word(a, place).localeCompare(word(b, place), "en");
    const [x, y] = [number(a, place), number(b, place)];
    return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (x - y);
  };
}

function sort(table, head) {
  const place = head.cellIndex;
  const title = head.textContent.trim();
  const numeric = [...table.tBodies[0].rows].some((row) => !isNaN(number(row, place)));
  const first = title.includes("↑") || title === "P(best)" ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const next = head.getAttribute("aria-sort") === first ? other : first;
  for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", next);
  for (const body of table.tBodies) body.append(...[...body.rows].sort(order(place, numeric, next === "ascending" ? 1 : -1)));
  document.getElementById("said").textContent = `Sorted by ${title}, ${next}.`;
}

for (const table of document.querySelectorAll("table.board")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, head));
    head.append(button);
  }
}

/* A link opens what it leads to: older browsers do not. */

function open() {
  let at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const target = at;
  for (; at; at = at.parentElement) if (at instanceof HTMLDetailsElement) at.open = true;
  if (target) target.scrollIntoView();
}

addEventListener("hashchange", open);
if (location.hash) open();

/* Charts: a still SVG becomes a live one when someone points at it. The library is in the page, packed. */

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/* Base 85: five digits are four bytes, of the last group fewer. */
function decoded(text) {
  const worth = Object.fromEntries([...DIGITS].map((digit, place) => [digit, place]));
  const words = new DataView(new ArrayBuffer(4 * Math.ceil(text.length / 5)));
  for (let at = 0; at < text.length; at += 5) {
    let word = 0;
    for (let k = at; k < at + 5; k++) word = 85 * word + (worth[text[k]] ?? 84);
    words.setUint32((4 * at) / 5, word);
  }
  return new Uint8Array(words.buffer, 0, Math.floor((4 * text.length) / 5));
}

async function unpacked(id) {
  const bytes = decoded(document.getElementById(id).textContent);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

let library;

async function load() {
  const script = document.createElement("script");
  script.type = "module";
  const ready = new Promise((done) => addEventListener("charts", done, { once: true }));
  script.textContent = `${await unpacked("library")};dispatchEvent(new Event("charts"));`;
  document.head.append(script);
  await ready;
  return JSON.parse(await unpacked("specs"));
}

async function enliven(figure) {
  const specs = await (library ??= load());
  const still = figure.querySelector("svg[role=img]");
  const live = document.createElement("div");
  await vegaEmbed(live, specs[figure.dataset.chart], { renderer: "svg", actions: false });
  const drawn = live.querySelector("svg");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", still.getAttribute("aria-label"));
  still.replaceWith(live);
  figure.dataset.live = "";
}

if ("DecompressionStream" in window) {
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const once = () => {
      for (const kind of ["pointerenter", "focusin"]) figure.removeEventListener(kind, once);
      enliven(figure);
    };
    for (const kind of ["pointerenter", "focusin"]) figure.addEventListener(kind, once);
  }
}
