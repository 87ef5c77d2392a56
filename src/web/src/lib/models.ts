// The models page's own arithmetic and words: axes, what a span says, what happened in a match. Pure.

import type { CourseEvent, Span } from "./api";

/** One line, or one cloud of points, of a chart. Where `y` is null the line has a gap. */
export interface Line {
  name: string;
  x: number[];
  y: (number | null)[];
  /** Which of the chart's strokes it is drawn with. */
  stroke: number;
  /** Drawn thin, behind the others. */
  faint?: boolean;
  /** Sizes of its points, when they are what is to be seen. */
  weights?: number[];
}

/** Something that happened at a place of the x axis. */
export interface ChartMark {
  x: number;
  sign: "up" | "down" | "card" | "line";
  says: string;
}

/** Round numbers that part a span into about `wanted` steps, inside it. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span) || wanted < 1) return [low];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((it) => it * power >= rough) ?? 10);
  const out: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) out.push(Number((n * step).toPrecision(12)));
  return out;
}

/** The span of what is drawn, a little air around it; a single value gets room on both sides. */
export function reach(values: (number | null | undefined)[], air = 0.06): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const room = high > low ? (high - low) * air : Math.max(Math.abs(high) * 0.1, 0.01);
  return [low - room, high + room];
}

/** The place of the value next to `x` in a list that grows. */
export function nearest(list: number[], x: number): number {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - list[low - 1]! < list[low]! - x ? low - 1 : low;
}

/** What a span of champion less challenger says: nothing while it holds zero. */
export function verdict(span: Span | null | undefined): "champion" | "challenger" | "open" | "none" {
  if (!span) return "none";
  if (span.high < 0) return "champion";
  return span.low > 0 ? "challenger" : "open";
}

export const VERDICTS = {
  champion: "the champion is better",
  challenger: "the challenger is better",
  open: "no difference can be told",
  none: "nothing to compare",
} as const;

/** `+0.0123`, with a true minus. */
export function signed(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}

export const fixed = (value: number | null | undefined, digits = 4) =>
  value === null || value === undefined || !Number.isFinite(value) ? "–" : value < 0 ? `−${(-value).toFixed(digits)}` : value.toFixed(digits);

/** `41.3 %`; what is nearly nothing and nearly sure keep their word. */
export function percent(p: number | null | undefined, digits = 1): string {
  if (p === null || p === undefined || !Number.isFinite(p)) return "–";
  const text = (p * 100).toFixed(digits);
  if (p > 0 && Number(text) === 0) return `<${(10 ** -digits).toFixed(digits)}\u202f%`;
  return `${text}\u202f%`;
}

/** `OVER_UNDER_25` as people call it. */
export function marketName(code: string): string {
  const known: Record<string, string> = { MATCH_ODDS: "Match odds", OVER_UNDER_25: "Over/under 2.5 goals", BOTH_TEAMS_TO_SCORE: "Both teams to score" };
  return known[code] ?? code.toLowerCase().replace(/_/g, " ");
}

export function modelName(word: string): string {
  const known: Record<string, string> = { champion: "Champion", poisson: "Poisson", points: "Points", inForce: "In force" };
  return known[word] ?? word;
}

/** `67'`; added time keeps counting. */
export const minute = (playedS: number) => `${Math.floor(playedS / 60)}'`;

const HAPPENED: Record<string, string> = {
  kickOff: "Kick-off", goal: "Goal", goalCancelled: "Goal taken back", red: "Red card", penalty: "Penalty", varStart: "Review begins", varEnd: "Review ends",
  addedTime: "Added time", halfTime: "Half time", secondHalf: "Second half", fullTime: "Full time", abandoned: "Abandoned",
};
export const happened = (type: string) => HAPPENED[type] ?? type;

/** What of a match's events is worth a mark on its chart. */
export function marksOf(events: CourseEvent[], names: { home: string; away: string }): ChartMark[] {
  const out: ChartMark[] = [];
  for (const it of events) {
    const whose = it.side ? ` for ${it.side === "home" ? names.home : names.away}` : "";
    const says = `${minute(it.playedS)} ${happened(it.type)}${whose}, ${it.score.home}–${it.score.away}`;
    if (it.type === "goal") out.push({ x: it.playedS, sign: it.side === "away" ? "down" : "up", says });
    else if (it.type === "red") out.push({ x: it.playedS, sign: "card", says });
    else if (it.type !== "kickOff" && it.type !== "addedTime") out.push({ x: it.playedS, sign: "line", says });
  }
  return out;
}
