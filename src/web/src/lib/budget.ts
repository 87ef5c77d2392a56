// How much of a supervisor's restart budget is used, as time passes. Pure: the clock is handed in.

import type { Budget } from "./api";

/** A budget as it was told, and when (by the page's own clock). */
export interface Told {
  of: number;
  withinMs: number;
  /** When each restart that counted was, by the page's clock, oldest first. */
  at: number[];
}

/**
 * What is known after `budget` was told at `nowMs`. Where ages are not told, restarts that were not known before
 * are taken to be of now, and the oldest are those forgotten first.
 */
export function told(before: Told | undefined, budget: Budget, nowMs: number): Told {
  const used = Math.max(0, Math.min(budget.used, 1_000));
  if (budget.agesMs) {
    const at = budget.agesMs.slice(0, 1_000).map((old) => nowMs - old);
    return { of: budget.of, withinMs: budget.withinMs, at: at.sort((a, b) => a - b) };
  }
  const known = (before?.at ?? []).filter((at) => nowMs - at < budget.withinMs);
  const kept = known.slice(Math.max(0, known.length - used));
  while (kept.length < used) kept.push(nowMs);
  return { of: budget.of, withinMs: budget.withinMs, at: kept };
}

/** Restarts that still count at `nowMs`. */
export function used(told: Told, nowMs: number): number {
  return told.at.filter((at) => nowMs - at < told.withinMs).length;
}

/** Cells of a bar; of a larger budget each stands for several restarts. */
const CELLS_MAX = 10;

/** One cell for each restart allowed, 1 when just used, falling to 0 as it is forgotten; newest first. */
export function cells(told: Told, nowMs: number): number[] {
  const left = told.at
    .map((at) => 1 - (nowMs - at) / told.withinMs)
    .filter((share) => share > 0)
    .sort((a, b) => b - a);
  const shown = Math.max(1, Math.min(told.of, CELLS_MAX));
  if (told.of > CELLS_MAX) {
    const filled = (left.reduce((sum, share) => sum + share, 0) / told.of) * shown;
    return Array.from({ length: shown }, (_, cell) => Math.max(0, Math.min(1, filled - cell)));
  }
  return Array.from({ length: shown }, (_, cell) => Math.min(1, left[cell] ?? 0));
}

export type Level = "none" | "calm" | "amber" | "red";

/** Amber when half is used, red when the next one but one would be too many. */
export function level(used: number, of: number): Level {
  if (used <= 0) return "none";
  if (of > 0 && used >= of - 1 && used / of >= 0.75) return "red";
  return of > 0 && used / of >= 0.5 ? "amber" : "calm";
}
