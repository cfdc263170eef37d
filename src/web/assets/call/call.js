// <warmline-call>: click to call. On any page of an allowed site:
//
//   <script type="module" src="https://calls.example.org/assets/call.js"></script>
//   <warmline-call></warmline-call>
//
// Attributes: name (shown to the agent), language ("en").

import { connect, Refused } from "./call-peer.js";
import { style } from "./call-style.js";

const BASE = new URL(import.meta.url).origin;
const HELD = "warmline-call";
/** A reload within this time takes the call up again; the server waits a little longer. */
const GRACE_MS = 9000;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const WHO = { caller: "You", machine: "Assistant", agent: "Our colleague" };
const STATES = {
  machine: "You are talking to our automatic assistant",
  waiting: "Looking for a colleague",
  ringing: "Ringing a colleague",
  person: "You are talking to a colleague",
  held: "One moment, please",
};
const WAITING = new Set(["connecting", "waiting", "ringing", "held"]);
const QUALITY = { good: "Good connection", fair: "Fair connection", poor: "Poor connection" };

function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === false || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

class WarmlineCall extends HTMLElement {
  connectedCallback() {
    if (this.root) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    this.root = this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [sheet];
    this.box = h("section", { class: "box", "aria-label": "Call" });
    this.root.append(this.box);
    this.entrance = { company: "", phone: null, ice_servers: [], recorded: true };
    this.addEventListener("keydown", (event) => this.typed(event));
    this.begin();
  }

  disconnectedCallback() {
    this.line?.leave();
    this.end();
  }

  async begin() {
    try {
      const reply = await fetch(`${BASE}/call/entrance`);
      if (!reply.ok) throw new Error(reply.statusText);
      this.entrance = await reply.json();
    } catch {
      return this.offerOtherWays("Calls from this page are not possible now");
    }
    const held = this.recall();
    if (held) this.call(held);
    else this.ready();
  }

  ready(after = null) {
    const company = this.entrance.company;
    const told = this.entrance.recorded ? "transcribed and may be recorded" : "transcribed";
    const begin = h("button", { class: "primary", type: "button", id: "call", onclick: () => this.call() },
      after ? "Call again" : "Call now");
    if (after) {
      // What was said stays to be read: opening hours, a number.
      const said = this.log?.childElementCount > 0 ? this.log : null;
      this.put(h("div", { class: "head" }, h("h2", { role: "status" }, after), begin), ...(said ? [said] : []));
      if (said) said.scrollTop = said.scrollHeight;
      return;
    }
    this.put(
      h("div", { class: "head" },
        h("h2", {}, company ? `Call ${company}` : "Call us"),
        h("p", {}, "An automatic assistant answers at once; a person takes over when you want one."),
        h("p", { class: "quiet" }, `Your browser will ask for the microphone. The call is ${told}.`),
        begin));
  }

  async call(resume = null) {
    this.put(h("div", { class: "head" }, h("p", { class: "state waiting", role: "status" }, "Connecting")));
    let stream;
    try {
      if (!navigator.mediaDevices) throw new DOMException("no HTTPS", "SecurityError");
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
    } catch (error) {
      return this.refused(error);
    }
    this.stream = stream;
    this.talkingView();
    try {
      const fields = new URLSearchParams();
      for (const name of ["name", "language"]) {
        if (this.getAttribute(name)) fields.set(name, this.getAttribute(name));
      }
      const query = fields.size > 0 ? `?${fields}` : "";
      this.line = await connect({
        base: BASE, path: `/call${query}`, resume, stream, entrance: this.entrance,
        onstate: (state) => this.lineState(state),
        onquality: (quality) => this.showQuality(quality),
      });
    } catch (error) {
      this.end();
      if (resume) return this.ready("Your call has ended.");
      return this.notTaken(error);
    }
    this.hold();
    addEventListener("pagehide", this.onhide = () => this.hold());
    this.follow();
  }

