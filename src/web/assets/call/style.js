// The look of <warmline-call>. A constructed sheet: no inline style, and nothing of the page
// around leaks in. A site sets --warmline-accent and --warmline-ink on the element to fit in.

export const style = `
:host { --accent: var(--warmline-accent, #b04a12); --on-accent: #fff;
  --ground: #fff; --ink: var(--warmline-ink, #1d2126); --quiet: #5c646e; --line: #dedad2;
  --soft: #f4f1ea; --bad: #b3261e; --bad-soft: #fbe9e7; --good: #1f7a4d; --warn: #8a5a00;
  display: block; max-width: 30rem; margin: 0 auto; color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  :host { --accent: var(--warmline-accent, #f0935a); --on-accent: #1b1206; --ground: #1b1f23;
    --ink: var(--warmline-ink, #e8eaec); --quiet: #a3acb5; --line: #343b42; --soft: #252b31;
    --bad: #f3948c; --bad-soft: #43201d; --good: #79d1a3; --warn: #e9bd62; }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.box { background: var(--ground); border: 1px solid var(--line); border-radius: 16px;
  overflow: hidden; }
.head { padding: 20px 20px 14px; }
.head:last-child { padding-bottom: 20px; }
.head > .primary { margin-top: 10px; }
a { color: var(--accent); }
h2 { font-size: 1.25rem; font-weight: 650; line-height: 1.25; margin: 0 0 6px; }
p { margin: 0 0 10px; }
p:last-child { margin-bottom: 0; }
.quiet { color: var(--quiet); font-size: .92rem; }
.row { display: flex; gap: 10px; align-items: center; flex-wrap: wrap; }
.state { font-weight: 600; flex: 1 1 9rem; min-height: 1.5em; }
.clock { font-variant-numeric: tabular-nums; color: var(--quiet); }
button, .button { font: inherit; font-weight: 600; color: inherit; min-height: 48px;
  padding: 10px 18px; border: 1px solid var(--line); border-radius: 12px; background: var(--soft);
  cursor: pointer; text-decoration: none; display: inline-flex; align-items: center;
  justify-content: center; gap: 8px; }
button:hover { border-color: var(--quiet); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent);
  width: 100%; }
.danger { background: var(--bad); border-color: var(--bad); color: var(--ground); }
[aria-pressed="true"] { background: var(--ink); border-color: var(--ink); color: var(--ground); }
[aria-expanded="true"] { border-color: var(--ink); background: var(--ground); }
.bar { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 10px; padding: 14px 20px 20px;
  border-top: 1px solid var(--line); }
.bar button { padding: 10px 6px; }
.log { height: 17rem; overflow-y: auto; padding: 14px 20px; border-top: 1px solid var(--line);
  background: var(--soft); overscroll-behavior: contain; scrollbar-width: thin;
  scrollbar-color: var(--quiet) transparent; }
.box:has(.pad:not([hidden])) .log { height: 9rem; }
.log:empty::before { content: attr(data-empty); color: var(--quiet); }
.said { margin: 0 0 12px; overflow-wrap: anywhere; }
.said b { display: block; font-size: .8rem; font-weight: 600; color: var(--quiet); }
.said.caller { padding-left: 2.5rem; text-align: right; }
.said.machine, .said.agent { padding-right: 2.5rem; }
.said.agent b { color: var(--accent); }
.pad { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; padding: 14px 20px;
  border-top: 1px solid var(--line); }
.pad button { font-size: 1.2rem; font-variant-numeric: tabular-nums; }
.bars { display: inline-flex; gap: 3px; align-items: flex-end; height: 14px; }
.bars i { width: 4px; background: var(--line); border-radius: 1px; }
.bars i:nth-child(1) { height: 5px; } .bars i:nth-child(2) { height: 9px; }
.bars i:nth-child(3) { height: 14px; }
.good .bars i { background: var(--good); }
.fair .bars i:nth-child(-n+2) { background: var(--warn); }
.poor .bars i:nth-child(1) { background: var(--bad); }
.quality { display: inline-flex; gap: 6px; align-items: center; font-size: .85rem;
  color: var(--quiet); }
.notice { background: var(--bad-soft); border-radius: 12px; padding: 12px 14px; margin: 0 0 12px; }
.notice b { display: block; }
ol { margin: 6px 0 12px; padding-left: 1.3rem; }
button + p { margin-top: 12px; }
form { display: grid; gap: 8px; margin-top: 14px; padding-top: 14px;
  border-top: 1px solid var(--line); }
label { display: grid; gap: 3px; font-size: .92rem; color: var(--quiet); }
input { font: inherit; color: var(--ink); background: var(--ground); min-height: 48px;
  padding: 8px 12px; border: 1px solid var(--line); border-radius: 12px; width: 100%; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) {
  .waiting::after { content: ""; display: inline-block; width: 1.2em; text-align: left;
    animation: dots 1.4s steps(4) infinite; }
}
@keyframes dots { 0% { content: ""; } 25% { content: "."; } 50% { content: ".."; }
  75% { content: "..."; } }
@media (max-width: 24rem) { .log { height: 14rem; } .bar { padding: 12px; } }
`;
