// The caller's stress on a line of time, drawn by hand: small, with its reasons as titles.

import { h, span } from "./desk-dom.js";

const [WIDTH, HEIGHT, SIDE, TOP] = [320, 66, 6, 6];
const RAISED = 0.3;
const HIGH = 0.6;

const level = (score) => (score >= HIGH ? "high" : score >= RAISED ? "raised" : "calm");

export function stressLine(points, lengthMs) {
  const longest = Math.max(lengthMs, points.at(-1)?.at_ms ?? 0, 10_000);
  const x = (ms) => (SIDE + (ms / longest) * (WIDTH - 2 * SIDE)).toFixed(1);
  const y = (score) => (TOP + (1 - Math.min(1, Math.max(0, score))) * (HEIGHT - 20)).toFixed(1);
  const limit = (score) =>
    h("line", { class: "limit", x1: SIDE, x2: WIDTH - SIDE, y1: y(score), y2: y(score) });
  const path = points.map((point) => `${x(point.at_ms)},${y(point.score)}`).join(" ");
  const worst = points.reduce((most, point) => Math.max(most, point.score), 0);
  const label = `Stress over the call: highest ${Math.round(worst * 100)} of 100`;
  return h(
    "svg",
    { class: "stress-line", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    limit(RAISED),
    limit(HIGH),
    h("line", { class: "base", x1: SIDE, x2: WIDTH - SIDE, y1: y(0), y2: y(0) }),
    points.length > 1 ? h("polyline", { points: path }) : null,
    points.map((point) =>
      h(
        "circle",
        { class: level(point.score), cx: x(point.at_ms), cy: y(point.score), r: 4 },
        h("title", {}, [`${span(point.at_ms)} · ${Math.round(point.score * 100)}`, ...point.reasons].join("\n")),
      ),
    ),
    h("text", { x: SIDE, y: HEIGHT - 1 }, "0:00"),
    h("text", { x: WIDTH - SIDE, y: HEIGHT - 1, "text-anchor": "end" }, span(longest)),
  );
}

/** What made the caller tense, newest first, each once. */
export function stressReasons(points, most) {
  const said = new Set();
  for (const point of [...points].reverse()) {
    for (const reason of point.reasons) said.add(reason);
  }
  return [...said].slice(0, most);
}
