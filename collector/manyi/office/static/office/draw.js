// Small drawing helpers: words, numbers, times, marks. It refuses to know what it draws.

export const words = JSON.parse(document.getElementById("words").textContent);
const english = document.documentElement.lang === "en";
const locale = english ? "en-GB" : "zh-CN";
const ZONE = "Asia/Shanghai";
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const ROLL_MS = 450;
// Rates live near the top: the scale shows 70 to 100 %, and says so. What lies lower stays at its left end.
const SCALE_FROM = 0.7;

const numbers = new Intl.NumberFormat("en-US");
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minutes = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const iso = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE });
const date = new Intl.DateTimeFormat(locale, { timeZone: ZONE, year: "numeric", month: "long", day: "numeric", weekday: "long" });

export const count = (n) => numbers.format(n);
export const time = (ms) => clock.format(ms);
export const minute = (ms) => minutes.format(ms);
export const day = (ms) => date.format(ms);
export const isoDay = (ms) => iso.format(ms);

/** 0.9996 is 99.9 %, never 100: rounding must not make a rate perfect. */
export function percent(share) {
  const rounded = Math.round(share * 1000) / 10;
  return (share < 1 && rounded === 100 ? 99.9 : rounded).toFixed(1);
}

export const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
export const named = (unit) => (english && unit.name_en) || unit.name || unit.name_en || say("unassigned");
export const inLanguage = (chinese, inEnglish) => (english && inEnglish) || chinese || inEnglish;

export function el(tag, classes = "", ...children) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...children);
  return made;
}

export function mark(level) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", `mark m${level}`);
  use.setAttribute("href", `#mark${level}`);
  svg.append(use);
  return svg;
}

/** Write text only if it differs: an untouched node causes no layout. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const rolling = new WeakMap();

/** Let a number run to its new value; the last frame always shows exactly `value`. */
export function roll(node, value) {
  const from = rolling.get(node)?.value ?? value;
  if (rolling.get(node)?.value === value) return;
  const state = { value };
  rolling.set(node, state);
  if (still || from === value || document.hidden) {
    put(node, count(value));
    return;
  }
  const start = performance.now();
  const frame = (at) => {
    if (rolling.get(node) !== state) return;
    const part = Math.min(1, Math.max(0, (at - start) / ROLL_MS));
    const eased = 1 - (1 - part) ** 3;
    put(node, count(Math.round(from + (value - from) * eased)));
    if (part < 1) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** Show a rate [value, low, high] or null on a .scale. */
export function scale(node, rate) {
  node.classList.toggle("none", !rate);
  if (!rate) return;
  const along = rate.map((share) => Math.max(0, (share - SCALE_FROM) / (1 - SCALE_FROM)));
  ["--at", "--lo", "--hi"].forEach((name, at) => node.style.setProperty(name, along[at]));
}

/** Show the verdict on freshness: the state word, and the large letters when the data stands still. */
export function freshness({ verdict, nowMs }) {
  document.body.dataset.state = verdict.state;
  const stateWord = document.getElementById("state");
  if (stateWord) put(stateWord, say(verdict.state));
  const stopped = document.getElementById("stopped");
  stopped.hidden = verdict.state !== "stale";
  if (verdict.state === "stale") {
    const at = verdict.stoppedMs ? time(verdict.stoppedMs) : "";
    put(document.getElementById("stopped-big"), at ? say("stopped", { time: at }) : say("never"));
    put(document.getElementById("stopped-why"), say(verdict.why === "behind" ? "behind" : "lost", { time: at }));
  }
  const shown = document.getElementById("clock");
  if (shown && nowMs !== null) {
    put(shown, time(nowMs));
    put(document.getElementById("day"), day(nowMs));
  }
}
