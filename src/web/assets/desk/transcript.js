// The transcript as it grows. Lines are appended, never drawn again, so that a selection holds;
// the list follows the newest line unless somebody has scrolled up to read.

import { h, span } from "./desk-dom.js";

const NAMES = { caller: "Caller", machine: "Machine", agent: "You" };
const SPEAKING = { caller: "Caller is speaking…", agent: "You are speaking…" };
const SPEAKING_MS = 8_000;
const NEAR_PX = 60;
const SO_FAR_MAX = 72;

/** The end of what was said so far: one line, that never moves the page. */
const newest = (text) => text.length > SO_FAR_MAX ? `… ${text.slice(-SO_FAR_MAX)}` : text;

export class Transcript {
  constructor() {
    this.list = h("ol", { class: "lines", role: "log", tabindex: 0, "aria-label": "Transcript" });
    this.pending = {
      caller: h("span", { class: "pending caller" }, SPEAKING.caller),
      agent: h("span", { class: "pending agent" }, SPEAKING.agent),
    };
    // A row of its own: what comes and goes in it moves nothing.
    this.foot = h("p", { class: "speaking" }, this.pending.caller, this.pending.agent);
    this.element = h("section", { class: "panel transcript-panel" },
      h("h2", {}, "Transcript"), this.list, this.foot);
    this.count = 0;
    this.timers = {};
  }

  /** Lines from place `from` on; what stood there before is replaced. */
  take(from, lines) {
    const near = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_PX;
    while (this.list.children.length > from) this.list.lastChild.remove();
    for (const line of lines) {
      this.list.append(this.row(line));
      if (line.speaker !== "machine") this.speaking(line.speaker, false);
    }
    if (near || from === 0) this.toEnd();
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  row(line) {
    const tense = line.stress >= 0.6 ? " high" : line.stress >= 0.3 ? " raised" : "";
    return h("li", { class: `said ${line.speaker}${tense}` },
      h("span", { class: "time" }, span(line.at_ms)),
      h("span", { class: "speaker" }, NAMES[line.speaker] ?? ""),
      h("span", { class: "text" }, line.text));
  }

  /** Their words are on their way; the first of them may be there already. */
  speaking(who, on, soFar = null) {
    clearTimeout(this.timers[who]);
    this.pending[who].textContent = soFar ? `${NAMES[who]}: ${newest(soFar)} …` : SPEAKING[who];
    this.pending[who].classList.toggle("on", on);
    if (on) this.timers[who] = setTimeout(() => this.speaking(who, false), SPEAKING_MS);
  }
}
