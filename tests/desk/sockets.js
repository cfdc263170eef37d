// Keeps the page's sockets and how they were closed; none goes through while `away`.
window.sockets = [];
window.codes = [];
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(address) {
    super(window.away ? new URL("/nowhere", address) : address);
    window.sockets.push(this);
    this.addEventListener("close", (event) => window.codes.push(event.code));
  }
};
