// Small conveniences; every page works without them.

// A time in the transcript plays the recording from there.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-seek]");
  const audio = document.getElementById("audio");
  if (!button || !audio) return;
  audio.currentTime = Number(button.dataset.seek);
  audio.play();
});

// What lives is fetched again while the page is looked at: same address, same element. It stops
// when the answer no longer asks for it.
const POLL_MS = 2000;
for (const place of document.querySelectorAll("[data-poll]")) {
  let last = null;
  const again = async () => {
    if (document.visibilityState !== "visible") return;
    try {
      const response = await fetch(place.dataset.poll, { credentials: "same-origin" });
      if (response.redirected) return location.reload();
      if (response.status === 404) return clearInterval(timer);
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const same = page.getElementById(place.id);
      const fresh = same ?? page.body;
      const text = fresh.innerHTML;
      if (text !== last) {
        // Nodes as the server rendered and escaped them; opened details stay open.
        const opened = [...place.querySelectorAll("details")].map((one) => one.open);
        place.replaceChildren(...fresh.childNodes);
        place.querySelectorAll("details").forEach((one, at) => { one.open = opened[at] ?? false; });
        last = text;
      }
      if (same && !same.dataset.poll) clearInterval(timer);
    } catch {
      // The server is away for a moment; the next round tries again.
    }
  };
  const timer = setInterval(again, POLL_MS);
}
