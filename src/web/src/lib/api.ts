// The operator API as the node speaks it: types and calls. Owns no state but who is told when the node says that
// nobody is signed in; never touches the page.

import { asker, query } from "./ask";

export type Role = "viewer" | "operator" | "admin";
export type Status = "running" | "restarting" | "stopped" | "ignored" | "stopping" | "quarantined";
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one" | "dynamic" | (string & {});

export interface Me {
  name: string;
  role: Role;
}

export interface Budget {
  used: number;
  of: number;
  withinMs: number;
  /** How long ago each restart was that still counts, when this was said. */
  agesMs?: number[];
}

export interface Load {
  depth: number;
  perS: number;
  waitP50Us: number;
  waitP99Us: number;
  busyPct: number;
  slowestUs: number;
  handled: number;
}

export interface Row {
  id: string;
  name: string;
  kind: string;
  parent?: string;
  strategy?: Strategy;
  restart?: "permanent" | "transient" | "temporary";
  status: Status;
  restarts: number;
  incarnation: number;
  sinceMs?: number;
  childCount: number;
  budget?: Budget;
  load?: Load;
  heat: 0 | 1 | 2 | 3;
  label?: string;
}

export interface ClassCount {
  kind: string;
  count: number;
  amber: number;
  red: number;
}

export type Sort = "id" | "mailbox" | "busy" | "restarts" | "heat";

export interface Children {
  /** Null at a moment at which no process ran. */
  of: Row | null;
  total: number;
  classes: ClassCount[];
  children: Row[];
}

export interface TreeThen extends Children {
  atMs: number;
  seq: number;
}

export interface Found extends Row {
  path: string[];
}

export interface SupervisionEvent {
  seq: number;
  atMs: number;
  /** The supervisor's place, ids joined by `/`; empty for the root's own. */
  supervisor: string;
  child: string;
  kind: string;
  what: What;
  lostBefore?: number;
  /** The rest as the node sends it: `exit`, `attempt`, `of`, `backoffMs`, `operator`, `reason` ... */
  [more: string]: unknown;
}

export type What =
  | "spawned"
  | "ready"
  | "forgotten"
  | "ignored"
  | "start_failed"
  | "exited"
  | "restarting"
  | "quarantined"
  | "stopped"
  | "gave_up"
  | "node_started"
  | "node_stopped"
  | "operator_acted"
  | (string & {});

export interface RowsEvent {
  rows: Row[];
  gone: string[];
}
export interface BranchesEvent {
  branches: { id: string; total: number; classes: ClassCount[] }[];
}
export interface Pulse {
  atMs: number;
  actors: number;
  handledPerS: number;
  seq: number;
}

export type Rung = [price: number | string, size: number | string];

export interface Ladder {
  runners: { name: string; selectionId: number | string; back: Rung[]; lay: Rung[] }[];
}

export interface Observation {
  row: Row;
  path: string[];
  lastMessages?: string[];
  inHand?: { message: string; sinceMs: number } | null;
  slowest?: { message: string; us: number } | null;
  state?: unknown;
  mailbox?: Partial<Load>;
  links?: { id: string; what: string; label?: string }[];
  note?: string;
}

export interface LastKnown {
  kind: string;
  path: string[] | string;
  atMs: number;
  what: string;
}

export interface History {
  firstSeq: number;
  lastSeq: number;
  firstAtMs: number;
  lastAtMs: number;
  dropped: number;
}

export interface Bucket {
  atMs: number;
  spawned: number;
  failed: number;
  restarting: number;
  gaveUp: number;
  stopped: number;
  operator: number;
  node: number;
}

export interface Death {
  seq: number;
  atMs: number;
  reason: string;
  kind: "panic" | "error" | "killed" | "stopped" | "lost";
  message: string;
  location?: string;
  backtrace?: string;
  inHand?: { message: string; body?: unknown } | null;
  lastMessages?: string[];
  mailboxAtDeath?: number;
  fellWith: { id: string; kind: string; why: string }[];
  strategy?: string;
  budget?: Budget;
  backoffMs?: number;
  /** Who made it happen, when it was no accident. */
  operator?: { name: string; act: string; reason?: string; actSeq?: number } | null;
  served?: { afterMs: number; snapshotOffset?: number; replayed?: number } | null;
  logs?: string[];
}

export interface Why {
  id: string;
  kind: string;
  deaths: Death[];
}

export type Mode = "kill" | "panic" | "stop" | "restart" | "drain" | "hang";

export interface Blast {
  restarts: Record<string, number>;
  total: number;
  suspends?: string[];
}

export interface Recovery {
  actSeq: number;
  id: string;
  mode: Mode;
  operator: string;
  reason: string;
  atMs: number;
  done: boolean;
  detectedMs?: number | null;
  servingMs?: number | null;
  replayed?: number | null;
  acknowledgedLost: number | null;
  hashBefore?: string | null;
  hashAfter?: string | null;
  same: boolean | null;
}

export interface AuditEntry {
  seq?: number;
  atMs: number;
  operator: string;
  act: string;
  target?: string;
  reason?: string;
}

