// What an operator does in the console, done by Chromium: `test_console.py` runs it against a real node under load,
// `.ci/run web` against the mock of `src/web` at full size.
//
//   node console.mjs story '{"base": "http://127.0.0.1:8081", "token": "...", "viewer": "...", "market": "market-1.2",
//                            "subtree": "markets-0", "playing": 1, "shots": "target/console-shots"}'
//   node console.mjs pages '{... as above}'     every page, light and dark, wide and narrow: axe, overflow, a picture
//                                                 ("only": ["models"], "looks": ["light-wide"] for some of them)
//   node console.mjs soak  '{"mock": "small"}'  thousands of events in half a minute, and nothing grows
//   node console.mjs link  '{"link": "http://.../console/open?code=..."}'   in without a token, once
//   node console.mjs scale '{"mock": "large"}'  50,000 actors and 1,000,000 events; "mock" stands for a node
//
// PLAYWRIGHT names playwright-core's index.mjs, AXE axe-core's axe.min.js, CHROMIUM the browser. What was seen is
// printed as one line of JSON; what is not as it should be ends it with an error.

import { mkdirSync, readFileSync } from "node:fs";
import assert from "node:assert/strict";

const { chromium } = await import(process.env.PLAYWRIGHT ?? "playwright-core");
const [what, text] = process.argv.slice(2);
const about = JSON.parse(text);
const mock = about.mock && (await mocked(about.mock));
const { base, token, viewer, market, account, subtree, playing, shots } = { ...mock?.about, ...about };
const PATIENCE_MS = 20_000;

const start = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
// Chromium itself falls over now and then while it starts.
const browser = await start().catch(start);
const complaints = [];
const seen = {};

/** The mock of `src/web`, of a size, in place of a node. */
async function mocked(size) {
  process.env.MOCK = size;
  const root = new URL("../../src/web/", import.meta.url);
  const { preview } = await import(new URL("node_modules/vite/dist/node/index.js", root));
  process.chdir(root.pathname);
  const server = await preview({ logLevel: "error", preview: { port: 0, host: "127.0.0.1" } });
  const base = new URL(server.resolvedUrls.local[0]).origin;
  const actors = { market: "market-1.200001", account: "account-100001", subtree: "markets-0", playing: 1 };
  return { server, about: { base, token: "admin", viewer: "viewer", ...actors } };
}

/** A window of one's own; what the browser complains of (scripts, the policy of contents) is a failure. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refused request is the business of whoever asked; everything else is a fault of the page.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) complaints.push(message.text());
  });
  return page;
}

async function signIn(page, secret) {
  await page.goto(`${base}/console/`);
  await page.getByLabel("Operator token").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("[data-live=live]").waitFor();
}

const at = (page, hash) => page.goto(`${base}/console/${hash}`);
const row = (page, id) => page.locator(`[role=treeitem][data-id="${id}"]`);

/** The node has told of itself so many times more; where nobody is signed in, it tells nothing. */
async function beats(page, more) {
  const pulse = page.locator(".pulse");
  for (let n = 0; n < more && (await pulse.count()) > 0; n += 1) {
    const was = await pulse.getAttribute("data-at");
    await page.waitForFunction((at) => document.querySelector(".pulse")?.dataset.at !== at, was);
  }
}

/** A match that is played goes on while one looks. */
async function moves(page) {
  const now = () => page.locator("[data-clock]").innerText();
  const was = await now();
  if (!/\d/.test(was)) return;
  await page.waitForFunction((clock) => document.querySelector("[data-clock]").innerText !== clock, was);
  seen.moved = [was, await now()];
}

async function pull(page, id, mode, reason) {
  const panel = page.getByRole("complementary", { name: "Selected actor" });
  await panel.getByRole("button", { name: "Pull the plug" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: mode }).check();
  // Nothing may be sent before the blast radius was seen and a reason was typed.
  const act = dialog.getByRole("button", { name: `${mode} it` });
  assert.ok(await act.isDisabled(), "a plug is pulled without a reason");
  await dialog.getByLabel(/Reason/).fill(reason);
  await dialog.getByText("Asking what would fall").waitFor({ state: "hidden" });
  await dialog.getByText(/Restarts \d|Holds \d/).waitFor();
  const blast = await dialog.getByRole("region", { name: "Blast radius" }).innerText();
  await act.click();
  await dialog.waitFor({ state: "hidden" });
  return blast.replace(/\s+/g, " ");
}

