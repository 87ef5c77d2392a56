// A node that is not there: a tree, its history and its figures, all from one seed. It keeps the promises of the
// operator API that pages rest on; it decides nothing about betting.

import type { Bucket, ClassCount, Death, Load, Mode, Recovery, Row, Sort, Status, SupervisionEvent } from "../src/lib/api";
import { apply, type Life } from "../src/lib/fold.ts";
import { Random } from "./random.ts";

export interface Scale {
  markets: number;
  accounts: number;
  sessions: number;
  events: number;
  seed: number;
}

export const SMALL: Scale = { markets: 140, accounts: 64, sessions: 24, events: 900, seed: 4 };
export const LARGE: Scale = { markets: 30_000, accounts: 16_000, sessions: 4_000, events: 1_000_000, seed: 4 };

interface Actor {
  id: string;
  kind: string;
  label?: string;
  parent?: Actor;
  children: Actor[];
  /** Kept sorted by id, so that a page of 200 among 30,000 is a slice. */
  strategy?: string;
  restart: "permanent" | "transient" | "temporary";
  budget?: { of: number; withinMs: number };
  restartedAt: number[];
  life: Life;
  load: Load;
  /** Its events' places in the log. */
  log: number[];
  deaths: Death[];
  hot: number;
}

const HOME = ["Aldershot", "Barrow", "Crewe", "Dulwich", "Exeter", "Fylde", "Grimsby", "Harrogate", "Ipswich", "Kettering", "Luton", "Morecambe"];
const AWAY = ["Newport", "Oldham", "Preston", "Quorn", "Rochdale", "Stockport", "Torquay", "Uxbridge", "Walsall", "Yeovil"];
const MARKETS = ["Match Odds", "Over/Under 2.5 Goals", "Correct Score", "Both Teams To Score", "Half Time"];
const FIRST = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "niaj", "olivia", "peggy", "rupert", "sybil", "trent", "victor", "walter"];
const DAY_MS = 24 * 3_600_000;

const PANIC = "attempt to subtract with overflow";
const TRACE = `   0: rust_begin_unwind
   1: core::panicking::panic_fmt
   2: core::panicking::panic_const::panic_const_sub_overflow
   3: domain::market::book::Book::reduce
             at src/domain/market/book.rs:214:9
   4: domain::market::state::MarketState::command
             at src/domain/market/state.rs:388:21
   5: actors::market::Market::command
             at actors/market/mod.rs:298:13
   6: actors::shell::Shell<B>::handle
             at actors/shell.rs:171:17
   7: ractor::actor::ActorRuntime::process_message
   8: tokio::runtime::task::raw::poll`;

export class World {
  readonly random: Random;
  readonly actors = new Map<string, Actor>();
  readonly root: Actor;
  readonly events: SupervisionEvent[] = [];
  readonly recoveries = new Map<number, Recovery>();
  readonly audit: { seq: number; atMs: number; operator: string; act: string; target?: string; reason?: string }[] = [];
  readonly begun: number;
  handled = 0;
  offset = 1_204_331;
  #after: { at: number; run: () => void }[] = [];
  #listeners = new Set<(event: SupervisionEvent) => void>();
  /** Ids of those whose figures move. */
  readonly lively: Actor[] = [];

