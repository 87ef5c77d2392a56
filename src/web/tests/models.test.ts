import { describe, expect, it } from "vitest";
import { fixed, marksOf, nearest, percent, reach, signed, ticks, verdict } from "../src/lib/models";
import { models } from "../mock/models";
import type { Course, EndedMatch, Models } from "../src/lib/api";

describe("axes", () => {
  it("have round numbers inside their span", () => {
    expect(ticks(0, 1, 4)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(ticks(0.941, 1.023, 4)).toEqual([0.95, 0.975, 1]);
    expect(ticks(0, 5_820, 5)).toEqual([0, 2_000, 4_000]);
    expect(ticks(3, 3, 4)).toEqual([3]);
    for (const [low, high] of [[-0.3, 0.71], [1e12, 1.1e12], [0, 1e-6]] as const) {
      const all = ticks(low, high, 5);
      expect(all.length).toBeGreaterThan(1);
      expect(all.length).toBeLessThan(12);
      for (const tick of all) expect(tick >= low - 1e-9 * Math.abs(high) && tick <= high + 1e-9 * Math.abs(high)).toBe(true);
    }
  });
  it("reach around what is drawn, and around nothing", () => {
    expect(reach([null, undefined, NaN])).toEqual([0, 1]);
    const [low, high] = reach([1, 3]);
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(3);
    const [below, above] = reach([2]);
    expect(above).toBeGreaterThan(below);
  });
  it("find the nearest place", () => {
    expect([-5, 0, 4, 6, 14, 99].map((x) => nearest([0, 10, 20], x))).toEqual([0, 0, 0, 1, 1, 2]);
    expect(nearest([], 3)).toBe(0);
  });
});

describe("words", () => {
  it("say nothing while a span holds zero", () => {
    expect(verdict({ mean: -0.01, low: -0.02, high: -0.001 })).toBe("champion");
    expect(verdict({ mean: 0.01, low: 0.002, high: 0.02 })).toBe("challenger");
    expect(verdict({ mean: -0.01, low: -0.02, high: 0.001 })).toBe("open");
    expect(verdict(null)).toBe("none");
  });
  it("are figures that people read", () => {
    expect([signed(-0.00123), signed(0.5, 1), signed(null)]).toEqual(["−0.0012", "+0.5", "–"]);
    expect([percent(0.413), percent(0.0001), percent(1, 0), percent(undefined)]).toEqual(["41.3 %", "<0.1 %", "100 %", "–"]);
    expect(fixed(-0.25, 2)).toBe("−0.25");
  });
  it("mark what happened where it happened", () => {
    const event = (type: string, side: "home" | "away" | null, playedS: number) => ({ seq: 1, type, side, playedS, clock: null, score: { home: 1, away: 0 }, atMs: 0 });
    const marks = marksOf([event("kickOff", null, 0), event("goal", "away", 700), event("red", "home", 800), event("halfTime", null, 2_700)], { home: "A", away: "B" });
    expect(marks.map((it) => it.sign)).toEqual(["down", "card", "line"]);
    expect(marks[0]!.says).toBe("11' Goal for B, 1–0");
  });
});

describe("the mock", () => {
  const ask = <T>(path: string[], params: Record<string, string> = {}, nowMs = 1_000_000) => models(path, (key) => params[key], nowMs, 0) as T;
  it("has the same matches for every model and pages through them", () => {
    const told = ask<Models>([]);
    expect(new Set(told.models.map((it) => it.matches)).size).toBe(1);
    const page = (offset: string) => ask<{ matches: EndedMatch[]; total: number }>(["ended"], { sort: "worst", offset, limit: "20" });
    const losses = [...page("0").matches, ...page("20").matches].map((it) => it.models[0]!.logLoss);
    expect([...losses].sort((a, b) => b - a)).toEqual(losses);
    expect(ask(["matches", "nobody"])).toBeUndefined();
  });
  it("has matches that go on", () => {
    const [early, late] = [ask<Course>(["matches", "1"], {}, 20_000), ask<Course>(["matches", "1"], {}, 60_000)];
    expect(late.playedS.length).toBeGreaterThan(early.playedS.length);
    for (const line of late.models) {
      expect(line.home.length).toBe(late.playedS.length);
      line.home.forEach((p, n) => expect(p + line.draw[n]! + line.away[n]!).toBeCloseTo(1, 9));
    }
  });
});
