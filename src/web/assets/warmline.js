// Small conveniences; every page works without them.

// A time in the transcript plays the recording from there.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-seek]");
  const audio = document.getElementById("audio");
  if (!button || !audio) return;
  audio.currentTime = Number(button.dataset.seek);
  audio.play();
});

// What lives is fetched again while the page is looked at: same address, same element. A stream
// says when; where there is none, or it is cut, the page asks by itself. A part stops when its
// answer no longer asks for it.
const POLL_MS = 2000;
/** Even with a stream: for what changes without an event, as a waiting time does. */
const SURE_MS = 10_000;
/** A stream that was refused is asked for again; one that was cut comes back by itself. */
const STREAM_AGAIN_MS = 30_000;
const lists = [...document.querySelectorAll("[data-poll]")].map(listOf);
let stream = null;
let tried = 0;
let ahead = 0;

function listOf(place) {
  const list = { place, last: null, asked: 0, busy: false, over: false, again };
  async function again() {
    if (list.over) return;
    // What changed while an answer is on its way is asked for after it.
    if (list.busy) return void (list.once_more = true);
    [list.busy, list.once_more, list.asked] = [true, false, Date.now()];
    try {
      await fetchInto(list);
    } catch {
      // The server is away for a moment; the next round tries again.
    }
    list.busy = false;
    if (list.once_more) again();
  }
  return list;
}

async function fetchInto(list) {
  const response = await fetch(list.place.dataset.poll, { credentials: "same-origin" });
  if (response.redirected) return location.reload();
  if (response.status === 404) return finish(list);
  if (!response.ok) return;
  ahead = Date.parse(response.headers.get("date") ?? "") - Date.now() || 0;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const same = page.getElementById(list.place.id);
  const fresh = same ?? page.body;
  for (const clock of fresh.querySelectorAll("[data-since]")) clock.textContent = "";
  const text = fresh.innerHTML;
  if (text !== list.last) put(list.place, fresh);
  list.last = text;
  tick();
  if (same && !same.dataset.poll) finish(list);
}

/** Nodes as the server rendered and escaped them; opened details and the focus stay. */
function put(place, fresh) {
  const opened = [...place.querySelectorAll("details")].map((one) => one.open);
  const focused = [...place.querySelectorAll("a, button, summary")].indexOf(document.activeElement);
  place.replaceChildren(...fresh.childNodes);
  place.querySelectorAll("details").forEach((one, at) => { one.open = opened[at] ?? false; });
  place.querySelectorAll("a, button, summary")[focused]?.focus({ preventScroll: true });
}

function finish(list) {
  list.over = true;
  if (lists.every((one) => one.over)) listen(false);
}

function listen(on) {
  if (!on) {
    stream?.close();
    stream = null;
  } else if (!stream || stream.readyState === EventSource.CLOSED) {
    tried = Date.now();
    stream = new EventSource("/changes");
    stream.addEventListener("changed", () => lists.forEach((list) => list.again()));
  }
}

const isLooked = () => document.visibilityState === "visible";

function look() {
  if (!isLooked()) return;
  const refused = stream?.readyState === EventSource.CLOSED;
  if (refused && Date.now() - tried >= STREAM_AGAIN_MS) listen(true);
  const wait = stream?.readyState === EventSource.OPEN ? SURE_MS : POLL_MS;
  for (const list of lists) if (Date.now() - list.asked >= wait) list.again();
}

/** `0:41`, `12:07`, `1:02:03` since then. */
function tick() {
  for (const clock of document.querySelectorAll("[data-poll] [data-since]")) {
    const all = Math.max(0, Math.floor((Date.now() + ahead - Number(clock.dataset.since)) / 1000));
    const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
    const two = (n) => String(n).padStart(2, "0");
    clock.textContent = hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
  }
}

if (lists.length > 0) {
  // A page in the background keeps no connection: a browser has six to one host.
  listen(isLooked());
  document.addEventListener("visibilitychange", () => {
    listen(isLooked() && !lists.every((one) => one.over));
    look();
  });
  setInterval(look, POLL_MS);
  setInterval(tick, 1000);
}
