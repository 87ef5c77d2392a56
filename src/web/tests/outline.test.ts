import { describe, expect, it } from "vitest";
import type { Row } from "../src/lib/api";
import { branchKey, outline, reveal, shown, step, typeAhead, type Branch, type Line } from "../src/lib/outline";

const row = (id: string, kind: string, childCount = 0): Row => ({ id, name: id, kind, status: "running", restarts: 0, incarnation: 1, childCount, heat: 0 });

function world(markets: number) {
  const rows = new Map<string, Row>();
  for (const it of [row("root", "supervisor", 2), row("a", "supervisor", markets), row("b", "http")]) rows.set(it.id, it);
  const branches = new Map<string, Branch>();
  branches.set("root", { key: "root", of: "root", total: 2, classes: [], ids: ["a", "b"] });
  branches.set("a", { key: "a", of: "a", total: markets, classes: [{ kind: "market", count: markets, amber: 3, red: 0 }], ids: [] });
  const key = branchKey("a", "market");
  branches.set(key, { key, of: "a", kind: "market", total: markets, classes: [], ids: ["m0", "m1"] });
  return { root: "root", branches, rows, open: new Set(["root", "a"]), key };
}
const text = (line: Line | undefined) => (line?.type === "class" ? `${line.counts.kind} x${line.counts.count}` : (line?.id ?? "…"));

describe("the outline", () => {
  it("shows a kind of which there are very many as one line that counts them", () => {
    const lines = outline(world(1_240));
    expect(lines.slice(0, 9).map(text)).toEqual(["root", "a", "market x1240", "b"]);
    expect(lines.slice(0, 9).map((line) => line.depth)).toEqual([0, 1, 2, 1]);
  });

  it("opens fifty thousand lines as one segment, and a screenful costs a screenful", () => {
    const tree = world(50_000);
    tree.open.add(tree.key);
    const since = performance.now();
    const lines = outline(tree);
    expect(lines.length).toBe(50_004);
    expect(text(lines.at(3))).toBe("m0");
    expect(text(lines.at(40_000))).toBe("…");
    expect(text(lines.at(50_003))).toBe("b");
    for (let n = 0; n < 1_000; n += 1) lines.slice(n * 50, n * 50 + 40);
    expect(performance.now() - since).toBeLessThan(1_000);
  });

  it("leaves out what is hidden with all under it", () => {
    const lines = outline({ ...world(1_240), hides: (it) => it.id === "a" });
    expect(lines.slice(0, 9).map(text)).toEqual(["root", "b"]);
  });

  it("finds a line again after others came before it", () => {
    const tree = world(1_240);
    expect(outline(tree).indexOf("b")).toBe(3);
    tree.open.delete("a");
    expect(outline(tree).indexOf("b")).toBe(2);
    expect(outline(tree).indexOf("gone")).toBe(-1);
  });

  it("ends in a tree that contains itself", () => {
    const tree = world(3);
    tree.branches.get("root")!.ids = ["root", "b"];
    expect(outline(tree).length).toBeLessThan(200);
  });
});

describe("the window on it", () => {
  it("draws what is seen and a few lines around", () => {
    expect(shown(0, 280, 28, 50_000)).toEqual({ from: 0, to: 16 });
    expect(shown(28_000, 280, 28, 50_000)).toEqual({ from: 994, to: 1_016 });
    expect(shown(28_000, 280, 28, 5)).toEqual({ from: 5, to: 5 });
  });

  it("scrolls no further than it must", () => {
    expect(reveal(5, 0, 280, 28)).toBe(0);
    expect(reveal(10, 0, 280, 28)).toBe(28);
    expect(reveal(3, 280, 280, 28)).toBe(84);
  });

  it("is led by keys and stays within the list", () => {
    expect(step("ArrowDown", 3, 5, 10)).toBe(4);
    expect(step("ArrowDown", 4, 5, 10)).toBe(4);
    expect(step("PageUp", 4, 50, 10)).toBe(0);
    expect(step("End", 0, 50_000, 10)).toBe(49_999);
    expect(step("x", 0, 5, 10)).toBeUndefined();
  });

  it("goes to what is typed, and around", () => {
    const ids = ["laybook", "doors", "http", "directory-0"];
    const at = (n: number) => ids[n]!;
    expect(typeAhead("d", 1, 4, at)).toBe(3);
    expect(typeAhead("d", 3, 4, at)).toBe(1);
    expect(typeAhead("di", 3, 4, at)).toBe(3);
    expect(typeAhead("zz", 0, 4, at)).toBe(-1);
  });
});
