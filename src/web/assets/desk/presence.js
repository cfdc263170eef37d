// Who is here, who waits, and what this agent is doing: the menu in the head of the page, and the
// desk while no call is on it.

import { ringChoice } from "./desk-audio.js";
import { button, clock, h, show } from "./desk-dom.js";

export const STATES = {
  available: "Available",
  on_call: "On a call",
  wrap_up: "Wrap-up",
  break: "Break",
  busy: "Phone busy",
  offline: "Offline",
  no_phone: "No phone",
};

/** `Break · Lunch`. */
const label = (agent) =>
  agent.reason && agent.state === "break" ? `${STATES.break} · ${agent.reason}` : STATES[agent.state];

export function presenceMenu(place, desk, hello, send) {
  const own = desk.own;
  if (!own) return show(place, "looks on", () => h("span", { class: "quiet" }, "Looking on"));
  // An open menu stays open while somebody else's presence changes.
  return show(place, [own, hello.breaks], () => {
    const menu = h("details", { class: "menu" });
    const choose = (to, reason) => () => {
      menu.open = false;
      if (window.Notification?.permission === "default") Notification.requestPermission();
      send({ type: "presence", to, reason: reason ?? null });
    };
    const entry = (state, text, act, key) =>
      h("button", { type: "button", onclick: act, "aria-keyshortcuts": key },
        h("i", { class: `dot ${state}` }), h("span", {}, text), key ? h("kbd", {}, key) : null);
    menu.append(
      h("summary", { "aria-label": `Presence: ${label(own)}` },
        h("i", { class: `dot ${own.state}` }), h("strong", {}, label(own)),
        own.until_unix_ms ? clock({ until: own.until_unix_ms }) : null),
      h("div", { class: "choices" },
        entry("available", "Available", choose("available"), "V"),
        hello.breaks.map((reason, at) =>
          entry("break", reason, choose("break", reason), at === 0 ? "B" : null)),
        entry("offline", "Offline", choose("offline")),
        h("div", { class: "ring-place" })),
    );
    menu.addEventListener("toggle", async () => {
      const choice = menu.open ? await ringChoice() : null;
      menu.querySelector(".ring-place").replaceChildren(...(choice ? [choice] : []));
    });
    return menu;
  });
}

export function idle(place, desk, hello, send) {
  return show(place, [desk.own, desk.colleagues, desk.queue], () => [
    h("section", { class: "panel hero" }, hero(desk.own, send)),
    h("div", { class: "pair" },
      h("section", { class: "panel" }, h("h2", {}, "Waiting", h("span", { class: "count" }, String(desk.queue.length))),
        queue(desk.queue)),
      h("section", { class: "panel" }, h("h2", {}, "Colleagues"), colleagues(desk.colleagues))),
  ]);
}

function hero(own, send) {
  const back = () => send({ type: "presence", to: "available", reason: null });
  const [title, text, act] = {
    undefined: ["The desk at a glance", "You take no calls here; you see who does.", null],
    available: ["Ready", "The next call comes here: first its card, then the ring.", null],
    on_call: ["A call is on its way", "Its card is here in a moment.", null],
    wrap_up: ["Wrap-up", "The next call waits until you are done.", "I am ready"],
    break: [`On a break${own?.reason ? `: ${own.reason}` : ""}`, "No call comes to you.", "I am back"],
    busy: ["Your phone said busy", "You are left alone for a moment.", "I am ready"],
    offline: ["Offline", "No call comes to you.", "Start taking calls"],
    no_phone: ["Your phone is not there", `Calls come as soon as the phone of ${own?.agent} has registered.`, null],
  }[own?.state];
  return [
    own ? h("i", { class: `dot big ${own.state}` }) : null,
    h("div", {}, h("h1", {}, title), h("p", { class: "quiet" }, text)),
    act ? button(act, "V", { class: "primary", onclick: back }) : null,
  ];
}

function queue(waiting) {
  if (waiting.length === 0) return h("p", { class: "quiet" }, "Nobody waits.");
  return h("ol", { class: "queue" }, waiting.map((call) =>
    h("li", {},
      h("span", { class: `chip ${call.priority <= "P1" ? "bad" : "flat"}` }, call.priority),
      h("span", {}, call.skill ? call.skill.replaceAll("_", " ") : "any skill"),
      h("span", { class: "quiet" }, call.language),
      clock({ since: call.since_unix_ms }))));
}

function colleagues(all) {
  if (all.length === 0) return h("p", { class: "quiet" }, "Nobody else is configured.");
  return h("ul", { class: "people" }, all.map((agent) =>
    h("li", {}, h("i", { class: `dot ${agent.state}` }), h("span", {}, agent.name),
      h("span", { class: "quiet" }, label(agent)))));
}
