// After the call: the summary that the rule filled in, edited by the agent, and how it went. The
// form is made once a call, so that nothing that is being written is lost.

import { button, clock, h } from "./desk-dom.js";

export class WrapUp {
  constructor(call, hello, send) {
    this.call = call;
    this.send = send;
    this.code = "";
    this.right = null;
    const summary = call.draft_summary ?? { situation: "", tried: "", outcome: "" };
    const area = (name, text) =>
      h("textarea", { name, rows: 2, maxlength: 1000, id: `wrap-${name}`, value: text });
    this.fields = {
      situation: area("situation", summary.situation),
      tried: area("tried", summary.tried),
      outcome: area("outcome", summary.outcome),
    };
    this.codes = hello.codes.map((code, at) =>
      button(code, at < 9 ? String(at + 1) : null, { class: "choice", "aria-pressed": "false", onclick: () => this.choose(code) }));
    this.answers = [["Yes", true], ["No", false], ["Not asked", null]].map(([text, right]) =>
      h("button", { type: "button", class: right === null ? "choice none" : "choice", "aria-pressed": String(right === null), onclick: () => this.judge(right) }, text));
    this.ticket = h("input", { type: "checkbox", id: "wrap-ticket" });
    this.timer = h("span", { class: "left" });
    this.save = button("Save, next call", "Ctrl+↵", { class: "primary", onclick: () => this.submit() });
    this.more = button("One minute more", "+", { onclick: () => this.send({ type: "more_time" }) });
    // Stands where the call's buttons stood.
    this.bar = [h("span", { class: "ask" }, "How did it go?"), this.codes, h("span", { class: "fill" }), this.timer, this.more, this.save];
    this.element = h("section", { class: "panel wrap-up" }, this.body(hello));
  }

  body(hello) {
    const labelled = (name, text) =>
      h("div", { class: "field" }, h("label", { for: `wrap-${name}` }, text), this.fields[name]);
    return [
      h("h2", {}, "Summary"),
      labelled("situation", "Situation"),
      labelled("tried", "Tried before"),
      labelled("outcome", "Outcome"),
      h("div", { class: "field" }, h("span", { class: "label" }, "Was the machine's answer right?"), h("div", { class: "choices-row" }, this.answers)),
      hello.tickets ? h("label", { class: "inline", for: "wrap-ticket" }, this.ticket, "File a ticket with this") : null,
    ];
  }

  choose(code) {
    this.code = this.code === code ? "" : code;
    this.codes.forEach((one) => one.setAttribute("aria-pressed", String(one.firstChild.textContent === this.code)));
  }

  judge(right) {
    this.right = right;
    this.answers.forEach((one, at) => one.setAttribute("aria-pressed", String([true, false, null][at] === right)));
  }

  /** The time that is left, if it ends by itself. */
  until(unixMs) {
    const same = this.timer.firstChild?.dataset?.until === String(unixMs ?? "");
    if (!same) this.timer.replaceChildren(...(unixMs ? [clock({ until: unixMs })] : []));
  }

  submit() {
    const { situation, tried, outcome } = this.fields;
    this.send({
      type: "wrap_up",
      call: this.call.call,
      result: {
        code: this.code,
        situation: situation.value,
        tried: tried.value,
        outcome: outcome.value,
        notes: document.getElementById("notes")?.value ?? "",
        machine_right: this.right,
        ticket: this.ticket.checked,
      },
    });
  }
}
