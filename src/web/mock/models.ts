// The mock's models: a seeded season of made-up forecasts, and matches that go on as one watches.

import type { Course, CourseEvent, CourseLine, Duel, EndedMatch, LiveMatch, Measures, ModelReport, Models, Strengths } from "../src/lib/api";
import { Random } from "./random.ts";

const DAY_MS = 86_400_000;
const MODELS: [name: string, what: string, off: number][] = [
  ["champion", "Dixon and Coles, time-weighted, with a prior and shots on target", 0],
  ["poisson", "plain Poisson on goals, the same prior and memory", 0.0016],
  ["points", "rolling attack and defence points", 0.0093],
];
const LEAGUES = ["Premier League", "La Liga", "Serie A", "Bundesliga"];
const TEAMS = ["Ipswich", "Leeds <b>United</b>", "Sunderland", "Norwich City", "Wolverhampton Wanderers", "Derby \u202eCounty", "Stoke", "Burnley", "Luton", "Preston", "Hull", "Watford"];
const MARKETS = ["MATCH_ODDS", "OVER_UNDER_25", "BOTH_TEAMS_TO_SCORE"];
const ENDED = 760;
/** A mock's match is over in four minutes. */
const SPEED = 25;
const LENGTH_S = 97 * 60;

type Three = [number, number, number];

function odds(random: Random): Three {
  const home = 0.25 + random.next() * 0.4;
  const draw = 0.2 + random.next() * 0.1;
  return [home, draw, 1 - home - draw];
}

function measures(name: string, matches: number, off: number, seed: number): Measures {
  const noise = (new Random(seed).next() - 0.5) * 0.04;
  const logLoss = 0.978 + off + noise;
  return { name, matches, logLoss, rps: 0.1968 + off / 4 + noise / 8, brier: 0.582 + off / 2 + noise / 2, calibrationSlope: 1.02 - off * 20 + noise };
}

function report(model: number, matches: number): ModelReport {
  const [name, what, off] = MODELS[model]!;
  const months = Array.from({ length: 14 }, (_, n) => new Date(Date.UTC(2025, n, 15)).toISOString().slice(0, 7));
  const random = new Random(5 + model);
  return {
    ...measures(name, matches, off, 1),
    what,
    reliability: Array.from({ length: 8 }, (_, n) => ({ said: 0.06 + n * 0.1, happened: Math.max(0, 0.05 + n * 0.1 * (1 - off * 12) + (random.next() - 0.5) * 0.04), forecasts: Math.round(1_200 / (1 + Math.abs(n - 2.5) ** 1.6)) })),
    byMonth: months.map((month, n) => measures(month, 54, off * (0.5 + random.next()), 40 + n)),
    byCompetition: LEAGUES.map((league, n) => measures(league, 380 - n * 37, off * (0.3 + random.next()), 90 + n)),
    rolling: Array.from({ length: 140 }, (_, n) => ({ atMs: Date.UTC(2025, 0, 12) + n * 3 * DAY_MS, logLoss: 0.978 + off + Math.sin(n / 9) * 0.03 + Math.sin(n / 3 + model) * 0.006 })),
    closingValue: model < 2 ? { bets: 412 - model * 60, mean: 0.0124 - off * 4 } : null,
  };
}

const span = (mean: number, half: number) => ({ mean, low: mean - half, high: mean + half });
const DUELS: Duel[] = [
  { challenger: "poisson", logLoss: span(-0.0016, 0.0021), rps: span(-0.0005, 0.0007) },
  { challenger: "points", logLoss: span(-0.0093, 0.0038), rps: span(-0.0031, 0.0012) },
];

/** The mock's answer to a path below `models`; undefined when there is none. */
export function models(path: string[], param: (name: string) => string | undefined, nowMs: number, begunMs: number): unknown {
  switch (path[0]) {
    case undefined:
      return overall(param("competition"), param("market"));
    case "live":
      return live(nowMs, begunMs, Number(param("limit") ?? 50));
    case "ended":
      return ended(param("sort") ?? "newest", Number(param("offset") ?? 0), Number(param("limit") ?? 50));
    case "matches":
      return course(Number(path[1]), nowMs, begunMs);
    case "ratings":
      return strengths(Number(path[1]));
    default:
      return undefined;
  }
}

