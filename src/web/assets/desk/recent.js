// The agent's last calls, under the idle desk: fetched when the desk becomes idle.

import { h, show, words } from "./desk-dom.js";

const SHOWN = 8;
const ID = /^[0-9a-z]{26}$/;

export async function recent(place) {
  try {
    const response = await fetch(`/api/calls?size=${SHOWN}`, { credentials: "same-origin" });
    if (!response.ok) return;
    const { calls } = await response.json();
    show(place, calls, () => [h("h2", {}, "Last calls"), table(calls.filter((call) => ID.test(call.id)))]);
  } catch {
    // The server is away for a moment: the list stays as it was.
  }
}

function table(calls) {
  if (calls.length === 0) return h("p", { class: "quiet" }, "None yet.");
  return h("table", { class: "recent" }, h("tbody", {}, calls.map((call) =>
    h("tr", {},
      h("td", { class: "time" }, new Date(call.began_ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })),
      h("td", {}, h("a", { href: `/calls/${call.id}` }, call.caller_name ?? call.caller_number ?? "number withheld")),
      h("td", { class: "quiet" }, call.intent ? words(call.intent) : ""),
      h("td", { class: "quiet right" }, call.disposition ? words(call.disposition) : "live")))));
}
