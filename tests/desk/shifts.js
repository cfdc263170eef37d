// Counts what moves that nobody moved, and names it: [stage, value, what].
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const what = entry.sources.map((source) => `${source.node?.className ?? source.node?.nodeName}: `
      + `${Math.round(source.previousRect.y)} to ${Math.round(source.currentRect.y)}`);
    window.shifts.push([document.body?.dataset.stage ?? "", entry.value, what.join(", ")]);
  }
}).observe({ type: "layout-shift", buffered: true });