function overall(competition: string | undefined, market: string | undefined): Models {
  const matches = competition ? 380 : 1_298;
  return {
    version: "1", left: 0, market: market ?? MARKETS[0]!, markets: MARKETS, matches, window: 100, duels: DUELS,
    competitions: LEAGUES.map((name, id) => ({ id, name, matches: 420 - id * 37 })),
    models: MODELS.map((_, n) => report(n, matches)),
    inForce: { ...measures("inForce", 48, 0.004, 3), reliability: [], byBasis: [measures("ratings", 45, 0.004, 4), measures("newcomer", 3, 0.06, 5)] },
  };
}

const two = (n: number): [string, string] => [TEAMS[(n * 5) % TEAMS.length]!, TEAMS[(n * 5 + 1 + (n % 4)) % TEAMS.length]!];

function ended(sort: string, offset: number, limit: number): { matches: EndedMatch[]; total: number; offset: number } {
  const all = Array.from({ length: ENDED }, (_, n): EndedMatch => {
    const random = new Random(700 + n);
    const [home, away] = two(n);
    const said = odds(random);
    const score = { home: random.below(4), away: random.below(3) };
    const outcome = score.home > score.away ? 0 : score.home === score.away ? 1 : 2;
    return {
      id: 1_000 + n, competition: LEAGUES[n % 4]!, dayMs: Date.UTC(2026, 2, 1) - n * DAY_MS, home, away, score,
      models: MODELS.map(([name, , off]) => ({ name, matchOdds: said, over25: 0.52, both: 0.5, logLoss: -Math.log(said[outcome]!) + (random.next() - 0.4) * off * 20 })),
    };
  });
  if (sort === "worst") all.sort((a, b) => b.models[0]!.logLoss - a.models[0]!.logLoss);
  return { matches: all.slice(offset, offset + limit), total: all.length, offset };
}

const LIVE = 9;
function playedS(n: number, nowMs: number, begunMs: number): number {
  const since = ((nowMs - begunMs) / 1000) * SPEED + n * 900;
  return Math.floor(since % (LENGTH_S + 600));
}

interface Drawn {
  events: { atS: number; type: string; side: "home" | "away" | null }[];
}
function drawn(n: number): Drawn {
  const random = new Random(90 + n);
  const events: Drawn["events"] = [{ atS: 0, type: "kickOff", side: null }, { atS: 47 * 60, type: "halfTime", side: null }, { atS: 47 * 60, type: "secondHalf", side: null }, { atS: LENGTH_S, type: "fullTime", side: null }];
  for (let k = 0; k < 2 + random.below(3); k += 1) events.push({ atS: 120 + random.below(LENGTH_S - 300), type: "goal", side: random.next() < 0.55 ? "home" : "away" });
  if (n % 3 === 1) events.push({ atS: 62 * 60, type: "red", side: "away" });
  return { events: events.sort((a, b) => a.atS - b.atS) };
}

function scoreAt(events: Drawn["events"], atS: number) {
  const goals = (side: string) => events.filter((it) => it.type === "goal" && it.side === side && it.atS <= atS).length;
  return { home: goals("home"), away: goals("away") };
}

/** Nothing like a model, but it moves as one does. */
function said(lead: number, left: number, tilt: number): Three {
  const sure = 1 - Math.sqrt(Math.max(0, left));
  const home = 1 / (1 + Math.exp(-(tilt + lead * (0.9 + 3.2 * sure))));
  const draw = lead === 0 ? 0.27 + 0.6 * sure * sure : 0.27 * (1 - sure) * Math.exp(-Math.abs(lead) * 0.4);
  return [home * (1 - draw), draw, (1 - home) * (1 - draw)];
}

function live(nowMs: number, begunMs: number, limit: number): { matches: LiveMatch[]; total: number } {
  const matches = Array.from({ length: LIVE }, (_, n): LiveMatch => {
    const played = playedS(n, nowMs, begunMs);
    const [home, away] = two(n + 2);
    const { events } = drawn(n);
    const score = scoreAt(events, played);
    const before = n >= LIVE - 2;
    return {
      id: n + 1, competition: LEAGUES[n % 4]!, kickOffMs: nowMs - played * 40, home, away, phase: before ? "BEFORE" : played < 47 * 60 ? "FIRST_HALF" : "SECOND_HALF",
      clock: before ? null : `${String(Math.floor(played / 60)).padStart(2, "0")}:${String(played % 60).padStart(2, "0")}`,
      score: before ? { home: 0, away: 0 } : score, redCards: { home: 0, away: n % 3 === 1 && played > 62 * 60 ? 1 : 0 },
      matchOdds: said(before ? 0 : score.home - score.away, before ? 1 : 1 - played / LENGTH_S, (n - 4) / 12),
    };
  });
  return { matches: matches.slice(0, limit), total: matches.length };
}

