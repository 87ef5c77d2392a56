// The mock's half of HTTP: the routes of the operator API over a World, with sessions, roles, problems and the
// stream. `MOCK=large` is 50,000 actors and 1,000,000 events. Tokens are the names of the roles.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Mode, Overview, Role, Row, Sort, SupervisionEvent } from "../src/lib/api";
import { models } from "./models.ts";
import { LARGE, SMALL, World } from "./world.ts";

type Next = () => void;
let logLevel = "info";
const CODES: Role[] = ["viewer", "operator", "admin"];
const MODES = ["kill", "panic", "stop", "restart", "drain", "hang"];
/** The policy the node itself sends, so that what breaks it breaks here first. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export function mockApi({ policy = false, world }: { policy?: boolean; world?: World } = {}) {
  let made: World | undefined = world;
  const the = () => (made ??= begin());
  return (request: IncomingMessage, response: ServerResponse, next: Next) => {
    const url = new URL(request.url ?? "/", "http://mock");
    if (url.pathname === "/" || url.pathname === "/console") return redirect(response, "/console/");
    if (url.pathname === "/console/open") return open(url, response);
    if (policy) response.setHeader("Content-Security-Policy", POLICY);
    if (!url.pathname.startsWith("/v1/operator/")) return next();
    void serve(the(), request, response, url).catch((error: unknown) => problem(response, 500, String(error)));
  };
}

function begin(): World {
  const world = new World(process.env.MOCK === "large" ? LARGE : SMALL);
  setInterval(() => world.tick(), 250).unref();
  return world;
}

function redirect(response: ServerResponse, to: string, headers: Record<string, string> = {}): void {
  response.writeHead(303, { Location: to, ...headers }).end();
}

function open(url: URL, response: ServerResponse): void {
  const code = url.searchParams.get("code") ?? "";
  if (CODES.includes(code as Role)) return redirect(response, "/console/", { "Set-Cookie": cookie(code) });
  response.writeHead(410, { "Content-Type": "text/plain" }).end("This link was used or is too old: `laybook link` makes another.");
}

const cookie = (token: string) => `laybook_operator=${token}; HttpOnly; SameSite=Strict; Path=/`;

function problem(response: ServerResponse, status: number, detail: string, more: object = {}): void {
  const title = { 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 422: "Unprocessable" }[status] ?? "Problem";
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title, status, detail, ...more }));
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const piece of request) text += String(piece);
  try {
    return text ? (JSON.parse(text) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const path = url.pathname.slice("/v1/operator/".length).split("/").map(decodeURIComponent);
  const method = request.method ?? "GET";
  const body = method === "GET" ? {} : await bodyOf(request);
  const param = (name: string) => url.searchParams.get(name) ?? undefined;
  const number = (name: string, usual: number, most: number) => {
    const value = Number(param(name) ?? usual);
    return Number.isFinite(value) ? Math.max(0, Math.min(most, value)) : usual;
  };

  if (path[0] === "session") {
    if (method === "DELETE") return void response.writeHead(204, { "Set-Cookie": "laybook_operator=; Max-Age=0; Path=/" }).end();
    const token = String(body.token ?? "").trim();
    if (!CODES.includes(token as Role)) return problem(response, 401, "no such token");
    return void response.writeHead(204, { "Set-Cookie": cookie(token) }).end();
  }
  const role = /laybook_operator=(\w+)/.exec(request.headers.cookie ?? "")?.[1] as Role | undefined;
  if (!role || !CODES.includes(role)) return problem(response, 401, "");
  const name = role === "admin" ? "demo" : role;
  if (method !== "GET" && role === "viewer") return problem(response, 403, "a viewer may look, not act");

  const actor = path[1] === undefined ? undefined : world.actors.get(path[1]);
  const missing = () =>
    problem(response, 404, `there is no actor ${path[1]}`, { lastKnown: { kind: "market", path: ["laybook", "partitions", "partition-0", "markets-0", path[1]], atMs: world.nowMs() - 60_000, what: "stopped" } });
  const limit = number("limit", 200, 500);
  const offset = number("offset", 0, 1e7);
  const kind = param("kind");

  switch (path[0]) {
    case "me":
      return json(response, { name, role });
    case "overview":
      return json(response, overview(world));
    case "children": {
      const of = world.actors.get(param("of") ?? "laybook");
      if (!of) return problem(response, 404, "no such branch");
      const around = param("around");
      const page = world.page(of, { ...(kind ? { kind } : {}), sort: (param("sort") ?? "id") as Sort, offset, limit, ...(around ? { around } : {}) });
      return json(response, { of: world.row(of), total: page.total, offset: page.offset, classes: world.classes(of), children: page.list.map((it) => world.row(it)) });
    }
    case "search":
      return json(response, world.search(param("q") ?? "", limit));
    case "live":
      return live(world, request, response, param("open") ?? "", number("since", 0, 1e12));
    case "actors": {
      if (!actor) return missing();
      if (path[2] === "kill") {
        const mode = String(body.mode);
        if (!MODES.includes(mode)) return problem(response, 422, "mode: is none of the six");
        if (param("dryRun")) {
          const restarts: Record<string, number> = {};
          const falls = world.falls(actor);
          for (const it of falls) restarts[world.kindOf(it)] = (restarts[world.kindOf(it)] ?? 0) + 1;
          return json(response, { restarts, total: falls.length, suspends: falls.filter((it) => it.kind === "market").slice(0, 100).map((it) => it.id) });
        }
        if (!String(body.reason ?? "").trim()) return problem(response, 422, "reason: is mandatory");
        return json(response, { actSeq: world.hurt(actor, mode as Mode, name, String(body.reason)) }, 202);
      }
      if (path[2] === "retry") {
        world.happen(actor, "operator_acted", { operator: name, act: "retry", reason: "" });
        world.happen(actor, "spawned", { incarnation: actor.life.incarnation + 1 });
        return json(response, {});
      }
      return json(response, observation(world, actor));
    }
    case "history": {
      if (path[1] === "ticks") return json(response, { buckets: world.ticks(number("from", 0, 1e15), number("to", 0, 1e15), Math.max(1, number("buckets", 400, 2_000))) });
      if (path[1] === "tree") {
        const atMs = number("at", world.nowMs(), 1e15);
        const seq = world.seqAt(atMs);
        const of = world.actors.get(param("of") ?? "laybook");
        if (!of) return problem(response, 404, "no such branch then");
        const around = param("around");
        const page = world.page(of, { ...(kind ? { kind } : {}), offset, limit, ...(around ? { around } : {}) });
        const children: Row[] = [];
        for (const it of page.list) {
          const life = world.then(it, seq);
          if (life) children.push(world.row(it, life));
        }
        const classes = world.classes(of).map((it) => ({ ...it, amber: 0, red: 0 }));
        return json(response, { of: world.row(of, world.then(of, seq)), total: page.total, offset: page.offset, classes, children, atMs, seq });
      }
      const { events } = world;
      return json(response, { firstSeq: 1, lastSeq: events.length, firstAtMs: events[0]?.atMs ?? 0, lastAtMs: events.at(-1)?.atMs ?? 0, dropped: 0 });
    }
    case "supervision":
      return json(response, { events: supervision(world, param, limit) });
    case "why":
      if (!actor) return missing();
      return json(response, { id: actor.id, kind: world.kindOf(actor), deaths: actor.deaths.slice(-20).reverse() });
    case "recoveries": {
      const it = world.recoveries.get(Number(path[1]));
      return it ? json(response, it) : problem(response, 404, "no such act");
    }
    case "audit": {
      const before = number("before", 1e15, 1e15);
      return json(response, { entries: world.audit.filter((it) => it.seq < before).slice(-limit).reverse() });
    }
    case "flow":
      return json(response, { edges: flow(world), newestBets: Array.from({ length: 8 }, (_, n) => String(900_100 + n + Math.floor(world.offset / 5_000))) });
    case "follow":
      return /^\d+$/.test(path[1] ?? "") ? json(response, follow(path[1]!)) : problem(response, 404, "no bet of that number is remembered");
    case "log-level": {
      if (method === "PUT") {
        const filter = String(body.filter ?? "");
        if (role !== "admin") return problem(response, 403, "");
        if (!/^[\w:=,]+$/.test(filter)) return problem(response, 422, "filter: invalid filter directive");
        logLevel = filter;
      }
      return json(response, { filter: logLevel });
    }
    case "models": {
      const told = models(path.slice(1), param, world.nowMs(), world.begun);
      return told === undefined ? problem(response, 404, "no such match, or no such competition") : json(response, told);
    }
    case "journal":
      return json(response, { partitions: [{ partition: 0, offset: world.offset, durable: world.offset - 3, syncP50Us: 38, syncP99Us: 410, freeBytes: 71_123_456_789, snapshots: { count: 204, newestAtMs: world.nowMs() - 14_000 }, segments: Array.from({ length: 9 }, (_, n) => ({ name: `00000000000${n}.log`, first: n * 150_000, bytes: n === 8 ? 12_345_678 : 67_108_864 })) }] });
    case "ledger":
      return json(response, { deposits: "512000.00", withdrawals: "4200.00", customerBalances: "505821.17", holds: "18204.55", clearing: "1204.10", commission: "774.75", rounding: "-0.02", crossMatching: "0.00", difference: "0.00", offset: world.offset, accountsCompared: 64 });
    default:
      return problem(response, 404, "no such method");
  }
}

function supervision(world: World, param: (name: string) => string | undefined, limit: number): SupervisionEvent[] {
  const [child, kind] = [param("child"), param("kind")];
  const what = param("what")?.split(",");
  const fits = (event: SupervisionEvent) => (!child || event.child === child) && (!kind || event.kind === kind) && (!what || what.includes(event.what));
  const out: SupervisionEvent[] = [];
  const { events } = world;
  const from = param("atOrAfter") ? world.seqAt(Number(param("atOrAfter")) - 1) : param("since") ? Number(param("since")) : undefined;
  if (from !== undefined) {
    for (let n = from; n < events.length && out.length < limit; n += 1) if (fits(events[n]!)) out.push(events[n]!);
    return out;
  }
  for (let n = Math.min(events.length, Number(param("before") ?? Infinity) - 1) - 1; n >= 0 && out.length < limit; n -= 1) {
    if (fits(events[n]!)) out.push(events[n]!);
  }
  return out.reverse();
}

function overview(world: World): Overview {
  const leaves = world.lively;
  const hot = [...leaves].sort((a, b) => world.heat(b) - world.heat(a) || b.load.depth - a.load.depth).slice(0, 8);
  const restarted = world.events.filter((it) => it.what === "exited").slice(-8).reverse();
  const now = world.nowMs();
  return {
    healthy: true,
    ready: true,
    version: "0.4.0",
    upMs: now - world.begun,
    actors: world.actors.size,
    handledPerS: 18_204 + world.random.below(900),
    betsPerS: 1_240 + world.random.below(60),
    journal: { offset: world.offset, syncP50Us: 38, syncP99Us: 410, readOnly: false },
    hot: hot.map((it) => world.row(it)),
    restarted: restarted.map((it) => ({ id: it.child, kind: it.kind, atMs: it.atMs, reason: (it.exit as { detail?: { message?: string } | string })?.detail instanceof Object ? ((it.exit as { detail: { message: string } }).detail.message ?? "") : String((it.exit as { detail?: string })?.detail ?? "killed") })),
    lints: [
      { lint: "flapping", severity: "bad", id: [...world.actors.values()].find((it) => it.life.status === "quarantined")?.id ?? "account-100004", sinceMs: now - 95_000, text: "quarantined after 5 restarts in 10 s", why: "It dies on the same message each time; nobody else is hurt. See why, then try again." },
      { lint: "rising mailbox", severity: "warn", id: hot[0]!.id, sinceMs: now - 42_000, text: "its mailbox grew for 30 s", why: "More comes in than it handles: 1,204 wait, and it is busy 97 % of the time." },
      { lint: "slow handler", severity: "info", id: hot[1]!.id, sinceMs: now - 400_000, text: "one message took 78 ms", why: "Everything else waited behind it. The slowest message is named on its page." },
    ],
  };
}

function observation(world: World, actor: NonNullable<ReturnType<World["actors"]["get"]>>) {
  const row = world.row(actor);
  const path = world.path(actor);
  if (actor.strategy) return { row, path, links: actor.children.slice(0, 5).map((it) => ({ id: it.id, what: "child" })) };
  const n = Number(/(\d+)$/.exec(actor.id)?.[1] ?? 7);
  const ids = (kind: string, from: number, take: number) => [...world.actors.values()].filter((it) => it.kind === kind).slice(from % 20, (from % 20) + take);
  const links = [
    { id: "journal-0", what: "writes to" },
    { id: "directory-0", what: "found by" },
    ...(actor.kind === "market" ? [{ id: "board-0", what: "prices shown by" }, ...ids("account", n, 3).map((it) => ({ id: it.id, what: "account with bets", label: it.label }))] : []),
    ...(actor.kind === "account" ? [...ids("session", n, 2).map((it) => ({ id: it.id, what: "session", label: it.label })), ...ids("market", n, 3).map((it) => ({ id: it.id, what: "market bet on", label: it.label }))] : []),
  ];
  const rung = (price: number, up: number) => [0, 1, 2].map((k) => [(price + up * k * 0.05).toFixed(2), (20 + ((n * (k + 3)) % 480)).toFixed(2)] as [string, string]);
  const state =
    actor.kind === "market"
      ? { status: "OPEN", inPlay: n % 3 === 0, version: 4_201 + n, orders: 1_204, accounts: 41, totalMatched: "18204.50", offset: world.offset - (n % 50), snapshotOffset: world.offset - 4_210, snapshotAgeMs: 14_000, subscribers: 12, ladder: { runners: ["Home", "The Draw", "Away"].map((name, k) => ({ name, selectionId: 47_972 + k, back: rung(2.1 + k, -1), lay: rung(2.16 + k, 1) })) } }
      : actor.kind === "account"
        ? { balance: "812.40", exposure: "-96.20", status: "ACTIVE", openCommands: 1, followers: 2, exposures: ids("market", n, 3).map((it, k) => ({ marketId: it.id.slice(7), name: it.label?.slice(0, 60), exposure: `-${(12.5 * (k + 1)).toFixed(2)}` })), holds: ids("market", n, 2).map((it, k) => ({ marketId: it.id.slice(7), betId: String(900_100 + k), amount: (9.75 * (k + 1)).toFixed(2) })) }
        : { note: "nothing secret here", waiting: 3 };
  return { row, path, lastMessages: ["Command(PlaceBet)", "Observe", "Command(CancelBet)", "Tick", "Notice(Filled)"], inHand: n % 2 ? { message: "Command(PlaceBet)", sinceMs: 0.4 } : null, state, mailbox: row.load, links };
}

function flow(world: World) {
  const wave = 1 + 0.1 * Math.sin(world.nowMs() / 3_000);
  const edge = (from: string, to: string, perS: number, p99Us: number) => ({ from, to, perS: Math.round(perS * wave), p99Us, slow: p99Us > 20_000 });
  return [
    edge("door", "session", 1_900, 210), edge("session", "account", 1_240, 340), edge("account", "market", 1_210, 480),
    edge("market", "journal", 1_300, 390), edge("account", "journal", 2_400, 370), edge("market", "account", 820, 44_000),
    edge("journal", "publisher", 3_700, 120), edge("publisher", "board", 900, 260), edge("board", "stream", 640, 900),
    edge("directory", "market", 3, 2_100), edge("directory", "account", 5, 1_800), edge("trader", "session", 210, 300), edge("home", "journal", 2, 400), edge("home", "directory", 1, 800),
  ];
}

function follow(betId: string) {
  const marketId = "1.200001";
  return {
    betId,
    marketId,
    steps: [
      { atUs: 0, from: "http", to: "session-0000000006cd4f7b3", what: "placeOrders", durationUs: 38 },
      { atUs: 52, from: "session-0000000006cd4f7b3", to: "account-100001", what: "hold 24.60", durationUs: 61 },
      { atUs: 121, from: "account-100001", to: "journal-0", what: "CommandTaken", offset: 1_204_881 },
      { atUs: 126, from: "account-100001", to: "market-1.200001", what: "PlaceBet", durationUs: 9 },
      { atUs: 139, from: "market-1.200001", to: "journal-0", what: "BetPlaced, BetMatched", offset: 1_204_882 },
      { atUs: 144, from: "market-1.200001", to: "account-100007", what: "Filled 12.00 at 3.05", durationUs: 14 },
      { atUs: 412, from: "journal-0", to: "journal-0", what: "synced", durationUs: 268 },
      { atUs: 431, from: "journal-0", to: "http", what: "reply SUCCESS" },
      { atUs: 455, from: "journal-0", to: "publisher-0", what: "offset 1204882" },
      { atUs: 10_470, from: "publisher-0", to: "stream", what: "market change" },
    ],
  };
}

function live(world: World, request: IncomingMessage, response: ServerResponse, open: string, since: number): void {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const send = (event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const windows = open.split(",").filter(Boolean).slice(0, 16).map((text) => {
    const [of, offset, limit, sort, kind] = text.split("~");
    return { of: world.actors.get(decodeURIComponent(of!)), offset: Number(offset ?? 0), limit: Math.min(400, Number(limit ?? 200)), sort: (sort || "id") as Sort, kind: kind ? decodeURIComponent(kind) : undefined };
  });
  // By id the rows of a window stay; by figures they are those the page was first told.
  const watched = new Set(windows.flatMap((it) => (it.of ? [it.of, ...world.page(it.of, { ...(it.kind ? { kind: it.kind } : {}), sort: it.sort, offset: it.offset, limit: it.limit }).list] : [])));
  const told = new Map<string, string>();
  const changedRows = () => {
    const rows: Row[] = [];
    for (const actor of watched) {
      const row = world.row(actor);
      const text = JSON.stringify(row, (key, value: unknown) => (key === "agesMs" ? undefined : value));
      if (told.get(row.id) === text) continue;
      told.set(row.id, text);
      rows.push(row);
    }
    return rows;
  };
  const branches = () => [...new Set(windows.map((it) => it.of))].filter((it) => it !== undefined).map((it) => ({ id: it.id, total: it.children.length, classes: world.classes(it) }));
  let counted = "";
  let waiting: SupervisionEvent[] = since ? world.events.slice(since).slice(-500) : [];
  const deaf = world.listen((event) => void (waiting.length < 2_000 && waiting.push(event)));
  const pulse = () => send("pulse", { atMs: world.nowMs(), actors: world.actors.size, handledPerS: 18_204 + world.random.below(900), seq: world.events.length });
  send("rows", { rows: changedRows(), gone: [] });
  pulse();
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    const rows = changedRows();
    if (rows.length) send("rows", { rows, gone: [] });
    const now = branches();
    const text = JSON.stringify(now);
    if (text !== counted && now.length) send("branches", { branches: now });
    counted = text;
    if (waiting.length) send("supervision", { events: waiting });
    waiting = [];
    if (n % 4 === 0) pulse();
  }, 250);
  request.on("close", () => {
    clearInterval(timer);
    deaf();
  });
}
