// The list of latest ratings: each keeps its row, a new one slides in on top. It refuses to invent a name: nobody signed in is said so.

import { knownLine } from "./known.js";
import { el, inLanguage, isoDay, mark, minute, named, put, say, time } from "./draw.js";

export function latestList(list, quiet) {
  const rows = new Map();
  let first = true;

  return ({ latest: ratings, counties, day }) => {
    quiet.hidden = ratings.length > 0;
    put(quiet, say("quiet"));
    const names = unitNames(counties);
    const wanted = new Set(ratings.map((rating) => rating.id));
    for (const [id, row] of rows) {
      if (!wanted.has(id)) {
        row.node.remove();
        rows.delete(id);
      }
    }
    ratings.forEach((rating, at) => {
      let row = rows.get(rating.id);
      if (row === undefined) {
        row = { node: el("li", first ? "" : "new"), version: null };
        rows.set(rating.id, row);
      }
      const version = JSON.stringify([rating, day]);
      if (row.version !== version) {
        row.version = version;
        row.node.classList.toggle("bad", rating.level === 3);
        row.node.replaceChildren(...cells(rating, names, day));
      }
      if (list.children[at] !== row.node) list.insertBefore(row.node, list.children[at] ?? null);
    });
    first = false;
  };
}

function unitNames(counties) {
  const names = new Map();
  for (const county of counties) {
    names.set(`c/${county.id}`, named(county));
    for (const hall of county.halls) names.set(`h/${hall.id}`, named(hall));
  }
  return names;
}

function cells(rating, names, day) {
  const county = names.get(`c/${rating.county}`) ?? "";
  const hall = names.get(`h/${rating.hall}`) ?? "";
  const place = rating.window ? inLanguage(rating.window_name, rating.window_name_en) || rating.window : rating.box;
  const staff = rating.staff ? inLanguage(rating.staff_name, rating.staff_name_en) || rating.staff : say("nobody");
  const above = el("p", "", "staff" in rating ? `${place} · ${staff}` : place); // not everybody may see who
  const below = el("p", "", [county, hall].filter(Boolean).join(" · ") || say("unassigned"));
  const word = el("p", `word m${rating.level}`, say(`level${rating.level}`));
  return [when(rating.time_ms, day), mark(rating.level), el("div", "place", above, below), el("div", "end", word, knownLine(rating) ?? tags(rating))];
}

// A rating of another day (nobody has pressed yet today, or a box sends what it kept) carries its date.
function when(ms, today) {
  const own = isoDay(ms);
  return own === today ? el("time", "", time(ms)) : el("time", "old", el("span", "", own.slice(5)), minute(ms));
}

function tags(rating) {
  const line = el("p", "tags");
  if (rating.first_level !== rating.level) // then there are two presses at the least
    line.append(el("b", "", say("began", { level: say(`level${rating.first_level}`) })), " · ");
  const parts = [];
  if (rating.presses > 1) parts.push(say("presses", { n: rating.presses }));
  if (rating.prompted) parts.push(say("prompted"));
  if (rating.dated && rating.dated !== "clock") parts.push(say("about"));
  line.append(parts.join(" · "));
  return line;
}
