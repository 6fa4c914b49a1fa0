// The live wall: puts a snapshot on the screen. It refuses to calculate any figure; every one comes from the server.

import { count, el, freshness, inLanguage, minute, percent, put, roll, say, scale } from "./draw.js";
import { alarmButton } from "./known.js";
import { latestList } from "./latest.js";
import { placesTable } from "./places.js";
import { follow } from "./stream.js";

const id = (name) => document.getElementById(name);
const drawPlaces = placesTable(id("places"), id("where"), id("dots"));
const drawLatest = latestList(id("latest"), id("quiet"));
const ALARMS_SHOWN = 3;
const ALARM_TURN_MS = 6000;
// A count of more characters than this takes the smaller type of its card.
const LONG = 7;
let alarms = [];
let alarmsMore = 0; // that hold and are not in the picture
let alarmPage = 0;
let someSilent = false;

function drawTotals(total) {
  for (const node of document.querySelectorAll("[data-roll]")) roll(node, total[node.dataset.roll]);
  for (const card of document.querySelectorAll(".card.level")) {
    const at = Number(card.dataset.level) - 1;
    const share = total.n ? total.level[at] / total.n : 0;
    const node = card.querySelector(".count");
    roll(node, total.level[at]);
    node.classList.toggle("long", count(total.level[at]).length > LONG);
    card.querySelector(".track i").style.transform = `scaleX(${share})`;
    put(card.querySelector(".share"), total.n ? say("share", { percent: `${percent(share)}%` }) : "");
    put(card.querySelector(".first"), say("first", { n: count(total.first[at]) }));
  }
  document.querySelector(".all .huge").classList.toggle("long", count(total.n).length > LONG);
  for (const node of document.querySelectorAll(".rate")) drawRate(node, total.rate[node.dataset.rate], total.rate.enough);
}

function drawRate(node, rate, enough) {
  const value = node.querySelector(".value");
  const said = node.querySelector(".said");
  node.classList.toggle("small", !rate || !enough);
  scale(node.querySelector(".scale"), rate);
  if (!rate) {
    value.replaceChildren("—");
    said.replaceChildren(say("none"));
    return;
  }
  value.replaceChildren(percent(rate[0]), el("small", "", "%"));
  if (!enough) value.append(el("span", "badge", say("few")));
  said.replaceChildren(say("interval", { low: `${percent(rate[1])}%`, high: `${percent(rate[2])}%` }));
}

function drawFleet(boxes, now, more) {
  alarms = now;
  alarmsMore = more;
  put(id("online"), count(boxes.online));
  put(id("known"), count(boxes.known));
  document.querySelector(".online").classList.toggle("short", boxes.online < boxes.known);
  const silent = boxes.silent.map((box) => (typeof box === "string" ? box : box.name || box.box));
  someSilent = silent.length > 0; // not an alarm yet, and nothing to be calm about
  put(id("silent"), silent.length ? say("silent", { boxes: silent.join(" ") }) : "");
  id("alarm-count").hidden = now.length === 0;
  put(id("alarm-count").querySelector("b"), count(now.length + more));
  document.querySelector(".fleet").classList.toggle("alarm", now.length > 0);
  drawAlarms();
}

function drawAlarms() {
  const pages = Math.max(1, Math.ceil(alarms.length / ALARMS_SHOWN));
  alarmPage %= pages;
  const shown = alarms.slice(alarmPage * ALARMS_SHOWN, (alarmPage + 1) * ALARMS_SHOWN);
  const lines = shown.map((alarm) =>
    el("li", "", el("time", "", alarm.time_ms ? minute(alarm.time_ms) : ""), el("span", "", inLanguage(alarm.text_zh, alarm.text_en), ...alarmButton(alarm))),
  );
  if (!lines.length && !someSilent) lines.push(el("li", "calm", say("calm")));
  if (pages > 1) lines.push(el("li", "rest", say("more", { n: count(alarms.length + alarmsMore - shown.length) })));
  const list = id("alarms");
  if (list.textContent !== lines.map((line) => line.textContent).join("")) list.replaceChildren(...lines);
}

function drawAccount(account) {
  const { shown } = account; // known for the whole city alone
  document.querySelector("#account .shown").hidden = shown === undefined;
  for (const node of document.querySelectorAll("[data-sum]")) roll(node, account[node.dataset.sum] ?? 0);
  const line = id("account");
  line.classList.toggle("off", !account.ok);
  line.querySelector('[data-sum="lost"]').parentElement.classList.toggle("lost", account.lost > 0);
  const verdict = say(account.ok ? "balanced" : "unbalanced");
  put(id("verdict"), `${account.ok ? "✓" : "✗"} ${verdict}${account.unknown ? ` · ${say("unknown", { n: count(account.unknown) })}` : ""}`);
  // What is stored and rightly not shown has its name; the rest is still on its way to the wall.
  const { undated = 0, forked = 0, unread = 0 } = account;
  const behind = shown === undefined ? 0 : account.stored - shown - undated - forked - unread;
  const apart = [undated && say("undated", { n: count(undated) }), forked && say("forked", { n: count(forked) })];
  put(id("behind"), [...apart, behind > 0 && say("catching", { n: count(behind) })].filter(Boolean).join(" · "));
}

function draw(snapshot) {
  put(id("city"), inLanguage(snapshot.city.zh, snapshot.city.en));
  drawTotals(snapshot.total);
  drawPlaces(snapshot.counties);
  drawLatest(snapshot);
  drawFleet(snapshot.boxes, snapshot.alarms, snapshot.alarms_more);
  drawAccount(snapshot.account);
  document.body.dataset.pictures = Number(document.body.dataset.pictures ?? 0) + 1;
}

for (const node of document.querySelectorAll(".word[data-level]")) put(node, say(`level${node.dataset.level}`));
for (const card of document.querySelectorAll(".card.level")) put(card.querySelector(".word"), say(`level${card.dataset.level}`));
setInterval(() => {
  alarmPage += 1;
  drawAlarms();
}, ALARM_TURN_MS);
follow(document.body.dataset.events, { wall: draw }, freshness);