  constructor(
    readonly scale: Scale,
    readonly nowMs: () => number = Date.now,
  ) {
    this.random = new Random(scale.seed);
    this.begun = nowMs() - 2 * DAY_MS;
    this.root = this.#add(undefined, "laybook", "supervisor", "one_for_one");
    const partitions = this.#add(this.root, "partitions", "supervisor", "dynamic");
    const partition = this.#add(partitions, "partition-0", "supervisor", "rest_for_one");
    for (const id of ["journal-0", "directory-0"]) this.#add(partition, id, id.split("-")[0]!);
    const accounts = this.#add(partition, "accounts-0", "supervisor", "dynamic");
    const markets = this.#add(partition, "markets-0", "supervisor", "dynamic");
    for (const id of ["home", "publisher-0", "board-0"]) this.#add(partition, id, id.split("-")[0]!);
    const readers = this.#add(this.root, "catalogue-readers", "supervisor", "one_for_one");
    this.#add(readers, "catalogue", "catalogue");
    this.#add(this.root, "feeds", "supervisor", "dynamic");
    const strategies = this.#add(this.root, "strategies", "supervisor", "dynamic");
    for (let n = 0; n < 6; n += 1) this.#add(strategies, `trader-${n}`, "trader", undefined, n < 4 ? `maker ${n}` : `punter ${n}`);
    const sessions = this.#add(this.root, "sessions", "supervisor", "dynamic");
    const doors = this.#add(this.root, "doors", "supervisor", "one_for_one");
    for (const id of ["http", "admin", "stream"]) this.#add(doors, id, id);
    this.#add(doors, "console-live", "console");
    for (let n = 0; n < scale.accounts; n += 1) {
      const user = FIRST[n % FIRST.length]! + (n < FIRST.length ? "" : String(Math.floor(n / FIRST.length)));
      this.#add(accounts, `account-${100_001 + n}`, "account", undefined, user);
    }
    for (let n = 0; n < scale.markets; n += 1) {
      const event = `${HOME[n % HOME.length]} v ${AWAY[(n * 7) % AWAY.length]}`;
      this.#add(markets, `market-1.${200_001 + n}`, "market", undefined, `${event}, ${MARKETS[n % MARKETS.length]}`);
    }
    // Names that come from outside, at their worst.
    const worst = this.actors.get("market-1.200033");
    if (worst) worst.label = `<img src=x onerror=alert(1)> \u202egnp.exe ${"😀🎉⚽️".repeat(2_000)}`;
    for (let n = 0; n < scale.sessions; n += 1) {
      const user = FIRST[n % FIRST.length]!;
      this.#add(sessions, `session-${(0x9e3779b9n * BigInt(n + 11)).toString(16).padStart(16, "0").slice(-16)}`, "session", undefined, user);
    }
    for (const actor of this.actors.values()) actor.children.sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#past();
  }

