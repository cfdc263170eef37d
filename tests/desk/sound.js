// Keeps the page's connections, and notes on which device it plays what.
window.lines = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...how) { super(...how); window.lines.push(this); }
};
window.sinks = [];
const sink = AudioContext.prototype.setSinkId;
AudioContext.prototype.setSinkId = function (id) { window.sinks.push(["test", id]); return sink.call(this, id); };
const speaker = HTMLMediaElement.prototype.setSinkId;
HTMLMediaElement.prototype.setSinkId = function (id) { window.sinks.push(["call", id]); return speaker.call(this, id); };
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.tones.push(this.frequency.value); start.call(this, at); };
