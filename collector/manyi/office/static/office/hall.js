// The public hall screen: released batches only. It refuses to ask for anything that could lead to a person.

import { count, freshness, minute, percent, put, roll, say } from "./draw.js";
import { follow } from "./stream.js";

const id = (name) => document.getElementById(name);
// Names and counts of more characters than this take the smaller type.
const LONG_NAME = 18;
const LONG_COUNT = 5;
const sumWords = [...id("sum").querySelectorAll("span")].map((node) => node.textContent);

function draw({ name, name_en: inEnglish, released, waiting_hint: waiting, as_of_batch_ms: asOf }) {
  const shown = (document.documentElement.lang === "en" && inEnglish) || name;
  put(id("name"), shown);
  id("name").classList.toggle("long", shown.length > LONG_NAME);
  document.title = shown;
  const sum = id("sum");
  sum.classList.toggle("nothing", released.n === 0);
  id("n").hidden = released.n === 0;
  sum.firstElementChild.textContent = released.n ? sumWords[0] : say("nothing");
  sum.lastElementChild.textContent = released.n ? sumWords[1] : "";
  roll(id("n"), released.n);
  for (const item of document.querySelectorAll(".levels li")) {
    const at = Number(item.dataset.level) - 1;
    const node = item.querySelector(".count");
    roll(node, released.level[at]);
    node.classList.toggle("long", count(released.level[at]).length > LONG_COUNT);
    put(item.querySelector(".share"), released.n ? `${percent(released.level[at] / released.n)}%` : "");
    id("bar").children[at].style.flexGrow = released.level[at];
    id("bar").children[at].hidden = released.level[at] === 0; // else its gap would stay
  }
  put(id("asof"), asOf ? say("asof", { time: minute(asOf) }) : "");
  put(id("hint"), waiting ? say("collecting") : "");
}

for (const item of document.querySelectorAll(".levels li")) put(item.querySelector(".word"), say(`level${item.dataset.level}`));
follow(document.body.dataset.events, { hall: draw }, freshness);