export interface Edge {
  from: string;
  to: string;
  perS: number;
  p99Us: number;
  slow: boolean;
}

export interface Step {
  atUs: number;
  from: string;
  to: string;
  what: string;
  offset?: number;
  durationUs?: number;
}

export interface Followed {
  betId: string;
  marketId?: string | null;
  steps: Step[];
}

export interface Lint {
  lint: string;
  severity: "info" | "warn" | "bad";
  id?: string;
  sinceMs: number;
  text: string;
  why: string;
}

export interface Overview {
  healthy: boolean;
  ready: boolean;
  version: string;
  upMs: number;
  actors: number;
  handledPerS: number;
  betsPerS: number;
  journal: { offset: number; syncP50Us: number; syncP99Us: number; readOnly: boolean };
  hot: Row[];
  restarted: { id: string; kind: string; atMs: number; reason: string }[];
  lints: Lint[];
}

export interface Partition {
  partition: number;
  offset: number;
  durable: number;
  segments: { name: string; first: number; bytes: number }[];
  syncP50Us: number;
  syncP99Us: number;
  snapshots: { count: number; newestAtMs?: number };
  freeBytes?: number;
  writable?: boolean;
}

export type Ledger = Record<string, string | number>;

/** How forecasts did; a slope is null when it cannot be told. */
export interface Measures {
  name: string;
  matches: number;
  logLoss: number;
  rps: number;
  brier: number;
  calibrationSlope: number | null;
}

export interface Bin {
  said: number;
  happened: number;
  forecasts: number;
}

export interface ModelReport extends Measures {
  what: string;
  reliability: Bin[];
  byMonth: Measures[];
  byCompetition: Measures[];
  rolling: { atMs: number; logLoss: number }[];
  closingValue: { bets: number; mean: number } | null;
}

export interface Span {
  mean: number;
  low: number;
  high: number;
}

export interface Duel {
  challenger: string;
  logLoss: Span | null;
  rps: Span | null;
}

export interface Models {
  version: string;
  /** Matches that are still to be tried. */
  left: number;
  unchanged?: boolean;
  market: string;
  markets: string[];
  competitions: { id: number; name: string; matches: number }[];
  matches: number;
  window: number;
  models: ModelReport[];
  duels: Duel[];
  inForce: Measures & { reliability: Bin[]; byBasis: Measures[] };
}

export interface Goals {
  home: number;
  away: number;
}

export interface LiveMatch {
  id: number;
  competition: string;
  kickOffMs: number;
  home: string;
  away: string;
  phase: string;
  clock: string | null;
  score: Goals;
  redCards: Goals;
  matchOdds: [number, number, number] | null;
}

export interface EndedMatch {
  id: number;
  competition: string;
  dayMs: number;
  home: string;
  away: string;
  score: Goals;
  models: { name: string; matchOdds: [number, number, number]; over25: number; both: number; logLoss: number }[];
}

/** What a model said at each sample of a match. */
export interface CourseLine {
  name: string;
  lambda: number;
  mu: number;
  rho: number;
  home: number[];
  draw: number[];
  away: number[];
  over25: number[];
  both: number[];
}

export interface CourseEvent {
  seq: number;
  type: string;
  side: "home" | "away" | null;
  playedS: number;
  clock: string | null;
  score: Goals;
  atMs: number;
}

export interface Rated {
  at: string;
  lambda: number;
  mu: number;
  rho: number;
  model: string;
  version: number;
}

export interface Course {
  match: {
    id: number;
    competition: string;
    season: string;
    home: string;
    away: string;
    kickOff: string;
    status: string;
    reason: string | null;
    phase: string;
    clock: string | null;
    score: Goals;
    redCards: Goals;
  };
  models: CourseLine[];
  playedS: number[];
  events: CourseEvent[];
  rated: Rated[];
  outcome: Goals | null;
  live: boolean;
}

export interface Strength {
  team: string;
  attack: number;
  defence: number;
}

export interface Strengths {
  competition: string;
  model: string;
  fittedAt: string;
  results: number;
  failure: string | null;
  base: number | null;
  homeAdvantage: number | null;
  rho: number | null;
  teams: Strength[];
  history: { at: string; homeAdvantage: number; base: number; rho: number; teams: Strength[] }[];
}

export interface ModelsQuery {
  competition?: string | undefined;
  market?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export { Refused, problemOf, query } from "./ask";

let onSignedOut: () => void = () => {};
/** Who is told when the node knows nobody by our cookie. */
export function whenSignedOut(told: () => void): void {
  onSignedOut = told;
}

const ask = asker("/v1/operator", () => onSignedOut());

const at = (id: string) => encodeURIComponent(id);

function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    camel(inner),
  ]);
  return Object.fromEntries(entries);
}

/** Events with keys in one case, whichever the node sends; a bare list or `{events}`. */
export function readEvents(answer: unknown): SupervisionEvent[] {
  const inner = (answer as { events?: unknown } | undefined)?.events ?? answer;
  return Array.isArray(inner) ? (inner.map(camel) as SupervisionEvent[]) : [];
}

