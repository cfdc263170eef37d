// The agent's desk. The server knows everything; this page shows it and sends what is pressed.

import { button, h, setClock, tickAll } from "./desk-dom.js";
import { Socket } from "./desk-socket.js";
import { idle, presenceMenu } from "./desk-presence.js";
import { customer, head, stageWords, suggestions, why } from "./desk-card.js";
import { actionBar, actionsOf, chooser } from "./desk-actions.js";
import { Transcript } from "./desk-transcript.js";
import { WrapUp } from "./desk-wrapup.js";
import { recent } from "./desk-recent.js";
import { ring } from "./desk-audio.js";
import { comeBack, standAside } from "./desk-line.js";

const NOTES_EVERY_MS = 600;
const NOTICE_MS = 8_000;
const OFFERED = new Set(["offered", "ringing", "briefing"]);

const main = document.getElementById("desk");
const presence = document.getElementById("presence");
const notices = document.getElementById("notices");
const told = document.getElementById("told");
const title = document.title;
let hello = null;
let desk = null;
let call = null;
let view = null;
let notification = null;
let opener = null;

const socket = new Socket("/desk/socket", {
  open: () => document.body.classList.remove("lost"),
  lost: () => {
    document.body.classList.add("lost");
    told.textContent = "No connection to the server. A running call goes on.";
  },
  loggedOut: () => location.assign("/login?next=%2Fdesk"),
  message: (message) => takes[message.type]?.(message),
});
const send = (message) => socket.send(message);

const takes = {
  hello: (message) => {
    hello = message;
    setClock(message.now_unix_ms);
    document.body.classList.remove("lost", "taken");
    comeBack();
  },
  desk: (message) => {
    desk = message;
    setClock(message.now_unix_ms);
    draw();
  },
  call: (message) => {
    setClock(message.now_unix_ms);
    const before = call;
    call = message.call;
    alertFor(before);
    draw();
    if (call?.stage === "offered") send({ type: "shown", call: call.call, offer: call.offer });
  },
  lines: (message) => viewOf(message.call).transcript.take(message.from, message.lines),
  speaking: (message) => {
    if (view?.id !== message.call) return;
    view.transcript.speaking(message.caller ? "caller" : "agent", true, message.so_far);
  },
  notice: (message) => notice(message.level, message.text),
  taken: () => {
    socket.stop();
    standAside();
    notHere();
  },
};

/** The places of one call on the page: made once, filled again and again. */
function viewOf(id) {
  if (view?.id === id) return view;
  const part = (name) => h("div", { class: name });
  view = {
    id,
    head: part("call-head"),
    bar: h("div", { class: "bar", role: "toolbar", "aria-label": "Call", tabindex: -1 }),
    menu: part("menu-place"),
    why: part("panel why"),
    answers: part("panel answers-panel"),
    customer: part("panel customer"),
    transcript: new Transcript(),
    wrapUp: null,
    notes: notesOf(id),
  };
  view.side = h("div", { class: "side" }, view.answers, view.customer, view.notes.element);
  view.element = h("div", { class: "call" }, view.head, h("div", { class: "bar-line" }, view.bar, view.menu),
    h("div", { class: "columns" }, view.why, view.transcript.element, view.side));
  return view;
}

function notesOf(id) {
  let timer = null;
  const area = h("textarea", {
    id: "notes", rows: 2, maxlength: 4000, "aria-keyshortcuts": "N", placeholder: "Notes (N)",
    oninput: () => {
      notes.unsent = notes.touched = true;
      clearTimeout(timer);
      timer = setTimeout(() => notes.push(), NOTES_EVERY_MS);
    },
  });
  const notes = {
    unsent: false,
    touched: false,
    area,
    element: h("section", { class: "panel notes" }, h("h2", {}, "Notes"), area),
    push: () => { notes.unsent = !send({ type: "notes", call: id, text: area.value }); },
    /** What the server has. Once something was written here, this page knows better. */
    take: (text) => {
      if (notes.unsent) notes.push();
      else if (!notes.touched) area.value = text;
    },
  };
  return notes;
}

function draw() {
  if (!desk || !hello) return;
  presenceMenu(presence, desk, hello, send);
  document.body.dataset.stage = call?.stage ?? "idle";
  tell();
  if (!call) {
    view = null;
    if (main.dataset.view !== "idle") {
      main.dataset.view = "idle";
      const calls = h("section", { class: "panel" });
      main.replaceChildren(h("div", { class: "idle" }, h("div", { class: "now" }), calls));
      recent(calls);
    }
    idle(main.querySelector(".now"), desk, hello, send);
    return;
  }
  const own = viewOf(call.call);
  if (main.dataset.view !== call.call) {
    main.dataset.view = call.call;
    main.replaceChildren(own.element);
  }
  head(own.head, call);
  actionBar(own.bar, call, act);
  why(own.why, call);
  customer(own.customer, call);
  suggestions(own.answers, call, (text) => send({ type: "say", call: call.call, offer: call.offer, text }));
  own.notes.take(call.notes);
  drawWrapUp(own);
}

/** For who hears the page: where the call stands, and of a new one the line that says it all. */
function tell() {
  const words = !call ? "" : OFFERED.has(call.stage) ? `${stageWords(call)}: ${call.summary}` : stageWords(call);
  if (told.textContent !== words) told.textContent = words;
}