async function story() {
  const page = await open();
  await signIn(page, token);

  await page.getByRole("heading", { level: 1, name: /ealthy|ready/ }).waitFor();
  seen.verdict = await page.getByRole("heading", { level: 1 }).innerText();
  seen.firstPaintMs = Math.round(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1));

  // The tree, by keyboard.
  await page.getByRole("link", { name: "Tree", exact: true }).click();
  const tree = page.getByRole("tree");
  await tree.waitFor();
  await row(page, "partition-0").waitFor();
  await tree.focus();
  await page.keyboard.press("Home");
  const active = () => page.evaluate(() => document.getElementById(document.querySelector("[role=tree]").getAttribute("aria-activedescendant"))?.textContent.trim());
  const first = await active();
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await active(), first);
  await page.keyboard.type("part");
  assert.match(await active(), /partition/);

  // Search, and open a market.
  const since = Date.now();
  await page.keyboard.press("/");
  await page.getByRole("searchbox").fill(market.replace("market-", ""));
  await page.getByRole("button", { name: market }).first().click();
  seen.searchMs = Date.now() - since;
  await page.getByRole("searchbox").fill("");
  const panel = page.getByRole("complementary", { name: "Selected actor" });
  await panel.getByRole("heading", { name: market }).waitFor();
  await panel.getByRole("region", { name: "Book" }).waitFor();
  await row(page, market).waitFor();
  const before = Number(await row(page, market).getAttribute("data-restarts"));

  // Kill it from the page, see it restart.
  await page.evaluate((id) => {
    const started = document.querySelector(`[data-id="${CSS.escape(id)}"]`)?.dataset.restarts;
    window.addEventListener("click", () => (window.clicked = performance.now()), true);
    new MutationObserver(() => {
      const now = document.querySelector(`[data-id="${CSS.escape(id)}"]`)?.dataset.restarts;
      if (now !== undefined && now !== started) window.shown ??= performance.now();
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  }, market);
  seen.blast = await pull(page, market, "Kill", "to see it heal");
  await page.waitForFunction(() => window.shown !== undefined);
  seen.killToShownMs = Math.round(await page.evaluate(() => window.shown - window.clicked));
  assert.ok(Number(await row(page, market).getAttribute("data-restarts")) > before);
  const card = page.getByRole("complementary", { name: /Heal|Done/ });
  await card.getByRole("heading", { name: "Healed" }).waitFor();
  seen.recovery = (await card.innerText()).replace(/\s+/g, " ");
  assert.match(seen.recovery, /acknowledged bets lost 0/);
  assert.doesNotMatch(seen.recovery, /different/);
  if (shots) await page.screenshot({ path: `${shots}/recovery-light.png` });
  await card.getByRole("button", { name: "Close" }).click();

  // Why it restarted.
  const why = panel.getByRole("region", { name: "Why did it restart" });
  await why.getByText("served again").first().waitFor();
  seen.why = (await why.locator("details").first().innerText()).replace(/\s+/g, " ").slice(0, 300);
  assert.match(seen.why, /kill/i);

  // Back to just before it, and the moment shared.
  await why.getByRole("link", { name: "just before" }).first().click();
  await page.getByText("The tree as it was at").waitFor();
  await page.waitForFunction(([id, n]) => document.querySelector(`[data-id="${CSS.escape(id)}"]`)?.dataset.restarts === String(n), [market, before]);
  // The address follows a drag at its end.
  await page.waitForFunction(() => /at=\d+/.test(location.hash));
  const shared = page.url();
  assert.match(shared, /at=\d+/);
  const other = await page.context().newPage();
  await other.goto(shared);
  await other.getByText("The tree as it was at").waitFor();
  await row(other, market).waitFor();
  assert.equal(await row(other, market).getAttribute("data-restarts"), String(before));
  await other.close();
  if (shots) await page.screenshot({ path: `${shots}/then-light.png` });
  const bar = page.getByRole("slider", { name: "The moment shown" });
  await bar.focus();
  const moment = await bar.getAttribute("aria-valuenow");
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction((was) => document.querySelector("[role=slider]").getAttribute("aria-valuenow") < was, moment);
  await page.getByRole("button", { name: "Back to live" }).click();
  await page.getByText("The tree as it was at").waitFor({ state: "hidden" });

  // Drain a subtree.
  await at(page, `#/tree?sel=${subtree}`);
  await panel.getByRole("heading", { name: subtree }).waitFor();
  seen.drain = await pull(page, subtree, "Drain", "to see a subtree heal");
  await page.getByRole("complementary", { name: /Healed|Done/ }).waitFor();
  await at(page, "#/audit");
  await page.getByRole("row", { name: /drain/ }).first().waitFor();

  // A viewer may look, and is refused an act whichever way it comes.
  const eyes = await open();
  await signIn(eyes, viewer);
  await at(eyes, `#/actor/${market}`);
  const plug = eyes.getByRole("button", { name: "Pull the plug" });
  await plug.waitFor();
  assert.ok(await plug.isDisabled(), "a viewer may pull plugs");
  await eyes.getByText("acting takes an operator").waitFor();
  seen.refused = await eyes.evaluate(async (id) => {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"mode":"kill","reason":"x"}' };
    return (await fetch(`/v1/operator/actors/${id}/kill`, init)).status;
  }, market);
  assert.equal(seen.refused, 403);
  await eyes.getByRole("button", { name: "Sign out" }).click();
  await eyes.getByLabel("Operator token").waitFor();
}