  /** The call's path, for a reload of this very tab. */
  hold() {
    if (!this.line?.location) return;
    const held = { path: this.line.location, until: Date.now() + GRACE_MS };
    try { sessionStorage.setItem(HELD, JSON.stringify(held)); } catch { /* private mode */ }
  }

  recall() {
    try {
      const held = JSON.parse(sessionStorage.getItem(HELD) ?? "null");
      sessionStorage.removeItem(HELD);
      return held && held.until > Date.now() ? held.path : null;
    } catch {
      return null;
    }
  }

  follow() {
    this.captions?.close();
    this.log.replaceChildren();
    this.captions = new EventSource(`${BASE}${this.line.location}/captions`);
    this.captions.addEventListener("open", () => this.log.replaceChildren());
    this.captions.addEventListener("message", (event) => {
      const caption = JSON.parse(event.data);
      if (caption.kind === "said") this.said(caption);
      else if (caption.kind === "state") this.callState(caption);
      // The last words are still on their way to the ear.
      else if (caption.kind === "ended") setTimeout(() => this.over(caption.how), 600);
    });
  }

  talkingView() {
    this.state = h("span", { class: "state waiting", role: "status", "aria-live": "polite" }, "Connecting");
    this.clock = h("span", { class: "clock", "aria-label": "Duration" }, "0:00");
    this.quality = h("span", { class: "quality" });
    this.log = h("div", {
      class: "log", role: "log", tabindex: "0", "aria-label": "What is said", "data-empty": "What is said appears here.",
    });
    this.muteButton = h("button", {
      type: "button", id: "mute", "aria-pressed": "false", onclick: () => this.mute(),
    }, "Mute");
    this.padButton = h("button", {
      type: "button", id: "keypad", "aria-expanded": "false", onclick: () => this.togglePad(),
    }, "Keypad");
    this.pad = h("div", { class: "pad", role: "group", "aria-label": "Keypad", hidden: true },
      ...KEYS.map((key) => h("button", { type: "button", onclick: () => this.press(key) }, key)));
    this.put(
      h("div", { class: "head" },
        h("h2", { class: "hidden" }, "Your call"),
        h("div", { class: "row" }, this.state, this.clock),
        h("div", { class: "row" }, this.quality)),
      this.log, this.pad,
      h("div", { class: "bar" }, this.muteButton, this.padButton,
        h("button", { type: "button", id: "hang-up", class: "danger", onclick: () => this.hangUp() }, "Hang up")));
    this.muteButton.focus();
    this.began = Date.now();
    this.where = "machine";
    this.ticking = setInterval(() => {
      const seconds = Math.floor((Date.now() - this.began) / 1000);
      this.clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }, 1000);
  }

  lineState(state) {
    if (state === "lost") return this.over("lost");
    this.connection = state;
    this.showState();
  }

  callState({ state, position }) {
    this.where = state;
    this.position = position;
    this.showState();
  }

  showState() {
    if (!this.state) return;
    const away = { connecting: "Connecting", interrupted: "The connection is interrupted: trying again" };
    const place = this.where === "waiting" && this.position ? `: you are number ${this.position}` : "";
    const text = away[this.connection] ?? `${STATES[this.where] ?? STATES.machine}${place}`;
    if (this.state.textContent !== text) this.state.textContent = text;
    this.state.classList.toggle("waiting", this.connection !== "connected" || WAITING.has(this.where));
  }