  #add(parent: Actor | undefined, id: string, kind: string, strategy?: string, label?: string): Actor {
    const { random } = this;
    const hot = random.next() < 0.05 ? random.next() : 0;
    const entity = kind === "market" || kind === "account";
    const actor: Actor = {
      id,
      kind,
      children: [],
      restart: kind === "session" || kind === "trader" ? "transient" : "permanent",
      restartedAt: [],
      life: { status: "running", restarts: 0, incarnation: 1, sinceMs: this.begun },
      load: {
        depth: hot > 0.6 ? random.below(1_400) : random.below(3),
        perS: entity ? random.next() * (hot > 0 ? 900 : 12) : kind === "journal" ? 2_100 : random.next() * 80,
        waitP50Us: 2 + random.below(20),
        waitP99Us: 40 + random.below(hot > 0.5 ? 90_000 : 300),
        busyPct: hot > 0.7 ? 60 + random.below(38) : random.below(12),
        slowestUs: 90 + random.below(hot > 0.8 ? 80_000 : 1_900),
        handled: random.below(900_000),
      },
      log: [],
      deaths: [],
      hot,
    };
    if (label !== undefined) actor.label = label;
    if (parent) {
      actor.parent = parent;
      parent.children.push(actor);
    }
    if (strategy) {
      actor.strategy = strategy;
      actor.budget = { of: strategy === "dynamic" ? 10 : 5, withinMs: 10_000 };
    } else if (entity) {
      actor.budget = { of: 5, withinMs: 10_000 };
    }
    this.actors.set(id, actor);
    if (!strategy && (this.lively.length < 4_000 || hot > 0)) this.lively.push(actor);
    return actor;
  }

  #past(): void {
    const { random, begun } = this;
    const now = this.nowMs();
    const mortal = [...this.actors.values()].filter((it) => !it.strategy && it.kind !== "admin");
    const first = mortal.length + 1;
    this.#log(begun, this.root, "node_started", { version: "0.4.0", afterCrash: false }, "");
    for (const actor of mortal.slice(0, Math.max(0, this.scale.events - 3))) {
      this.#log(begun + 40 + Math.floor(random.next() * 900), actor, "spawned", { incarnation: 1 });
    }
    // Deaths come in bursts, as they do; each is told as exited, restarting, spawned.
    const deaths = Math.floor(Math.max(0, this.scale.events - first) / 3);
    const times: number[] = [];
    for (let n = 0; n < deaths; n += 1) {
      const burst = begun + 5_000 + (Math.floor(random.next() * 40) / 40) * (now - begun - 60_000);
      times.push(random.next() < 0.7 ? burst + random.next() * 1_800_000 : begun + 5_000 + random.next() * (now - begun - 10_000));
    }
    // Some of them just now, so that "lately" has something to say.
    for (let n = 0; n < Math.min(6, times.length); n += 1) times[n] = now - 4_000 - n * 47_000;
    times.sort((a, b) => a - b);
    const victims = mortal.filter((it) => it.kind === "market" || it.kind === "account" || it.kind === "session");
    times.forEach((at, n) => {
      if (at > now - 2_000) return;
      // Of a million events, reports of the newest are kept.
      this.#dies(random.pick(victims), Math.floor(at), random.next() < 0.7 ? "panicked" : "failed", PANIC, n > times.length - 5_000);
    });
    this.events.sort((a, b) => a.atMs - b.atMs || a.seq - b.seq);
    this.events.forEach((event, n) => {
      event.seq = n + 1;
      this.actors.get(event.child)?.log.push(n);
    });
    for (const actor of this.actors.values()) {
      let life: Life = { status: "running", restarts: 0, incarnation: 1, sinceMs: begun };
      for (const at of actor.log) life = apply(life, this.events[at]!);
      actor.life = life;
      for (const death of actor.deaths) {
        const at = actor.log.find((n) => this.events[n]!.atMs === death.atMs && this.events[n]!.what === "exited");
        if (at !== undefined) death.seq = at + 1;
      }
    }
    const flapping = victims[3];
    if (flapping) {
      flapping.life = { ...flapping.life, status: "quarantined", restarts: 5 };
      flapping.restartedAt = [1, 2, 3, 4, 5].map((n) => now - n * 1_000);
    }
    this.audit.push(
      { seq: 1, atMs: begun + 4_000, operator: "first", act: "token issued", target: "demo", reason: "first start" },
      { seq: 2, atMs: now - 3_000_000, operator: "demo", act: "kill", target: "market-1.200010", reason: "rehearsal before Saturday" },
    );
  }

  #places = new Map<Actor | undefined, string>();
  #place(actor: Actor): string {
    const known = this.#places.get(actor.parent);
    if (known !== undefined) return known;
    const ids: string[] = [];
    for (let it = actor.parent; it?.parent; it = it.parent) ids.unshift(it.id);
    const place = ids.join("/");
    this.#places.set(actor.parent, place);
    return place;
  }

  #log(atMs: number, actor: Actor, what: string, more: Record<string, unknown> = {}, child = actor.id): SupervisionEvent {
    const event: SupervisionEvent = { seq: this.events.length + 1, atMs, supervisor: this.#place(actor), child, kind: actor.strategy ? "supervisor" : actor.kind, what, ...more };
    this.events.push(event);
    return event;
  }

  #dies(actor: Actor, atMs: number, reason: "panicked" | "failed" | "killed", message = PANIC, reported = true): Death {
    const detail = reason === "panicked" ? { message, location: "src/domain/market/book.rs:214:9" } : reason === "failed" ? "the directory did not answer in 5 s" : undefined;
    const event = this.#log(atMs, actor, "exited", { exit: { reason, ...(detail ? { detail } : {}) } });
    const backoffMs = 5 + this.random.below(20);
    this.#log(atMs + 1, actor, "restarting", { attempt: 1, of: 5, backoffMs });
    this.#log(atMs + 1 + backoffMs, actor, "spawned", { incarnation: actor.life.incarnation + 1 });
    const death: Death = {
      seq: event.seq,
      atMs,
      reason: reason === "panicked" ? `panicked: ${message}` : reason === "failed" ? String(detail) : "killed",
      kind: reason === "panicked" ? "panic" : reason === "failed" ? "error" : "killed",
      message: reason === "panicked" ? message : reason === "failed" ? String(detail) : "killed from outside",
      inHand: reason === "killed" ? null : { message: "Command(PlaceBet)", body: { market: actor.id, side: "BACK", price: "3.05", size: "12.00", account: "redacted" } },
      lastMessages: ["Command(PlaceBet)", "Command(CancelBet)", "Observe", "Tick", "Command(PlaceBet)"].slice(0, 3 + this.random.below(3)),
      mailboxAtDeath: this.random.below(40),
      fellWith: [],
      strategy: actor.parent?.strategy ?? "one_for_one",
      budget: { used: 1, of: 5, withinMs: 10_000 },
      backoffMs,
      served: { afterMs: backoffMs + 2 + this.random.below(30), snapshotOffset: this.offset - this.random.below(9_000), replayed: this.random.below(4_000) },
      logs: [`ERROR actors::shell: actor failed actor=${actor.id} incarnation=${actor.life.incarnation}`, `INFO supervision::brood: restarting child=${actor.id} attempt=1 of=5`],
    };
    if (reason === "panicked") {
      death.location = "src/domain/market/book.rs:214:9";
      death.backtrace = TRACE;
    }
    if (reported) actor.deaths.push(death);
    if (actor.deaths.length > 40) actor.deaths.shift();
    return death;
  }

  listen(heard: (event: SupervisionEvent) => void): () => void {
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }

  /** An event of now: into the log, to those who listen, and what it does to the actor. */
  happen(actor: Actor, what: string, more: Record<string, unknown> = {}): SupervisionEvent {
    const event = this.#log(this.nowMs(), actor, what, more);
    actor.log.push(this.events.length - 1);
    actor.life = apply(actor.life, event);
    if (what === "restarting") {
      actor.restartedAt.push(event.atMs);
      actor.parent?.restartedAt.push(event.atMs);
    }
    this.#listeners.forEach((heard) => heard(event));
    return event;
  }

  later(ms: number, run: () => void): void {
    this.#after.push({ at: this.nowMs() + ms, run });
  }

  /** A step of time: what was due happens, figures move. Answers whose figures changed. */
  tick(): Actor[] {
    const now = this.nowMs();
    const due = this.#after.filter((it) => it.at <= now);
    this.#after = this.#after.filter((it) => it.at > now);
    due.forEach((it) => it.run());
    const moved: Actor[] = [];
    for (let n = 0; n < Math.min(400, this.lively.length); n += 1) {
      const actor = this.random.pick(this.lively);
      const { load } = actor;
      const swing = this.random.next() - 0.5 - (actor.load.busyPct > 20 && actor.hot < 0.6 ? 0.1 : 0);
      load.perS = Math.max(0, load.perS * (1 + swing * 0.3));
      load.depth = Math.max(0, Math.round(load.depth + swing * (actor.hot > 0.6 ? 120 : 3)));
      if (load.depth > 4_000) load.depth = 900;
      load.busyPct = Math.max(0, Math.min(99, load.busyPct + swing * 6));
      load.handled += Math.round(load.perS / 4);
      moved.push(actor);
    }
    this.offset += 700 + this.random.below(90);
    return moved;
  }

  heat(actor: Actor): 0 | 1 | 2 | 3 {
    const { load, life } = actor;
    if (life.status === "quarantined") return 3;
    if (actor.strategy) return 0;
    if (load.depth > 1_000 || load.busyPct > 90) return 3;
    if (load.depth > 100 || load.busyPct > 60 || life.restarts > 8) return 2;
    return load.depth > 10 || load.busyPct > 30 ? 1 : 0;
  }

  row(actor: Actor, then?: Life): Row {
    const life = then ?? actor.life;
    const now = this.nowMs();
    const row: Row = {
      id: actor.id,
      name: actor.id,
      kind: actor.strategy ? "supervisor" : actor.kind,
      restart: actor.restart,
      status: life.status as Status,
      restarts: life.restarts,
      incarnation: life.incarnation,
      childCount: actor.children.length,
      heat: then ? 0 : this.heat(actor),
    };
    if (life.sinceMs !== undefined) row.sinceMs = life.sinceMs;
    if (actor.parent) row.parent = actor.parent.id;
    if (actor.strategy) row.strategy = actor.strategy;
    if (actor.label !== undefined) row.label = actor.label;
    if (actor.budget && !then) {
      actor.restartedAt = actor.restartedAt.filter((at) => now - at < actor.budget!.withinMs);
      const agesMs = actor.restartedAt.map((at) => now - at);
      row.budget = { used: agesMs.length, ...actor.budget, agesMs };
    }
    if (!actor.strategy && !then) row.load = { ...actor.load, perS: round(actor.load.perS), busyPct: round(actor.load.busyPct) };
    return row;
  }

  path(actor: Actor): string[] {
    const ids: string[] = [];
    for (let it: Actor | undefined = actor; it; it = it.parent) ids.unshift(it.id);
    return ids;
  }

  kindOf(actor: Actor): string {
    return actor.strategy ? "supervisor" : actor.kind;
  }

  classes(of: Actor): ClassCount[] {
    const by = new Map<string, ClassCount>();
    for (const child of of.children) {
      const kind = this.kindOf(child);
      let it = by.get(kind);
      if (!it) by.set(kind, (it = { kind, count: 0, amber: 0, red: 0 }));
      it.count += 1;
      const heat = this.heat(child);
      if (heat === 3 || child.life.status === "stopped") it.red += 1;
      else if (heat === 2 || child.life.status === "restarting") it.amber += 1;
    }
    return [...by.values()];
  }

  page(of: Actor, { kind, sort, offset, limit, around }: { kind?: string; sort?: Sort; offset: number; limit: number; around?: string }) {
    let list = kind ? of.children.filter((it) => this.kindOf(it) === kind) : of.children;
    const by: Partial<Record<Sort, (actor: Actor) => number>> = {
      mailbox: (it) => it.load.depth,
      busy: (it) => it.load.busyPct,
      restarts: (it) => it.life.restarts,
      heat: (it) => this.heat(it),
    };
    const value = sort ? by[sort] : undefined;
    if (value) list = [...list].sort((a, b) => value(b) - value(a));
    if (around !== undefined) offset = Math.max(0, Math.floor(list.findIndex((it) => it.id === around) / limit) * limit);
    return { total: list.length, offset, list: list.slice(offset, offset + limit) };
  }

  search(q: string, limit: number) {
    const wanted = q.toLowerCase();
    const found: Actor[] = [];
    let total = 0;
    for (const actor of this.actors.values()) {
      const hit = actor.id.toLowerCase().includes(wanted) || this.kindOf(actor).includes(wanted) || (actor.label?.slice(0, 300).toLowerCase().includes(wanted) ?? false);
      if (!hit) continue;
      total += 1;
      if (found.length < limit) found.push(actor);
    }
    return { total, rows: found.map((actor) => ({ ...this.row(actor), path: this.path(actor) })) };
  }

  /** The last event at or before a moment: its number, 0 when there is none. */
  seqAt(atMs: number): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle]!.atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What an actor was after event `seq`. */
  then(actor: Actor, seq: number): Life | undefined {
    if (actor.strategy) return { status: "running", restarts: 0, incarnation: 1, sinceMs: this.begun };
    let life: Life | undefined;
    for (const at of actor.log) {
      if (at >= seq) break;
      life = apply(life ?? { status: "stopped", restarts: 0, incarnation: 0 }, this.events[at]!);
    }
    return life;
  }

  ticks(from: number, to: number, buckets: number): Bucket[] {
    const width = Math.max(1, (to - from) / buckets);
    const out: Bucket[] = Array.from({ length: buckets }, (_, n) => ({ atMs: Math.round(from + n * width), spawned: 0, failed: 0, restarting: 0, gaveUp: 0, stopped: 0, operator: 0, node: 0 }));
    const key: Record<string, keyof Bucket> = { spawned: "spawned", exited: "failed", start_failed: "failed", restarting: "restarting", gave_up: "gaveUp", quarantined: "gaveUp", stopped: "stopped", operator_acted: "operator", node_started: "node", node_stopped: "node" };
    for (let n = this.seqAt(from - 1); n < this.events.length; n += 1) {
      const event = this.events[n]!;
      if (event.atMs > to) break;
      const bucket = out[Math.min(buckets - 1, Math.floor((event.atMs - from) / width))]!;
      const into = key[event.what];
      if (into) bucket[into] += 1;
    }
    return out;
  }

  /** All that ends with an actor, itself first. */
  falls(actor: Actor): Actor[] {
    const out: Actor[] = [];
    const take = (it: Actor) => {
      out.push(it);
      it.children.forEach(take);
    };
    const siblings = actor.parent?.children ?? [actor];
    const at = siblings.indexOf(actor);
    if (actor.parent?.strategy === "rest_for_one") siblings.slice(at).forEach(take);
    else take(actor);
    return out;
  }

  hurt(actor: Actor, mode: Mode, operator: string, reason: string): number {
    const act = this.happen(actor, "operator_acted", { operator, act: mode, reason });
    this.audit.push({ seq: this.audit.length + 1, atMs: act.atMs, operator, act: mode, target: actor.id, reason });
    const recovery: Recovery = { actSeq: act.seq, id: actor.id, mode, operator, reason, atMs: act.atMs, done: false, acknowledgedLost: null, hashBefore: hash(actor.id), same: null };
    this.recoveries.set(act.seq, recovery);
    const victims = this.falls(actor).filter((it) => !it.strategy).slice(0, 300);
    this.later(mode === "hang" ? 1_200 : 60, () => {
      recovery.detectedMs = mode === "hang" ? 1_180 : 2;
      for (const victim of victims) {
        const before = this.events.length;
        const death = this.#dies(victim, this.nowMs(), mode === "panic" ? "panicked" : mode === "kill" || mode === "hang" ? "killed" : "failed", "asked to, by an operator");
        // Only the end is of now; what follows comes in its time.
        this.events.length = before;
        if (victim !== actor) death.fellWith = [];
        else death.fellWith = victims.slice(1, 20).map((it) => ({ id: it.id, kind: it.kind, why: it.parent === actor ? "child" : "rest_for_one" }));
        const exit = mode === "panic" ? { reason: "panicked", detail: { message: "asked to, by an operator" } } : mode === "kill" || mode === "hang" ? { reason: "killed" } : { reason: "failed", detail: reason };
        death.seq = this.happen(victim, mode === "stop" ? "stopped" : "exited", { exit: mode === "stop" ? { reason: "normal" } : exit }).seq;
        if (mode !== "stop") this.happen(victim, "restarting", { attempt: 1, of: 5, backoffMs: 8 });
      }
    });
    this.later(mode === "hang" ? 1_600 : 420, () => {
      if (mode !== "stop") for (const victim of victims) this.happen(victim, "spawned", { incarnation: victim.life.incarnation + 1 });
      recovery.servingMs = mode === "stop" ? null : mode === "hang" ? 1_240 : 11;
      recovery.replayed = 1_204;
    });
    this.later(mode === "hang" ? 2_200 : 1_100, () => Object.assign(recovery, { done: true, acknowledgedLost: 0, hashAfter: recovery.hashBefore, same: true }));
    return act.seq;
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function hash(text: string): string {
  let h = 0x811c9dc5;
  for (const c of text) h = Math.imul(h ^ c.codePointAt(0)!, 0x01000193);
  return (h >>> 0).toString(16).padStart(8, "0").repeat(4);
}
