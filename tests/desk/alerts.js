// Notifications and rings are noted instead of shown and heard; two loudspeakers are there.
window.told = [];
window.Notification = class {
  static permission = "granted";
  static requestPermission() { return Promise.resolve("granted"); }
  constructor(title, how) {
    this.entry = { title, ...how, hidden: document.hidden, open: true };
    window.told.push(this.entry);
  }
  close() { this.entry.open = false; }
};
window.rung = [];
window.device = null;
AudioContext.prototype.setSinkId = async (id) => { window.device = id; };
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.rung.push(window.device); start.call(this, at); };
navigator.mediaDevices.enumerateDevices = async () => [["speakers", "Loudspeakers"], ["headset", "Headset"]]
  .map(([deviceId, label]) => ({ deviceId, label, kind: "audiooutput" }));
window.sockets = 0;
const Real = window.WebSocket;
window.WebSocket = class extends Real { constructor(address) { super(address); window.sockets += 1; } };
window.hid = false;
document.addEventListener("visibilitychange", () => { window.hid ||= document.hidden; });