async function pages() {
  mkdirSync(shots, { recursive: true });
  const axe = readFileSync(process.env.AXE, "utf8");
  const places = {
    overview: "#/overview",
    tree: "#/tree",
    graph: "#/tree?view=graph",
    market: `#/tree?sel=${market}`,
    account: `#/actor/${account}`,
    events: "#/events",
    flow: "#/flow",
    models: "#/models",
    ...(playing && { match: `#/models/${playing}`, compared: `#/models/${playing}?model=all&sel=away` }),
    ledger: "#/ledger",
    audit: "#/audit",
  };
  const only = (name) => !about.only || about.only.includes(name);
  const wrong = [];
  seen.pages = 0;
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, height, kind] of [[1440, 900, "wide"], [360, 780, "narrow"]]) {
      if (about.looks && !about.looks.includes(`${colorScheme}-${kind}`)) continue;
      const page = await open({ colorScheme, viewport: { width, height }, reducedMotion: "reduce" });
      const look = async (name) => {
        await page.waitForLoadState("load");
        await beats(page, 2); // a picture with a second of figures in it
        await page.screenshot({ path: `${shots}/${name}-${colorScheme}-${kind}.png` });
        await page.evaluate(axe);
        const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
        for (const it of found.violations) wrong.push(`${name} ${colorScheme} ${kind}: ${it.id} ${it.nodes[0].target.join(" ")} ${it.nodes[0].failureSummary}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) wrong.push(`${name} ${colorScheme} ${kind}: ${over} pixels wider than the screen`);
        seen.pages += 1;
      };
      await page.goto(`${base}/console/`);
      await page.getByLabel("Operator token").waitFor();
      await look("sign-in");
      await signIn(page, token);
      for (const [name, hash] of Object.entries(places).filter(([name]) => only(name))) {
        await at(page, hash);
        if (name === "models") await page.getByRole("heading", { name: /on the same \d/ }).waitFor();
        await look(name);
        if (name === "match" && mock) await moves(page);
      }
      await at(page, `#/actor/${market}`);
      await page.getByRole("button", { name: "Pull the plug" }).click();
      await page.getByText(/Restarts \d/).waitFor();
      await look("chaos");
      await page.context().close();
    }
  }
  assert.deepEqual(wrong, []);
}