function drawWrapUp(own) {
  const wanted = call.stage === "wrap_up";
  if (wanted && !own.wrapUp) {
    own.wrapUp = new WrapUp(call, hello, send);
    own.side.prepend(own.wrapUp.element);
    delete own.bar.dataset.shown;
    own.bar.replaceChildren(...own.wrapUp.bar.flat());
    closeMenu();
    own.transcript.toEnd();
    own.wrapUp.codes[0]?.focus({ preventScroll: true });
  }
  own.answers.hidden = own.customer.hidden = wanted;
  own.wrapUp?.until(desk.own?.until_unix_ms);
}

function act(message) {
  if (typeof message !== "string") return void send(message);
  const say = (type, more) => () => {
    send({ type, call: call.call, offer: call.offer, ...more });
    if (type !== "key") closeMenu();
  };
  const menus = {
    decline: () => ["Why not?", [...hello.declines, "No reason"].map((reason, at) =>
      button(reason, at < 9 ? String(at + 1) : null, { "data-choice": at + 1, onclick: say("decline", { reason: reason === "No reason" ? null : reason }) }))],
    keypad: () => ["Keys to the caller's line", [..."123456789*0#"].map((key) =>
      h("button", { type: "button", class: "digit", "data-choice": key, onclick: say("key", { key }) }, key))],
    transfer: () => ["Transfer to", [
      ...desk.colleagues.map((colleague, at) => button(`${colleague.name} · ${colleague.state === "available" ? "free" : colleague.state.replaceAll("_", " ")}`,
        at < 8 ? String(at + 1) : null, { "data-choice": at + 1, disabled: colleague.state !== "available", onclick: say("consult", { agent: colleague.agent }) })),
      button("The machine, with all that was said", "9", { "data-choice": "9", onclick: say("to_machine") }),
    ]],
  };
  const [title, entries] = menus[message]();
  if (!view.menu.contains(document.activeElement)) opener = document.activeElement;
  chooser(view.menu, title, entries, closeMenu);
}

function closeMenu() {
  const focused = view?.menu.contains(document.activeElement);
  view?.menu.replaceChildren();
  if (focused && opener?.isConnected) opener.focus({ preventScroll: true });
  opener = null;
}

/** A new offer: said where the agent looks, even in another window. */
function alertFor(before) {
  const offered = call && OFFERED.has(call.stage);
  document.title = offered ? `☎ ${call.summary}` : call ? `● ${title}` : title;
  // Not into the summary, which the agent hears on the same ears.
  ring(offered && call.stage !== "briefing");
  const fresh = offered && (before?.call !== call.call || before?.offer !== call.offer);
  if (!offered) {
    notification?.close();
    notification = null;
  } else if (fresh && window.Notification?.permission === "granted") {
    notification = new Notification("Warmline: a call for you", { body: call.summary, tag: call.call });
    notification.onclick = () => window.focus();
  }
}

function notice(level, text) {
  const line = h("p", { class: `notice ${level}` }, text);
  notices.append(line);
  setTimeout(() => line.remove(), NOTICE_MS);
}

function notHere() {
  document.body.classList.add("taken");
  main.dataset.view = "taken";
  view = null;
  main.replaceChildren(h("section", { class: "panel hero idle" },
    h("div", {}, h("h1", {}, "The desk is open in another tab"),
      h("p", { class: "quiet" }, "Calls ring there. Nothing of a running call is lost.")),
    button("Use it here", null, { class: "primary", onclick: () => socket.connect() })));
}

const isTyping = (target) => target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement || target instanceof HTMLSelectElement;

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    closeMenu();
    if (isTyping(event.target)) event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.ctrlKey && view?.wrapUp) return view.wrapUp.submit();
  if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
  if (pressed(event.key.length === 1 ? event.key.toUpperCase() : event.key)) event.preventDefault();
});

/** A key's meaning here and now; `false` if it has none. */
function pressed(key) {
  const choice = view?.menu.querySelector(`[data-choice="${CSS.escape(key)}"]`);
  if (choice) return choice.click(), true;
  if (key === "V") return send({ type: "presence", to: "available", reason: null });
  if (key === "B") return send({ type: "presence", to: "break", reason: hello?.breaks[0] ?? null });
  if (key === "?") return help(), true;
  if (!call || !view) return false;
  if (key === "N") return view.notes.area.focus(), true;
  if (view.wrapUp) {
    if (key === "+") return send({ type: "more_time" });
    const code = view.wrapUp.codes[Number(key) - 1];
    return code ? (code.click(), true) : false;
  }
  const answer = call.suggestions[Number(key) - 1];
  if (answer && call.stage === "talking") {
    return send({ type: "say", call: call.call, offer: call.offer, text: answer.text });
  }
  // What the voice says in the briefing: 1 accepts, 2 declines, 3 says more, 4 is three-way.
  if (call.stage === "briefing" && "1234".includes(key)) key = "ADST"["1234".indexOf(key)];
  const action = actionsOf(call).filter(Boolean).find(([own, , , , off]) => own === key && !off);
  if (!action) return false;
  act(action[2]);
  return true;
}

function help() {
  const rows = [
    ["A T D", "accept, three-way, decline"], ["H M R", "hold, mute, pause the recording"],
    ["K C S", "keypad, transfer, hear the summary"], ["1 2 3", "read a suggested answer"],
    ["O W J E", "with a colleague: hand over, swap, join, take back"],
    ["N", "notes"], ["X", "hang up"], ["Ctrl+Enter", "save the wrap-up"], ["V B", "available, break"],
  ];
  const box = h("dialog", { class: "help", onclose: () => box.remove() },
    h("h2", {}, "Keys"),
    h("dl", {}, rows.map(([keys, text]) => [h("dt", {}, keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, text)])),
    h("button", { type: "button", onclick: () => box.close() }, "Close"));
  document.body.append(box);
  box.showModal();
}

setInterval(tickAll, 500);
