import { describe, expect, it } from "vitest";
import { cells, level, told, used } from "../src/lib/budget";
import { changed, format, joined, list, moment, parse, type Route } from "../src/lib/route";
import * as ticks from "../src/lib/ticks";

describe("an address", () => {
  it("is read back as the place it was made of", () => {
    const places: Route[] = [
      { page: "tree", params: { at: "1796000000000", open: joined(["a,b", "c~market"]), q: "Ipswich & Luton", sel: "market-1.2/ü" } },
      { page: "actor", id: "market-1.200001", params: {} },
      { page: "overview", params: {} },
    ];
    for (const place of places) expect(parse(format(place))).toEqual(place);
    expect(list(places[0]!.params.open)).toEqual(["a,b", "c~market"]);
  });

  it("is the overview when it is nonsense, and never throws", () => {
    for (const text of ["", "#", "#/../..", "#/%zz", "#/actor/%E0%A4%A", `#/tree?${"x".repeat(100_000)}`]) expect(() => parse(text)).not.toThrow();
    expect(parse("#/nowhere").page).toBe("overview");
    expect(parse("#/actor").page).toBe("tree");
  });

  it("forgets a parameter that is emptied", () => {
    const place = parse("#/tree?q=x&sel=y");
    expect(format(changed(place, { q: "" }))).toBe("#/tree?sel=y");
  });

  it("takes a moment as milliseconds or as a time", () => {
    expect(moment("1796000000000")).toBe(1_796_000_000_000);
    expect(moment("2026-11-29T21:00:00Z")).toBe(Date.parse("2026-11-29T21:00:00Z"));
    expect(moment("yesterday")).toBeUndefined();
    expect(moment("-5")).toBeUndefined();
  });
});

describe("a restart budget", () => {
  const budget = { used: 3, of: 5, withinMs: 10_000 };

  it("decays by the ages that were told", () => {
    const it = told(undefined, { ...budget, agesMs: [1_000, 9_000, 5_000] }, 100_000);
    expect(used(it, 100_000)).toBe(3);
    expect(used(it, 101_001)).toBe(2);
    expect(used(it, 110_000)).toBe(0);
    expect(cells(it, 100_000)[0]).toBeCloseTo(0.9);
    expect(cells(it, 100_000)).toHaveLength(5);
  });

  it("takes restarts that it did not know to be of now", () => {
    const first = told(undefined, { ...budget, used: 1 }, 0);
    const then = told(first, { ...budget, used: 2 }, 4_000);
    expect(used(then, 9_999)).toBe(2);
    expect(used(then, 10_000)).toBe(1);
    expect(used(then, 14_000)).toBe(0);
  });

  it("never grows beyond what is sane", () => {
    const it = told(undefined, { used: 1e9, of: 1e9, withinMs: 1_000 }, 0);
    expect(it.at.length).toBeLessThanOrEqual(1_000);
    expect(cells(it, 0)).toHaveLength(10);
  });

  it("of hundreds is a bar of ten cells", () => {
    const it = told(undefined, { used: 150, of: 1_000, withinMs: 10_000, agesMs: Array<number>(150).fill(0) }, 0);
    const filled = cells(it, 0);
    expect(filled[0]).toBe(1);
    expect(filled[1]).toBeCloseTo(0.5);
    expect(filled[2]).toBe(0);
  });

  it("turns amber before it is spent, and red before that", () => {
    expect([0, 1, 2, 3, 4, 5].map((n) => level(n, 5))).toEqual(["none", "calm", "calm", "amber", "red", "red"]);
  });
});

describe("the scrub bar", () => {
  const span = { fromMs: 1_000, toMs: 11_000 };
  it("has every moment where its pixel says", () => {
    for (const px of [0, 1, 250, 999, 1_000]) expect(ticks.x(span, ticks.at(span, px, 1_000), 1_000)).toBeCloseTo(px, 0);
    expect(ticks.at(span, -50, 1_000)).toBe(1_000);
  });
  it("zooms around what is under the pointer and stays within the log", () => {
    const limits = { fromMs: 0, toMs: 100_000 };
    const near = ticks.zoom({ fromMs: 0, toMs: 100_000 }, 50_000, 0.5, limits);
    expect(near).toEqual({ fromMs: 25_000, toMs: 75_000 });
    expect(ticks.zoom(near, 75_000, 100, limits)).toEqual(limits);
    const nearest = ticks.zoom(near, 30_000, 1e-9, limits);
    expect(nearest.toMs - nearest.fromMs).toBe(ticks.SHORTEST_MS);
  });
  it("is led by keys", () => {
    expect(ticks.key("ArrowLeft", false, 6_000, span)).toBe(5_900);
    expect(ticks.key("ArrowRight", true, 6_000, span)).toBe(6_025);
    expect(ticks.key("Home", false, 6_000, span)).toBe(1_000);
    expect(ticks.key("ArrowRight", false, 11_000, span)).toBe(11_000);
    expect(ticks.key("Tab", false, 6_000, span)).toBeUndefined();
  });
  it("writes only as many times as there is room for", () => {
    for (const ms of [5_000, 300_000, 86_400_000, 30 * 86_400_000]) {
      const marks = ticks.marks({ fromMs: 1_796_000_000_000, toMs: 1_796_000_000_000 + ms }, 1_000);
      expect(marks.length).toBeGreaterThan(0);
      expect(marks.length).toBeLessThan(14);
    }
  });
});