export interface Page {
  of?: string | undefined;
  offset?: number;
  limit?: number;
  kind?: string | undefined;
  sort?: Sort | undefined;
}

export interface EventFilter {
  since?: number | undefined;
  before?: number | undefined;
  atOrAfter?: number | undefined;
  limit?: number;
  child?: string | undefined;
  kind?: string | undefined;
  what?: string | undefined;
}

export const api = {
  me: () => ask<Me>("GET", "/me"),
  signIn: (token: string) => ask<void>("POST", "/session", { token }),
  signOut: () => ask<void>("DELETE", "/session"),
  overview: (signal?: AbortSignal) => ask<Overview>("GET", "/overview", undefined, signal),
  children: (page: Page, signal?: AbortSignal) =>
    ask<Children>("GET", `/children${query({ ...page })}`, undefined, signal),
  search: (q: string, limit: number, signal?: AbortSignal) =>
    ask<{ total: number; rows: Found[] }>("GET", `/search${query({ q, limit })}`, undefined, signal),
  actor: (id: string, signal?: AbortSignal) =>
    ask<Observation>("GET", `/actors/${at(id)}`, undefined, signal),
  history: (signal?: AbortSignal) => ask<History>("GET", "/history", undefined, signal),
  ticks: (from: number, to: number, buckets: number, signal?: AbortSignal) =>
    ask<{ buckets: Bucket[] }>("GET", `/history/ticks${query({ from, to, buckets })}`, undefined, signal),
  treeAt: (atMs: number, page: Page, signal?: AbortSignal) =>
    ask<TreeThen>("GET", `/history/tree${query({ at: atMs, ...page })}`, undefined, signal),
  /** Those after, before or from somewhere; the newest when nothing is said. */
  events: async (filter: EventFilter, signal?: AbortSignal) => {
    const somewhere = filter.since ?? filter.before ?? filter.atOrAfter;
    const asked = somewhere === undefined ? { ...filter, before: Number.MAX_SAFE_INTEGER } : { ...filter };
    return readEvents(await ask<unknown>("GET", `/supervision${query(asked)}`, undefined, signal));
  },
  why: (id: string, signal?: AbortSignal) =>
    ask<Why>("GET", `/why/${at(id)}${query({ limit: 20 })}`, undefined, signal),
  blast: (id: string, mode: Mode, signal?: AbortSignal) =>
    ask<Blast>("POST", `/actors/${at(id)}/kill?dryRun=true`, { mode, reason: "asked what would fall" }, signal),
  hurt: (id: string, mode: Mode, reason: string) =>
    ask<{ actSeq?: number } | undefined>("POST", `/actors/${at(id)}/kill`, { mode, reason }),
  retry: (id: string, reason: string) => ask<unknown>("POST", `/actors/${at(id)}/retry`, { reason }),
  recovery: (actSeq: number, signal?: AbortSignal) =>
    ask<Recovery>("GET", `/recoveries/${actSeq}`, undefined, signal),
  audit: (limit: number, before?: number, signal?: AbortSignal) =>
    ask<{ entries: AuditEntry[] }>("GET", `/audit${query({ limit, before })}`, undefined, signal),
  flow: (signal?: AbortSignal) => ask<{ edges: Edge[]; newestBets?: string[] }>("GET", "/flow", undefined, signal),
  follow: (betId: string, signal?: AbortSignal) =>
    ask<Followed>("GET", `/follow/${at(betId)}`, undefined, signal),
  journal: (signal?: AbortSignal) =>
    ask<{ partitions: Partition[] }>("GET", "/journal", undefined, signal),
  logLevel: (signal?: AbortSignal) => ask<{ filter: string | null }>("GET", "/log-level", undefined, signal),
  setLogLevel: (filter: string) => ask<{ filter: string }>("PUT", "/log-level", { filter }),
  models: (asked: ModelsQuery & { known?: string | undefined }, signal?: AbortSignal) =>
    ask<Models>("GET", `/models${query({ ...asked })}`, undefined, signal),
  liveMatches: (competition: string | undefined, limit: number, signal?: AbortSignal) =>
    ask<{ matches: LiveMatch[]; total: number }>("GET", `/models/live${query({ competition, limit })}`, undefined, signal),
  endedMatches: (asked: ModelsQuery & { sort?: string | undefined; offset: number; limit: number }, signal?: AbortSignal) =>
    ask<{ matches: EndedMatch[]; total: number; offset: number }>("GET", `/models/ended${query({ ...asked })}`, undefined, signal),
  course: (id: string, signal?: AbortSignal) => ask<Course>("GET", `/models/matches/${at(id)}`, undefined, signal),
  strengths: (competition: string, signal?: AbortSignal) =>
    ask<Strengths>("GET", `/models/ratings/${at(competition)}`, undefined, signal),
  ledger: (signal?: AbortSignal) => ask<Ledger>("GET", "/ledger", undefined, signal),
};
