// The link to the server and the verdict on how fresh its figures are. It refuses to look healthy without a heartbeat.

// The server beats once a second; five missed beats are no hiccup.
export const LIMIT_MS = 5000;
const TICK_MS = 250;
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000];
// A page from another version loads itself again, but never in a tight circle.
const RELOAD_AFTER_MS = 10000;

/**
 * Pure. `mono`, `startedAt`, `beatAt` are elapsed ms of this page; `nowMs`, `projectedMs` Unix ms as the server said in its last beat.
 * Answers {state: "waiting" | "live" | "stale", why, stoppedMs}.
 */
export function judge({ mono, startedAt, beatAt, nowMs, projectedMs }) {
  if (beatAt === null) {
    return mono - startedAt > LIMIT_MS ? { state: "stale", why: "never", stoppedMs: 0 } : { state: "waiting" };
  }
  const silent = mono - beatAt;
  if (silent > LIMIT_MS) return { state: "stale", why: "lost", stoppedMs: projectedMs || nowMs };
  if (!projectedMs) return mono - startedAt > LIMIT_MS ? { state: "stale", why: "never", stoppedMs: 0 } : { state: "waiting" };
  if (nowMs + silent - projectedMs > LIMIT_MS) return { state: "stale", why: "behind", stoppedMs: projectedMs };
  return { state: "live" };
}

/** Follow `url`. `events` maps event names to functions of the parsed data; `onTick` gets {verdict, nowMs} four times a second. */
export function follow(url, events, onTick) {
  const startedAt = performance.now();
  let source = null;
  let attempts = 0;
  let openedAt = 0;
  let retryAt = 0;
  let beat = { beatAt: null, nowMs: 0, projectedMs: 0 };

  function open() {
    openedAt = performance.now();
    retryAt = 0;
    source = new EventSource(url);
    source.addEventListener("error", close);
    source.addEventListener("beat", (message) => {
      const said = JSON.parse(message.data);
      attempts = 0;
      beat = { beatAt: performance.now(), nowMs: said.now_ms, projectedMs: said.projected_ms };
      if (said.build !== document.body.dataset.build && beat.beatAt > RELOAD_AFTER_MS) location.reload();
      tick();
    });
    for (const [name, take] of Object.entries(events)) {
      source.addEventListener(name, (message) => take(JSON.parse(message.data)));
    }
  }

  // Our own back-off: EventSource gives up for good on a 503, and hangs on a line that died without a word.
  function close() {
    if (source === null) return;
    source.close();
    source = null;
    const pause = BACKOFF_MS[Math.min(attempts, BACKOFF_MS.length - 1)];
    attempts += 1;
    // A login that has ended is answered 401 or 403: the page itself then shows the way.
    fetch(url, { method: "HEAD" }).then(({ status }) => (status === 401 || status === 403) && location.reload(), () => {});
    retryAt = performance.now() + pause * (0.75 + Math.random() / 2);
  }

  function tick() {
    const mono = performance.now();
    const heard = Math.max(beat.beatAt ?? 0, openedAt);
    if (source !== null && mono - heard > LIMIT_MS) close();
    if (source === null && mono >= retryAt) open();
    const nowMs = beat.beatAt === null ? null : beat.nowMs + (mono - beat.beatAt);
    onTick({ verdict: judge({ mono, startedAt, ...beat }), nowMs });
  }

  open();
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", tick);
  tick();
}
