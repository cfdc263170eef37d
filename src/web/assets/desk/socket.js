// One WebSocket to the server: text both ways, back by itself when it breaks. After each return
// the server sends the whole state, so nothing is kept here but what could not be sent.

const LOGGED_OUT = 4002;
const PAUSES_MS = [250, 500, 1000, 2000, 4000];
const PING_MS = 15_000;

export class Socket {
  /** `on` has `message(object)`, `open()`, `lost()`, `loggedOut()`. */
  constructor(path, on) {
    this.on = on;
    this.address = new URL(path, location.href);
    this.address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.tries = 0;
    this.ended = false;
    setInterval(() => this.send({ type: "ping" }), PING_MS);
    addEventListener("online", () => this.again(0));
    // A tab that comes back from the background does not wait for its timer.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.again(0);
    });
    this.connect();
  }

  get isOpen() {
    return this.line?.readyState === WebSocket.OPEN;
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.ended = false;
    const line = new WebSocket(this.address);
    this.line = line;
    line.onmessage = (event) => {
      this.tries = 0;
      if (line === this.line) this.on.message(JSON.parse(event.data));
    };
    line.onopen = () => this.on.open();
    line.onclose = (event) => {
      if (line !== this.line) return;
      if (this.ended) return;
      if (event.code === LOGGED_OUT) {
        this.ended = true;
        return this.on.loggedOut();
      }
      this.on.lost();
      this.again(PAUSES_MS[Math.min(this.tries++, PAUSES_MS.length - 1)]);
    };
  }

  again(pause) {
    const busy = this.line.readyState <= WebSocket.OPEN;
    if (this.ended || busy) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), pause);
  }

  /** Another page has the desk now: this one stays away until it is told to connect. */
  stop() {
    this.ended = true;
    this.line.close();
  }

  /** `false` if it could not be sent. */
  send(message) {
    if (!this.isOpen) return false;
    this.line.send(JSON.stringify(message));
    return true;
  }
}
