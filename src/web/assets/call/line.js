// The agent's headset: one warm connection for the shift, in a menu in the head of the desk. It
// carries any call that the agent accepts; after a reload it is taken up by itself.

import { connect } from "./call-peer.js";

const place = document.getElementById("line");
const ON = "warmline-line";
const AGAIN_MS = 2000;
/** The tab that took the desk over has its own connection by then. */
const GIVE_WAY_MS = 10_000;
const WORDS = {
  off: "Headset off", connecting: "Headset: connecting", connected: "Headset ready",
  interrupted: "Headset: repairing", lost: "Headset: trying again", refused: "Microphone not allowed",
  elsewhere: "Headset in another tab",
};
const style = new CSSStyleSheet();
style.replaceSync(`
#line details { position: relative; }
#line summary { cursor: pointer; list-style: none; padding: 4px 10px; border-radius: 6px; }
#line summary::before { content: ""; display: inline-block; width: 9px; height: 9px;
  border-radius: 50%; margin-right: 7px; background: var(--quiet); }
#line[data-state=connected] summary::before { background: var(--good); }
#line[data-state=connecting] summary::before, #line[data-state=interrupted] summary::before,
#line[data-state=lost] summary::before { background: var(--warn); }
#line[data-state=refused] summary::before { background: var(--bad); }
#line .sheet { position: absolute; left: 0; z-index: 5; width: min(300px, 92vw); padding: 14px; margin-top: 6px;
  display: grid; gap: 10px; background: var(--sheet); border: 1px solid var(--line);
  border-radius: 10px; box-shadow: 0 10px 30px rgb(0 0 0 / .18); }
#line label { display: grid; gap: 3px; font-size: .85rem; color: var(--quiet); }
#line meter { width: 100%; height: 14px; }
#line select { width: 100%; }
`);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];

const csrf = () => document.querySelector("form.who input[name=csrf]")?.value ?? "";
const h = (tag, props = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

let line = null;
let stream = null;
let again = 0;
let elsewhere = false;
let giving = 0;
let measuring = 0;
let context = null;
let entrance = {};

const summary = h("summary", { "aria-live": "polite" });
const level = h("meter", { min: "0", max: "1", low: "0.05", "aria-label": "Level of the microphone" });
const microphone = h("select", { onchange: () => changeMicrophone() });
const speaker = h("select", { onchange: () => chooseSpeaker() });
const toggle = h("button", { type: "button", onclick: () => (line ? turnOff() : turnOn()) });
const test = h("button", { type: "button", onclick: () => testSound() }, "Play a test sound");

function show(state) {
  place.dataset.state = state;
  summary.textContent = WORDS[state];
  toggle.textContent = line ? "Turn the headset off" : "Turn the headset on";
}

async function open() {
  const id = localStorage.getItem(`${ON}-microphone`);
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (!id) return navigator.mediaDevices.getUserMedia({ audio });
  try {
    // Chromium takes its default device where the chosen one is only "ideal".
    return await navigator.mediaDevices.getUserMedia({ audio: { ...audio, deviceId: { exact: id } } });
  } catch (error) {
    if (error.name === "NotAllowedError") throw error;
    return navigator.mediaDevices.getUserMedia({ audio });
  }
}

async function turnOn() {
  clearTimeout(again);
  clearTimeout(giving);
  elsewhere = false;
  show("connecting");
  try {
    stream ??= await open();
  } catch {
    stream = null;
    return show("refused");
  }
  localStorage.setItem(ON, "on");
  try {
    line = await connect({
      path: "/desk/peer", stream, entrance, headers: { "X-CSRF-Token": csrf() },
      onstate: (state) => (state === "lost" ? retry() : show(state)),
    });
  } catch {
    return retry();
  }
  if (elsewhere) return letGo();
  show(line.pc.connectionState === "connected" ? "connected" : "connecting");
  chooseSpeaker();
  listDevices();
  watchLevel();
}

function retry() {
  if (elsewhere) return letGo();
  line?.close();
  line = null;
  show("lost");
  clearTimeout(again);
  again = setTimeout(turnOn, AGAIN_MS);
}

function turnOff() {
  localStorage.setItem(ON, "off");
  line?.leave();
  end("off");
}

function end(state) {
  clearTimeout(again);
  clearTimeout(giving);
  clearInterval(measuring);
  line?.close();
  stream?.getTracks().forEach((track) => track.stop());
  line = stream = null;
  show(state);
}

const letGo = () => end("elsewhere");

/** Another tab has the desk: its headset takes the place of this one, which comes no more by
 * itself. Until then nothing of a running call is lost. */
export function standAside() {
  if (localStorage.getItem(ON) !== "on") return;
  elsewhere = true;
  clearTimeout(again);
  if (line) giving = setTimeout(letGo, GIVE_WAY_MS);
  else letGo();
}

/** The desk is here again, and so is the headset. */
export function comeBack() {
  if (!elsewhere) return;
  letGo();
  if (localStorage.getItem(ON) === "on") turnOn();
  else show("off");
}

async function listDevices() {
  const all = await navigator.mediaDevices.enumerateDevices();
  const fill = (select, kind, chosen) => {
    const options = all.filter((device) => device.kind === kind).map((device, index) => {
      const option = h("option", { value: device.deviceId }, device.label || `Device ${index + 1}`);
      option.selected = device.deviceId === chosen;
      return option;
    });
    select.replaceChildren(...options);
    select.disabled = options.length === 0;
  };
  fill(microphone, "audioinput", stream?.getAudioTracks()[0]?.getSettings().deviceId);
  fill(speaker, "audiooutput", localStorage.getItem(`${ON}-speaker`) ?? "default");
}

async function changeMicrophone() {
  localStorage.setItem(`${ON}-microphone`, microphone.value);
  const before = stream;
  stream = await open();
  await line?.microphone(stream);
  before?.getTracks().forEach((track) => track.stop());
  watchLevel();
}

function chooseSpeaker() {
  const id = speaker.value || localStorage.getItem(`${ON}-speaker`);
  if (!id) return;
  localStorage.setItem(`${ON}-speaker`, id);
  line?.audio.setSinkId?.(id).catch(() => {});
}

function watchLevel() {
  clearInterval(measuring);
  context ??= new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  measuring = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    level.value = Math.min(1, Math.sqrt(power) * 4);
  }, 100);
}

/** On the chosen speaker: what the agent will hear callers on. */
function testSound() {
  context ??= new AudioContext();
  const id = speaker.value;
  if (id) context.setSinkId?.(id).catch(() => {});
  const [tone, gain] = [context.createOscillator(), context.createGain()];
  gain.gain.value = 0.1;
  tone.frequency.value = 660;
  tone.connect(gain).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.6);
}

async function begin() {
  const reply = await fetch("/desk/peer").catch(() => null);
  if (!reply?.ok || !navigator.mediaDevices) return;
  entrance = await reply.json();
  const field = (text, element) => h("label", {}, text, element);
  place.append(h("details", {}, summary, h("div", { class: "sheet" },
    toggle, field("Microphone", microphone), level, field("Speaker", speaker), test)));
  navigator.mediaDevices.addEventListener("devicechange", listDevices);
  if (localStorage.getItem(ON) === "on") turnOn();
  else show("off");
}

if (place) begin();
