// The scrub bar's arithmetic: spans of time, where a moment lies on the bar, where keys lead. Pure; the part that
// draws is given its canvas.

import type { Bucket } from "./api";

export interface Span {
  fromMs: number;
  toMs: number;
}

/** Shortest and longest that is shown at once. */
export const SHORTEST_MS = 5_000;
export const LONGEST_MS = 366 * 24 * 3_600_000;

export function x(span: Span, atMs: number, width: number): number {
  const share = (atMs - span.fromMs) / Math.max(1, span.toMs - span.fromMs);
  return Math.max(0, Math.min(1, share)) * width;
}

export function at(span: Span, px: number, width: number): number {
  const share = Math.max(0, Math.min(1, width > 0 ? px / width : 0));
  return Math.round(span.fromMs + share * (span.toMs - span.fromMs));
}

/** Zoomed by `factor` with `aroundMs` staying where it is, kept inside what there is. */
export function zoom(span: Span, aroundMs: number, factor: number, limits: Span): Span {
  const whole = Math.max(SHORTEST_MS, Math.min(LONGEST_MS, limits.toMs - limits.fromMs));
  const length = Math.max(SHORTEST_MS, Math.min(whole, (span.toMs - span.fromMs) * factor));
  const share = (aroundMs - span.fromMs) / Math.max(1, span.toMs - span.fromMs);
  return inside({ fromMs: aroundMs - share * length, toMs: aroundMs + (1 - share) * length }, limits);
}

/** The same length, moved so that it begins and ends within the limits where it can. */
export function inside(span: Span, limits: Span): Span {
  const length = span.toMs - span.fromMs;
  let { fromMs, toMs } = span;
  if (toMs > limits.toMs) [fromMs, toMs] = [limits.toMs - length, limits.toMs];
  if (fromMs < limits.fromMs) [fromMs, toMs] = [limits.fromMs, Math.max(limits.fromMs + length, fromMs)];
  return { fromMs: Math.round(fromMs), toMs: Math.round(toMs) };
}

/** What a key does to the moment; `undefined` for keys that are not the bar's. */
export function key(name: string, shift: boolean, atMs: number, span: Span): number | undefined {
  const length = span.toMs - span.fromMs;
  const small = shift ? length / 400 : length / 100;
  const to = {
    ArrowLeft: atMs - small,
    ArrowDown: atMs - small,
    ArrowRight: atMs + small,
    ArrowUp: atMs + small,
    PageUp: atMs + length / 10,
    PageDown: atMs - length / 10,
    Home: span.fromMs,
    End: span.toMs,
  }[name];
  return to === undefined ? undefined : Math.round(Math.max(span.fromMs, Math.min(span.toMs, to)));
}

export const TONES = ["failed", "restarting", "gaveUp", "operator", "node", "stopped", "spawned"] as const;
export type TickTone = (typeof TONES)[number];

export const SAYS: Record<TickTone, string> = {
  failed: "failed",
  restarting: "restarting",
  gaveUp: "gave up",
  operator: "operator",
  node: "node",
  stopped: "stopped",
  spawned: "started",
};

export function total(bucket: Bucket): number {
  return TONES.reduce((sum, tone) => sum + bucket[tone], 0);
}

export function sum(buckets: Bucket[]): Record<TickTone, number> {
  const out = { failed: 0, restarting: 0, gaveUp: 0, operator: 0, node: 0, stopped: 0, spawned: 0 };
  for (const bucket of buckets) for (const tone of TONES) out[tone] += bucket[tone];
  return out;
}

/** The bucket a moment is in. */
export function bucketAt(buckets: Bucket[], atMs: number): Bucket | undefined {
  let low = 0;
  let high = buckets.length - 1;
  if (high < 0 || atMs < buckets[0]!.atMs) return undefined;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (buckets[middle]!.atMs <= atMs) low = middle;
    else high = middle - 1;
  }
  return buckets[low];
}

/** Times to write under the bar: round ones, at least `gapPx` apart. */
export function marks(span: Span, width: number, gapPx = 90): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  const perMark = ((span.toMs - span.fromMs) / Math.max(1, width)) * gapPx;
  const stepMs = (steps.find((s) => s * 1000 >= perMark) ?? 2_592_000) * 1000;
  const out: number[] = [];
  // Round in the reader's own hours, not in those of Greenwich.
  const zone = new Date(span.fromMs).getTimezoneOffset() * 60_000;
  for (let at = Math.ceil((span.fromMs - zone) / stepMs) * stepMs + zone; at <= span.toMs; at += stepMs) {
    out.push(at);
    if (out.length > 60) break;
  }
  return out;
}
