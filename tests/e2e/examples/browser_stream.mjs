// A page that follows a market over a WebSocket: no relay, no TLS socket, only what every browser has.
//
//   npm install playwright-core
//   node browser_stream.mjs http://127.0.0.1:8080 alice alice alice-key [market]
//
// PLAYWRIGHT names the library's index.mjs when it is installed elsewhere. It opens Chromium (CHROMIUM names it;
// Debian's by default) on the node's own address, since a socket is
// taken from pages of the same origin only. All that happens is in `page`: log in with fetch, find a market,
// open `/stream`, authenticate, subscribe, and keep the ladder by the deltas. What the page found is printed
// as one line of JSON.

const { chromium } = await import(process.env.PLAYWRIGHT ?? "playwright-core");
const [http, username, password, key, id] = process.argv.slice(2);

// Runs in the page.
async function page([http, username, password, key, id]) {
  const form = new URLSearchParams({ username, password });
  const headers = { "X-Application": key, Accept: "application/json" };
  const login = await (await fetch("/api/login", { method: "POST", headers, body: form })).json();
  const call = async (method, params) => {
    const answer = await fetch("/exchange/betting/json-rpc/v1", {
      method: "POST",
      headers: { ...headers, "X-Authentication": login.token, "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: `SportsAPING/v1.0/${method}`, params }),
    });
    return (await answer.json()).result;
  };
  const [market] = await call("listMarketCatalogue", {
    filter: id ? { marketIds: [id] } : {}, maxResults: 1, marketProjection: ["RUNNER_DESCRIPTION"],
  });

  const socket = new WebSocket(http.replace("http", "ws") + "/stream");
  const seen = { market: market.marketId, statuses: [], changes: [], ladder: [] };
  const ladder = new Map();
  await new Promise((done, failed) => {
    setTimeout(() => failed(new Error(`no change in time: ${JSON.stringify(seen)}`)), 20_000);
    socket.onclose = (event) => failed(new Error(`closed: ${event.code} ${event.reason}`));
    socket.onmessage = async ({ data }) => {
      const message = JSON.parse(typeof data === "string" ? data : await data.text());
      if (message.op === "connection") {
        socket.send(JSON.stringify({ op: "authentication", id: 1, appKey: key, session: login.token }));
      } else if (message.op === "status") {
        seen.statuses.push(message.statusCode);
        if (message.id === 1) {
          socket.send(JSON.stringify({
            op: "marketSubscription", id: 2,
            marketFilter: { marketIds: [market.marketId] },
            marketDataFilter: { fields: ["EX_ALL_OFFERS", "EX_MARKET_DEF"] },
          }));
        }
      } else if (message.op === "mcm") {
        seen.changes.push(message.ct ?? "UPDATE");
        for (const change of message.mc ?? []) {
          for (const runner of change.rc ?? []) {
            for (const [price, size] of runner.atl ?? []) {
              const row = `${runner.id}@${price}`;
              size === 0 ? ladder.delete(row) : ladder.set(row, size);
            }
          }
        }
        if (message.ct === "SUB_IMAGE") {
          // An order of our own, so that there is something to see.
          await call("placeOrders", {
            marketId: market.marketId,
            instructions: [{
              selectionId: market.runners[0].selectionId, side: "BACK", orderType: "LIMIT",
              limitOrder: { size: 2, price: 990, persistenceType: "LAPSE" },
            }],
          });
        }
        const own = `${market.runners[0].selectionId}@990`;
        if (ladder.has(own)) {
          seen.ladder = [own, ladder.get(own)];
          socket.onclose = null;
          socket.close();
          done();
        }
      }
    };
  });
  await call("cancelOrders", { marketId: market.marketId });
  return seen;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
try {
  const tab = await browser.newPage();
  await tab.goto(http);
  console.log(JSON.stringify(await tab.evaluate(page, [http, username, password, key, id])));
} finally {
  await browser.close();
}
