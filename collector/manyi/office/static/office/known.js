// 已知悉 on the wall: who has taken note of a dissatisfied rating or a forked box, or the button to do so. It refuses to look marked before the
// ledger says so: the answer only takes the button away, the next picture brings name and time.

import { el, minute, say } from "./draw.js";

const { known: address, token, elsewhere, forks } = document.body.dataset;
const DISSATISFIED = 3;

/** The line of a dissatisfied rating; null if there is nothing to say about it. */
export function knownLine(rating) {
  if (rating.level !== DISSATISFIED) return null;
  if (rating.known_ms) {
    const who = [rating.known_by, rating.known_role && say(`role_${rating.known_role}`)].filter(Boolean).join(" · ");
    const line = el("p", "tags known", `✓ ${say("known")} ${minute(rating.known_ms)}`);
    if (who) line.append(el("span", "", who));
    line.title = who;
    return line;
  }
  if (elsewhere) return el("p", "tags", say("elsewhere")); // an inner zone writes nothing
  return address ? el("p", "tags", button({ id: rating.id })) : null;
}

/** The button of a forked box's alarm, for the centre; nothing for alarms that end by themselves. */
export function alarmButton({ kind, box }) {
  return kind === "fork" && forks ? [button({ fork: box })] : [];
}

function button(fields) {
  const node = el("button", "mark-known", say("mark"));
  node.type = "button";
  node.addEventListener("click", async () => {
    node.disabled = true;
    const body = new URLSearchParams(fields);
    try {
      const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token } });
      if (answer.ok) {
        node.textContent = "…";
        return;
      }
      node.textContent = (await answer.json()).error || say("unmarked");
    } catch {
      node.textContent = say("unmarked"); // no contact: nothing was marked, and the button may be tried again
      node.disabled = false;
    }
  });
  return node;
}