  showQuality(quality) {
    if (this.quality.dataset.now === quality) return;
    this.quality.dataset.now = quality;
    const bars = h("span", { class: "bars", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
    this.quality.className = `quality ${quality}`;
    this.quality.replaceChildren(bars, QUALITY[quality]);
  }

  said({ who, text }) {
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    this.log.append(h("p", { class: `said ${who}` }, h("b", {}, WHO[who] ?? ""), text));
    if (near) this.log.scrollTop = this.log.scrollHeight;
  }

  mute() {
    this.muted = !this.muted;
    this.line?.mute(this.muted);
    this.muteButton.setAttribute("aria-pressed", String(this.muted));
    this.muteButton.textContent = this.muted ? "Unmute" : "Mute";
  }

  togglePad() {
    this.pad.hidden = !this.pad.hidden;
    this.padButton.setAttribute("aria-expanded", String(!this.pad.hidden));
    this.log.scrollTop = this.log.scrollHeight;
    if (!this.pad.hidden) this.pad.firstElementChild.focus();
  }

  press(key) {
    this.line?.press(key);
  }

  typed(event) {
    if (!this.line || event.ctrlKey || event.metaKey || event.altKey) return;
    if (KEYS.includes(event.key)) {
      this.press(event.key);
      event.preventDefault();
    } else if (event.key === "Escape" && !this.pad.hidden) {
      this.togglePad();
      this.padButton.focus();
    }
  }

  hangUp() {
    if (this.line?.location) {
      fetch(`${BASE}${this.line.location}/hang-up`, { method: "POST", keepalive: true }).catch(() => {});
    }
    this.over("ended");
  }

  over(how) {
    if (!this.stream) return;
    this.end();
    this.ready(how === "lost" ? "The connection was lost." : "The call has ended.");
    this.root.getElementById("call")?.focus();
  }

  end() {
    this.recall();
    removeEventListener("pagehide", this.onhide);
    clearInterval(this.ticking);
    this.captions?.close();
    this.line?.close();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.line = this.stream = this.captions = this.state = this.connection = null;
    this.muted = false;
  }

  /** The microphone: why not, and how to allow it. */
  refused(error) {
    const none = error.name === "NotFoundError" || error.name === "NotReadableError";
    if (error.name === "SecurityError") {
      return this.offerOtherWays("This page is not served by HTTPS: browsers give it no microphone");
    }
    if (none) {
      return this.offerOtherWays("No microphone was found, or another program uses it", [
        "Connect a microphone or a headset.", "Close other programs that use it.", "Try again.",
      ]);
    }
    this.offerOtherWays("The microphone is not allowed", [
      "Open the settings of this page: the sign left of its address.",
      "Set “Microphone” to “Allow”.",
      "Try again.",
    ]);
  }

  notTaken(error) {
    const busy = error instanceof Refused && (error.status === 503 || error.status === 429);
    this.offerOtherWays(busy ? "All lines are busy" : "The call could not be connected");
  }

  offerOtherWays(title, steps = null) {
    const phone = this.entrance.phone;
    const number = h("input", { name: "number", type: "tel", autocomplete: "tel", required: true, maxlength: "30" });
    const name = h("input", { name: "name", autocomplete: "name", maxlength: "80" });
    this.put(
      h("div", { class: "head" },
        h("div", { class: "notice", role: "alert" }, h("b", {}, title)),
        steps ? h("ol", {}, ...steps.map((step) => h("li", {}, step))) : null,
        h("button", { class: "primary", type: "button", id: "again", onclick: () => this.call() }, "Try again"),
        phone ? h("p", { class: "quiet", style: null }, "Or call us: ",
          h("a", { href: `tel:${phone.replace(/[^+0-9]/g, "")}` }, phone)) : null,
        h("form", { onsubmit: (event) => this.callBack(event, number.value, name.value) },
          h("b", {}, "Shall we call you?"),
          h("label", {}, "Your number", number), h("label", {}, "Your name", name),
          h("button", { type: "submit" }, "Call me back"),
          h("p", { class: "quiet", role: "status" }))));
  }

  async callBack(event, number, name) {
    event.preventDefault();
    const form = event.currentTarget;
    const told = form.querySelector("[role=status]");
    const body = new URLSearchParams({ number, name });
    const reply = await fetch(`${BASE}/call/back`, { method: "POST", body }).catch(() => null);
    if (reply?.ok) form.replaceChildren(h("p", { role: "status" }, "Thank you: we will call you back."));
    else if (reply?.status === 400) told.textContent = "Please check the number.";
    else told.textContent = "That did not work. Please try again later.";
  }

  put(...children) {
    this.box.replaceChildren(...children);
  }
}

customElements.define("warmline-call", WarmlineCall);