/** A one-time link: in with one click, and once. */
async function link() {
  const page = await open();
  await page.goto(about.link);
  await page.locator("[data-live=live]").waitFor();
  assert.match(page.url(), /\/console\/(#.*)?$/, "the code stands in the address");
  seen.role = await page.locator(".role").innerText();
  const other = await open();
  seen.again = (await other.goto(about.link)).status();
}

async function scale() {
  const page = await open();
  await signIn(page, token);
  await at(page, "#/tree?open=partitions,partition-0,markets-0,markets-0~market");
  const tree = page.getByRole("tree");
  await page.locator("[data-id^=market-]").first().waitFor();
  seen.lines = await tree.evaluate((it) => Math.round(it.firstElementChild.offsetHeight / 28));
  assert.ok(seen.lines > 30_000, `${seen.lines} lines`);
  seen.elements = await page.evaluate(() => document.querySelectorAll("[role=treeitem]").length);
  assert.ok(seen.elements < 120, `${seen.elements} lines are drawn at once`);
  // Frames while it is scrolled from end to end, with figures coming in meanwhile.
  const frames = await tree.evaluate(async (it) => {
    const gaps = [];
    const steps = 180;
    let last = performance.now();
    for (let n = 0; n <= steps; n += 1) {
      it.scrollTop = ((it.scrollHeight - it.clientHeight) * n) / steps;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }
    return gaps.sort((a, b) => a - b);
  });
  seen.framesMs = { p50: Math.round(frames[90]), p99: Math.round(frames[178]), worst: Math.round(frames[180]) };
  // Asked to answered as the page itself says it, 80 ms after the last key.
  const searched = [];
  for (const q of ["ipswich", "1.2123", "mallory7", "session"]) {
    await page.getByRole("searchbox").fill(q);
    await page.getByRole("heading", { level: 2, name: /found/ }).waitFor();
    await page.waitForFunction((word) => [...document.querySelectorAll(".hit")].some((it) => it.textContent.toLowerCase().includes(word)), q);
    searched.push(Number(/in (\d+) ms/.exec(await page.getByRole("heading", { level: 2, name: /found/ }).innerText())[1]));
    await page.getByRole("searchbox").fill("");
    await page.getByRole("tree").waitFor();
  }
  seen.searchMs = searched;
  // Seeks in a million events: from the address to the tree as it was.
  const { firstAtMs, lastAtMs } = await page.evaluate(async () => (await fetch("/v1/operator/history")).json());
  const sought = [];
  for (let n = 1; n <= 10; n += 1) {
    const when = Math.round(firstAtMs + ((lastAtMs - firstAtMs) * ((n * 7) % 11)) / 11);
    sought.push(await page.evaluate(async (at) => {
      const since = performance.now();
      const said = () => document.querySelector("[role=slider]").getAttribute("aria-valuenow") === String(at);
      const hash = location.hash.replace(/[?&]at=\d+/, (it) => (it[0] === "?" ? "?" : ""));
      location.hash = `${hash}${hash.includes("?") ? "&" : "?"}at=${at}`;
      const answered = new Promise((done) => {
        new PerformanceObserver((list) => list.getEntries().some((it) => it.name.includes(`tree?at=${at}`)) && done()).observe({ type: "resource" });
      });
      await answered;
      while (!said()) await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return Math.round(performance.now() - since);
    }, when));
  }
  seen.seekMs = sought.sort((a, b) => a - b);
  const heap = async () => page.evaluate(() => performance.memory?.usedJSHeapSize / 1e6);
  seen.heapMb = Math.round(await heap());
}

/** A day of events in half a minute: what the page holds does not grow with them. */
async function soak() {
  const page = await open();
  await signIn(page, token);
  const devtools = await page.context().newCDPSession(page);
  const held = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    const { nodes, jsEventListeners } = await devtools.send("Memory.getDOMCounters");
    const { usedSize } = await devtools.send("Runtime.getHeapUsage");
    return { nodes, jsEventListeners, mb: Math.round(usedSize / 1e5) / 10 };
  };
  const kill = (id) => page.evaluate(async (it) => {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"mode":"kill","reason":"soak"}' };
    return (await fetch(`/v1/operator/actors/${it}/kill`, init)).status;
  }, id);
  // Deaths and births of a whole subtree stream in, and the page has heard of the last of them.
  const heard = async () => {
    await page.waitForFunction(async (it) => {
      const { row } = await (await fetch(`/v1/operator/actors/${it}`)).json();
      return row?.status === "running";
    }, subtree, { polling: 100 });
    const lastSeq = await page.evaluate(async () => (await (await fetch("/v1/operator/history")).json()).lastSeq);
    await page.waitForFunction((seq) => Number(document.querySelector(".pulse").dataset.seq) >= seq, lastSeq);
  };
  const round = async () => {
    for (const hash of ["#/events", `#/tree?sel=${market}&open=partitions,partition-0,markets-0,markets-0~market`, "#/overview"]) {
      await page.evaluate((to) => (location.hash = to), hash);
      for (let n = 0; n < 5; n += 1) {
        assert.equal(await kill(subtree), 202);
        await heard();
      }
    }
  };
  await round();
  seen.before = await held();
  await round();
  await round();
  seen.after = await held();
  const { lastSeq } = await page.evaluate(async () => (await fetch("/v1/operator/history")).json());
  seen.events = lastSeq;
  assert.ok(seen.after.mb < seen.before.mb + 6, "the heap grows");
  assert.ok(seen.after.nodes < seen.before.nodes * 1.5 + 500, "the page grows");
}

try {
  await { story, pages, scale, soak, link }[what]();
  assert.deepEqual(complaints, [], "the browser complained");
  console.log(JSON.stringify(seen));
} catch (error) {
  console.log(JSON.stringify({ ...seen, complaints }));
  throw error;
} finally {
  await browser.close();
  await mock?.server.close();
}
