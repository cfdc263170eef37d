// Notes in the storage whatever was made of a string that would like to be markup.
const foreign = "[onerror],[onload],script:not([src]),img,iframe,object,[href^='javascript:' i]";
addEventListener("securitypolicyviolation", (event) => {
  localStorage.stopped = `${event.violatedDirective} ${event.blockedURI} on ${location.pathname}`;
});
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    const made = node.matches?.(foreign) ? node : node.querySelector?.(foreign);
    if (made) localStorage.made = `${made.outerHTML} on ${location.pathname}`;
  }
}).observe(document, { childList: true, subtree: true });
