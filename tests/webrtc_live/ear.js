// An ear on every page of the tests, put in before the page's own scripts: which tone each
// connection of the page brings, and when. `heard` holds [Unix ms, Hz] of the loudest frequency,
// looked at each 20 ms; silence is left out. The microphone is taken as it is: a browser's noise
// suppression takes a steady tone for noise. `connectedAt` is when the connection first stood.
(() => {
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const ask = devices.getUserMedia.bind(devices);
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  devices.getUserMedia = () => ask({ audio: plain });
  window.heard = [];
  const listen = (track) => {
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const power = new Float32Array(analyser.frequencyBinCount);
    setInterval(() => {
      analyser.getFloatFrequencyData(power);
      let loudest = 0;
      for (let bin = 1; bin < power.length; bin += 1) if (power[bin] > power[loudest]) loudest = bin;
      if (power[loudest] < -50) return;
      window.heard.push([Date.now(), (loudest * context.sampleRate) / analyser.fftSize]);
    }, 20);
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...how) {
      super(...how);
      this.addEventListener("track", (event) => listen(event.track));
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") window.connectedAt ??= Date.now();
      });
    }
  };
})();
