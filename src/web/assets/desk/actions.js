// What can be done with the call: the buttons of each stage, each with its key. The bar has the
// same height in every stage.

import { isPhone } from "./desk-audio.js";
import { button, h, show } from "./desk-dom.js";

const OFFERS = new Set(["offered", "ringing", "briefing", "accepted"]);

/** The actions of a call's stage: `[key, text, message, style]`. */
export function actionsOf(call) {
  const say = (type, more = {}) => ({ type, call: call.call, offer: call.offer, ...more });
  if (OFFERS.has(call.stage)) {
    const waiting = call.stage === "accepted";
    return [
      ["A", waiting ? "Pick up your phone" : "Accept", say("accept", { three_way: false }), waiting ? "primary waiting" : "primary"],
      ["T", "Three-way", say("accept", { three_way: true }), "", waiting],
      canHear(call) ? ["S", "Hear summary", say("hear_summary"), ""] : null,
      ["D", "Decline…", "decline", "danger-line"],
    ];
  }
  if (call.consult) return consulting(call, say);
  const held = call.stage === "held";
  if (call.stage === "talking" || held) {
    return [
      ["H", held ? "Resume" : "Hold", say("hold", { on: !held }), held ? "primary" : ""],
      ["M", call.muted ? "Unmute" : "Mute", say("mute", { on: !call.muted }), call.muted ? "on" : "", held],
      call.recording === "on"
        ? ["R", "Pause recording", say("record", { on: false }), ""]
        : ["R", "Resume recording", say("record", { on: true }), "", call.recording !== "paused"],
      ["K", "Keypad…", "keypad", ""],
      ["S", "Hear summary", say("hear_summary"), "", held],
      ["C", "Transfer…", "transfer", ""],
      ["X", "Hang up", say("hang_up"), "danger-line"],
    ];
  }
  return [];
}

/** A phone is picked up to hear the summary; where the browser is the phone, a button does it. */
const canHear = ({ stage }) => stage === "briefing" || (stage === "ringing" && isPhone());

function consulting(call, say) {
  const { state, name } = call.consult;
  const there = ["apart", "parked", "joined"].includes(state);
  return [
    ["O", there ? `Hand over to ${name}` : `Hand over unseen`, say("complete"), "primary", state === "asking"],
    ["W", "Swap", say("swap"), "", !there],
    ["J", "Join all three", say("three_way"), state === "joined" ? "on" : "", !there],
    ["E", "Take back", say("abort"), ""],
    ["M", call.muted ? "Unmute" : "Mute", say("mute", { on: !call.muted }), call.muted ? "on" : ""],
  ];
}

/** Draws the bar. `act(message)` gets a message for the server, or the name of a menu. */
export function actionBar(place, call, act) {
  if (call.stage === "wrap_up") return false;
  const actions = actionsOf(call).filter(Boolean);
  return show(place, [call.stage, actions.map(([key, text, , style, off]) => [key, text, style, off]), call.offer], () =>
    actions.map(([key, text, message, style, off]) =>
      button(text, key, { class: style || null, disabled: off ?? false, "data-act": key, onclick: () => act(message) })));
}

/** A small choice beside the bar: reasons, colleagues, keys. */
export function chooser(place, title, entries, close) {
  place.replaceChildren(h("div", { class: "chooser", role: "dialog", "aria-label": title },
    h("h2", {}, title),
    h("div", { class: "entries" }, entries),
    button("Close", "Esc", { class: "plain", onclick: close })));
  place.querySelector("button:not([disabled])")?.focus();
}