function course(id: number, nowMs: number, begunMs: number): Course | undefined {
  if (!(id >= 1)) return undefined;
  const over = id > LIVE;
  const n = over ? id : id - 1;
  const played = over ? LENGTH_S : Math.min(LENGTH_S, playedS(n, nowMs, begunMs));
  const [home, away] = two(over ? id - 1_000 : n + 2);
  const all = drawn(n).events.filter((it) => it.atS <= played);
  const samples = [...new Set([...Array.from({ length: Math.floor(played / 60) + 1 }, (_, k) => k * 60), ...all.map((it) => it.atS), played])].sort((a, b) => a - b);
  const line = (name: string, tilt: number): CourseLine => {
    const result = samples.map((atS) => {
      const score = scoreAt(all, atS);
      return said(score.home - score.away, 1 - atS / LENGTH_S, tilt);
    });
    const over25 = samples.map((atS) => {
      const score = scoreAt(all, atS);
      const need = 3 - score.home - score.away;
      return need <= 0 ? 1 : Math.max(0, (1 - atS / LENGTH_S) ** (0.6 * need) * 0.55 + tilt * 0.1 * (1 - atS / LENGTH_S));
    });
    return { name, lambda: 1.5 + tilt, mu: 1.2 - tilt / 2, rho: -0.05, home: result.map((it) => it[0]), draw: result.map((it) => it[1]), away: result.map((it) => it[2]), over25, both: over25.map((p) => p * 0.9) };
  };
  const tilt = ((n % 9) - 4) / 12;
  const score = scoreAt(all, played);
  const events: CourseEvent[] = all.map((it, seq) => ({ seq: seq + 1, type: it.type, side: it.side, playedS: it.atS, clock: null, score: scoreAt(all, it.atS), atMs: nowMs - (played - it.atS) * 40 }));
  const live = !over && played < LENGTH_S;
  return {
    match: {
      id, competition: LEAGUES[n % 4]!, season: "now", home, away, kickOff: new Date(nowMs - played * 40).toISOString(), status: live ? (all.at(-1)!.type === "goal" && played - all.at(-1)!.atS < 20 ? "SUSPENDED" : "OPEN") : "OVER",
      reason: null, phase: live ? (played < 47 * 60 ? "FIRST_HALF" : "SECOND_HALF") : "FULL_TIME", clock: live ? `${String(Math.floor(played / 60)).padStart(2, "0")}:${String(played % 60).padStart(2, "0")}` : null, score, redCards: { home: 0, away: all.some((it) => it.type === "red") ? 1 : 0 },
    },
    models: [line("inForce", tilt), line("champion", tilt + 0.02), line("poisson", tilt + 0.12), line("points", tilt - 0.25)],
    playedS: samples, events,
    rated: [0, 1, 2].map((k) => ({ at: new Date(nowMs - (played + 4_000 - k * 900) * 40).toISOString(), lambda: 1.48 + k * 0.013, mu: 1.21 - k * 0.008, rho: -0.05, model: "ratings", version: k + 1 })),
    outcome: live ? null : score, live,
  };
}

function strengths(id: number): Strengths | undefined {
  const league = LEAGUES[id];
  if (!league) return undefined;
  const of = (team: string, month: number) => {
    const random = new Random(31 * (TEAMS.indexOf(team) + 1) + id);
    const [attack, defence] = [random.next() - 0.5, random.next() - 0.5];
    return { team, attack: attack + 0.12 * Math.sin(month / 4 + attack * 9), defence: defence + 0.1 * Math.cos(month / 5 + defence * 9) };
  };
  return {
    competition: league, model: "dixon-coles, time-weighted, with a prior and shots on target", fittedAt: "2026-11-30T00:00:00Z", results: 760, failure: null, base: 0.13, homeAdvantage: 0.2, rho: -0.05,
    teams: TEAMS.map((team) => of(team, 23)),
    history: Array.from({ length: 24 }, (_, month) => ({ at: new Date(Date.UTC(2024, 11 + month, 1)).toISOString(), homeAdvantage: 0.22 - month * 0.002 + 0.01 * Math.sin(month), base: 0.12 + month * 0.001, rho: -0.06 + 0.01 * Math.sin(month / 3), teams: TEAMS.map((team) => of(team, month)) })),
  };
}
