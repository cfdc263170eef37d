// One connection to Warmline, WHIP-shaped: the browser offers by POST, the answer comes back;
// PATCH restarts ICE, DELETE tells that the page was left. The callers' page and the agents' desk
// use it alike.
//
//   const line = await connect({ base, path: "/call", stream, entrance, onstate, onquality });
//   line.location  the secret path of the call, or of the seat
//   line.mute(true) · line.press("5") · line.microphone(stream) · line.leave() · line.close()
//
// States: "connecting", "connected", "interrupted" (it is being repaired), "lost".

const REPAIR_AFTER_MS = 1500;
const REPAIRS_MAX = 5;
const QUALITY_EVERY_MS = 2000;

/** A refusal of the server: `status`, and `retryAfter` in seconds where it says so. */
export class Refused extends Error {
  constructor(status, text, retryAfter) {
    super(text);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Opens the connection; `resume` is the path of a call that this page had before. */
export async function connect(options) {
  const line = new Line(options);
  try {
    await line.open();
  } catch (error) {
    line.close();
    throw error;
  }
  return line;
}

class Line {
  constructor({ base = "", path, resume = null, headers = {}, stream, entrance = {}, onstate, onquality }) {
    Object.assign(this, { base, path, headers, onstate, onquality });
    this.location = resume;
    this.resumed = Boolean(resume);
    this.repairs = 0;
    this.closed = false;
    const servers = (entrance.ice_servers ?? []).filter((server) => server.urls.length > 0);
    this.pc = new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle" });
    this.sender = this.pc.addTrack(stream.getAudioTracks()[0], stream);
    this.audio = new Audio();
    this.audio.autoplay = true;
    this.pc.addEventListener("track", (event) => {
      this.audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
      this.audio.play().catch(() => {});
    });
    this.pc.addEventListener("connectionstatechange", () => this.changed());
    this.left = () => this.leave();
    addEventListener("pagehide", this.left);
    this.timer = setInterval(() => this.measure(), QUALITY_EVERY_MS);
  }

  async open() {
    this.onstate?.("connecting");
    const method = "POST";
    const reply = await this.send(method, this.location ?? this.path, await this.offer());
    // Secret; a foreign page may read it because the server exposes it.
    this.location = reply.headers.get("Location") ?? this.location;
    await this.take(reply);
  }

  /** Our offer, once our addresses are in it: the server is told everything at once. */
  async offer(how) {
    await this.pc.setLocalDescription(await this.pc.createOffer(how));
    await gathered(this.pc);
    return this.pc.localDescription.sdp;
  }

  async take(reply) {
    if (this.closed) return;
    await this.pc.setRemoteDescription({ type: "answer", sdp: await reply.text() });
  }

  async send(method, path, sdp) {
    const reply = await fetch(this.base + path, {
      method,
      headers: { "Content-Type": "application/sdp", ...this.headers },
      body: sdp,
    });
    if (reply.ok) return reply;
    const told = await reply.json().catch(() => ({}));
    const retry = Number(reply.headers.get("Retry-After")) || null;
    throw new Refused(reply.status, told.error ?? reply.statusText, retry);
  }

  changed() {
    if (this.closed) return;
    const state = this.pc.connectionState;
    clearTimeout(this.repairing);
    if (state === "connected") {
      this.repairs = 0;
      this.onstate?.("connected");
    } else if (state === "disconnected" || state === "failed") {
      this.onstate?.("interrupted");
      this.repairing = setTimeout(() => this.repair(), state === "failed" ? 0 : REPAIR_AFTER_MS);
    } else if (state === "closed") {
      this.onstate?.("lost");
    }
  }

  /** Another network, most often: new candidates on the same certificates. */
  async repair() {
    if (this.closed) return;
    this.repairs += 1;
    if (this.repairs > REPAIRS_MAX) return this.onstate?.("lost");
    try {
      await this.take(await this.send("PATCH", this.location, await this.offer({ iceRestart: true })));
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return this.onstate?.("lost");
      this.repairing = setTimeout(() => this.repair(), REPAIR_AFTER_MS);
    }
  }

  mute(on) {
    if (this.sender.track) this.sender.track.enabled = !on;
  }

  /** Another microphone, without a new negotiation. */
  async microphone(stream) {
    await this.sender.replaceTrack(stream.getAudioTracks()[0]);
  }

  press(key) {
    if (!this.sender.dtmf?.canInsertDTMF) return false;
    this.sender.dtmf.insertDTMF(key, 120, 70);
    return true;
  }

  async measure() {
    if (this.closed || this.pc.connectionState !== "connected" || !this.onquality) return;
    const now = { lost: 0, received: 0, jitter: 0, trip: 0 };
    for (const entry of (await this.pc.getStats()).values()) {
      if (entry.type === "inbound-rtp") {
        now.lost = entry.packetsLost ?? 0;
        now.received = entry.packetsReceived ?? 0;
        now.jitter = entry.jitter ?? 0;
      } else if (entry.type === "candidate-pair" && entry.nominated) {
        now.trip = entry.currentRoundTripTime ?? 0;
      }
    }
    const before = this.measured ?? { lost: 0, received: 0 };
    this.measured = now;
    const lost = Math.max(0, now.lost - before.lost);
    const all = lost + Math.max(0, now.received - before.received);
    const loss = all > 0 ? lost / all : 1;
    const good = loss < 0.02 && now.trip < 0.25 && now.jitter < 0.04;
    const fair = loss < 0.08 && now.trip < 0.6;
    this.onquality(good ? "good" : fair ? "fair" : "poor", { loss, trip: now.trip, jitter: now.jitter });
  }

  /** The page goes away: told at once, for a closed tab is noticed by nobody for seconds. */
  leave() {
    if (this.closed || !this.location) return;
    const options = { method: "DELETE", keepalive: true, headers: this.headers };
    fetch(this.base + this.location, options).catch(() => {});
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    removeEventListener("pagehide", this.left);
    clearInterval(this.timer);
    clearTimeout(this.repairing);
    this.audio.srcObject = null;
    this.pc.close();
  }
}

/** Waits for our addresses, but not for a slow TURN server. */
function gathered(pc, longestMs = 1500) {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(done, longestMs);
    pc.addEventListener("icegatheringstatechange", () => {
      if (pc.iceGatheringState === "complete") {
        clearTimeout(timer);
        done();
      }
    });
  });
}
