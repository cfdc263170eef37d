// Rings in the browser, where the browser is the agent's phone: on the device that was chosen for
// it, until the offer is answered or gone. A phone of its own rings by itself.

const DEVICE = "warmline-ring";
const SPEAKER = "warmline-line-speaker";
const EVERY_MS = 3000;

let context = null;
let timer = null;

/** The headset of this page carries calls. */
export const isPhone = () => document.getElementById("line")?.dataset.state === "connected";

export function ring(on) {
  if (!on || !isPhone()) {
    clearInterval(timer);
    timer = null;
  } else if (timer === null) {
    burst();
    timer = setInterval(burst, EVERY_MS);
  }
}

/** Two short notes, soft at both ends. */
async function burst() {
  context ??= new AudioContext();
  const device = localStorage.getItem(DEVICE) ?? localStorage.getItem(SPEAKER);
  if (device) await context.setSinkId?.(device).catch(() => {});
  for (const [at, hz] of [[0, 587], [0.22, 740]]) {
    const [tone, gain, from] = [context.createOscillator(), context.createGain(), context.currentTime + at];
    tone.frequency.value = hz;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(0.18, from + 0.03);
    gain.gain.linearRampToValueAtTime(0, from + 0.2);
    tone.connect(gain).connect(context.destination);
    tone.start(from);
    tone.stop(from + 0.21);
  }
}

/** Which device rings: a choice for the presence menu, once the browser tells its devices. */
export async function ringChoice() {
  if (!isPhone()) return null;
  const all = await navigator.mediaDevices.enumerateDevices();
  const outputs = all.filter((device) => device.kind === "audiooutput");
  if (outputs.length < 2) return null;
  const select = document.createElement("select");
  for (const device of outputs) {
    const option = document.createElement("option");
    option.value = device.deviceId;
    option.textContent = device.label || "Device";
    option.selected = device.deviceId === localStorage.getItem(DEVICE);
    select.append(option);
  }
  select.addEventListener("change", () => localStorage.setItem(DEVICE, select.value));
  const label = document.createElement("label");
  label.className = "ring-on";
  label.append("Ring on", select);
  return label;
}
