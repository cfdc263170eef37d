// The card: who, why, how they feel, what was tried, what is known. Pure: a call's view in,
// elements out; the same view is drawn once.

import { clock, h, show, words } from "./desk-dom.js";
import { stressLine, stressReasons } from "./desk-stress.js";

const TENSION = { calm: "calm", raised: "tense", high: "very tense" };
const RECORDING = {
  on: "Recording",
  paused: "Recording paused",
  off: "Not recorded",
  failed: "Recording failed",
};
const STAGES = {
  offered: "A call for you",
  ringing: "It rings for you",
  briefing: "You hear the summary",
  accepted: "Accepted: pick up your phone",
  talking: "Talking",
  held: "Caller on hold",
  asked_in: "Asked in: the caller holds",
  line_lost: "Your line broke: pick up again",
  wrap_up: "Wrap-up",
};

/** The head: read in three seconds. */
export function head(place, call) {
  const keys = [call.summary, call.stage, call.stage_unix_ms, call.stress, call.recording, call.muted,
    call.talk_unix_ms, call.fate, call.caller_name, call.caller_number, call.consult];
  return show(place, keys, () => [
    h("div", { class: "line" },
      h("span", { class: `stage ${call.stage}` }, stageWords(call)),
      h("span", { class: `chip ${call.priority <= "P1" ? "bad" : "flat"}` }, call.priority),
      call.skill ? h("span", { class: "chip flat" }, words(call.skill)) : null,
      h("span", { class: "chip flat" }, call.language),
      h("span", { class: "fill" }),
      call.stage === "wrap_up" ? null : recordingLight(call.recording),
      h("span", { class: "timer", title: "Since this began" }, clock({ since: call.talk_unix_ms && call.stage !== "wrap_up" ? call.talk_unix_ms : call.stage_unix_ms }))),
    h("p", { class: "summary" }, call.summary),
    h("div", { class: "line" },
      h("strong", { class: "short" }, call.caller_name ?? "Unknown caller"),
      h("span", { class: "quiet short" }, call.caller_number ?? "number withheld"),
      h("span", { class: "fill" }),
      meter(call)),
    call.fate ? h("p", { class: "fate", role: "alert" }, call.fate) : null,
  ]);
}

/** Where the call stands, in words. */
export function stageWords(call) {
  const { stage, consult, muted } = call;
  if (consult && stage === "talking") {
    const name = consult.name;
    return {
      asking: `Asking ${name}…`,
      ringing: `${name}'s phone rings`,
      apart: `With ${name}; the caller holds`,
      parked: `With the caller; ${name} holds`,
      joined: `All three: you, ${name}, the caller`,
    }[consult.state];
  }
  return muted && stage === "talking" ? "Talking, you are muted" : STAGES[stage];
}

function recordingLight(state) {
  return h("span", { class: `recording ${state}` }, h("i", {}), RECORDING[state]);
}

function meter(call) {
  const percent = Math.round(Math.min(1, Math.max(0, call.stress)) * 100);
  return h("span", { class: `meter ${call.stress_level}`, title: `Stress ${percent} of 100` },
    h("svg", { viewBox: "0 0 120 10", width: 120, height: 10, "aria-hidden": "true" },
      h("rect", { class: "ground", x: 0, y: 0, width: 120, height: 10, rx: 5 }),
      h("rect", { class: "fill", x: 0, y: 0, width: Math.max(5, percent * 1.2), height: 10, rx: 5 })),
    h("strong", {}, TENSION[call.stress_level]), h("span", { class: "quiet" }, String(percent)));
}

/** Why and how: the left column. */
export function why(place, call) {
  const keys = [call.reasons, call.stress_line, call.slots, call.tried, call.draft, call.intent];
  return show(place, keys, () => [
    section("Wants", h("p", { class: "big" }, call.intent ?? "not clear yet")),
    call.slots.length > 0 ? section("Given", definitions(call.slots.map((slot) => [slot.name, slot.value, slot.source]))) : null,
    section("Already tried", list(call.tried, "Nothing yet.")),
    section("Stress", stressLine(call.stress_line, 0), list(stressReasons(call.stress_line, 3), "Calm so far.")),
    section("Why a person", list(call.reasons.slice(0, 5), "The caller asked.")),
    call.draft ? section("Drafted answer", h("blockquote", {}, call.draft)) : null,
  ]);
}

/** What the business system knows. */
export function customer(place, call) {
  return show(place, call.customer, () => {
    const { state } = call.customer;
    if (state === "none") return null;
    const body = {
      pending: () => h("p", { class: "quiet busy" }, "Asking the business system…"),
      unknown: () => h("p", { class: "quiet" }, "Not a known customer."),
      failed: () => h("p", { class: "quiet" }, `The business system: ${call.customer.why}.`),
      known: () => [
        h("dl", { class: "facts" }, call.customer.fields.map((field) =>
          h("div", {}, h("dt", {}, words(field.name)), h("dd", {}, field.value)))),
        call.customer.orders.length > 0
          ? h("ul", { class: "orders" }, call.customer.orders.map(order))
          : null,
      ],
    }[state];
    return section("Customer", body());
  });
}

function order(fields) {
  const value = (name) => fields.find((field) => field.name === name)?.value;
  const rest = fields.filter((field) => !["number", "status"].includes(field.name));
  return h("li", {}, h("strong", {}, value("number") ?? ""), " ", value("status") ?? "",
    rest.length > 0 ? h("span", { class: "quiet" }, rest.map((field) => field.value).join(" · ")) : null);
}

/** Answers for what the caller just said: a click reads one, another copies it. */
export function suggestions(place, call, read) {
  return show(place, [call.suggestions, call.stage], () => {
    const talking = call.stage === "talking";
    if (call.suggestions.length === 0) {
      return section("Suggested answers", h("p", { class: "quiet" }, "None fits what was said last."));
    }
    return section("Suggested answers", h("ul", { class: "answers" }, call.suggestions.map((answer, at) =>
      h("li", {},
        h("div", { class: "buttons" },
          h("strong", {}, answer.about),
          h("button", { type: "button", disabled: !talking, onclick: () => read(answer.text), "aria-keyshortcuts": String(at + 1), title: "The voice reads it to the caller" },
            "Read aloud", h("kbd", {}, String(at + 1))),
          h("button", { type: "button", "data-copy": at + 1, onclick: (event) => copy(event.currentTarget, answer.text) }, "Copy")),
        h("p", {}, answer.text)))));
  });
}

async function copy(button, text) {
  // Without HTTPS there is no clipboard.
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  button.textContent = done ? "Copied" : "Not copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function section(title, ...body) {
  return h("section", { class: "part" }, h("h2", {}, title), body);
}

function list(texts, none) {
  if (texts.length === 0) return h("p", { class: "quiet" }, none);
  return h("ul", { class: "reasons" }, texts.map((text) => h("li", {}, text)));
}

function definitions(rows) {
  return h("dl", {}, rows.map(([name, value, source]) => [
    h("dt", {}, words(name)), h("dd", { title: source ?? null }, value),
  ]));
}
