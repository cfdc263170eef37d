// Small conveniences; every page works without them.

// A time in the transcript plays the recording from there.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-seek]");
  const audio = document.getElementById("audio");
  if (!button || !audio) return;
  audio.currentTime = Number(button.dataset.seek);
  audio.play();
});

// What lives is fetched again while the page is looked at: same address, same element.
const POLL_MS = 2000;
for (const place of document.querySelectorAll("[data-poll]")) {
  const again = async () => {
    if (document.visibilityState !== "visible") return;
    try {
      const response = await fetch(place.dataset.poll, { credentials: "same-origin" });
      if (response.redirected) { location.reload(); return; }
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.getElementById(place.id) ?? page.body;
      if (fresh.innerHTML === place.dataset.last) return;
      place.dataset.last = fresh.innerHTML;
      // Nodes that the server rendered, with its escaping; no text is made into markup here.
      place.replaceChildren(...fresh.childNodes);
    } catch {
      // The server is away for a moment; the next round tries again.
    }
  };
  setInterval(again, POLL_MS);
}
