// The peer of `laybook bench fanout`: Node's `ws`, one message of 200 bytes sent to every client.
//
//   npm install ws && node ws_broadcast.mjs      prints its port, publishes at what it is told on stdin
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
server.on("listening", () => console.log(server.address().port));

const padding = "x".repeat(130);
let timer;
let sent = 0;

// A line is "<messages a second>", and 0 stops.
createInterface({ input: process.stdin }).on("line", (line) => {
  clearInterval(timer);
  const rate = Number(line);
  if (rate === 0) {
    console.log(sent);
    sent = 0;
    return;
  }
  const begun = Date.now();
  timer = setInterval(() => {
    const due = Math.floor(((Date.now() - begun) * rate) / 1000);
    while (sent < due) {
      sent += 1;
      const text = JSON.stringify({ op: "mcm", pt: Date.now(), mc: [{ n: sent, padding }] });
      for (const client of server.clients) client.send(text);
    }
  }, 1);
}).on("close", () => process.exit(0));
