// The tree of the page against the mock's world, without a browser: what is asked, what is kept, what stands still.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { World } from "../mock/world";
import type { Sort } from "../src/lib/api";
import { branchKey } from "../src/lib/outline";
import { heat, isOwn, Tree } from "../src/lib/tree.svelte";

const NOW = 1_796_000_000_000;
const MARKETS = 20_000;
let world: World;
let asked: string[];

beforeEach(() => {
  world = new World({ markets: MARKETS, accounts: 10, sessions: 3, events: 21_000, seed: 9 }, () => NOW);
  asked = [];
  vi.stubGlobal("fetch", async (address: string) => {
    asked.push(address);
    const url = new URL(address, "http://node");
    const param = (name: string) => url.searchParams.get(name) ?? undefined;
    const of = world.actors.get(param("of") ?? "laybook");
    if (!of) return new Response("{}", { status: 404 });
    const kind = param("kind");
    const around = param("around");
    const page = world.page(of, { ...(kind ? { kind } : {}), ...(around ? { around } : {}), sort: (param("sort") ?? "id") as Sort, offset: Number(param("offset")), limit: Number(param("limit")) });
    const then = url.pathname.endsWith("/history/tree") ? { atMs: Number(param("at")), seq: 1 } : {};
    return Response.json({ of: world.row(of), total: page.total, offset: page.offset, classes: world.classes(of), children: page.list.map((it) => world.row(it)), ...then });
  });
});
afterEach(() => vi.unstubAllGlobals());

const settled = async () => {
  for (let n = 0; n < 20; n += 1) await new Promise((done) => setTimeout(done, 0));
};

async function opened(): Promise<Tree> {
  const tree = new Tree();
  await tree.begin();
  for (const id of ["partitions", "partition-0", "markets-0"]) await tree.expand(id);
  await tree.expand("markets-0", "market");
  await settled();
  return tree;
}

describe("the page's tree", () => {
  it("asks for what is opened, and for no more", async () => {
    const tree = new Tree();
    await tree.begin();
    expect(asked).toHaveLength(1);
    expect(tree.lines.length).toBe(7);
    tree.toggle("doors", "doors");
    await settled();
    expect(asked).toHaveLength(2);
    tree.toggle("doors", "doors");
    tree.toggle("doors", "doors");
    await settled();
    expect(asked).toHaveLength(2);
  });

  it("is scrolled through twenty thousand markets and keeps a few thousand rows", async () => {
    const tree = await opened();
    expect(tree.lines.length).toBeGreaterThan(MARKETS);
    for (let from = 0; from < tree.lines.length; from += 100) {
      tree.look(tree.lines.slice(from, from + 40));
      await settled();
      const line = tree.lines.at(from + 20);
      if (line) expect(line, `line ${from + 20}`).toMatchObject(line.type === "row" ? { id: expect.any(String) } : { type: "class" });
    }
    expect(tree.rows.size).toBeLessThanOrEqual(6_500);
    expect(asked.length).toBeLessThan(150);
  }, 60_000);

  it("takes figures in place: no line moves, whatever grows hot", async () => {
    const tree = await opened();
    const lines = () => tree.lines.slice(0, 60).map((line) => line.key);
    const before = lines();
    const id = tree.branches.get(branchKey("markets-0", "market"))!.ids[3]!;
    const row = tree.row(id)!;
    tree.heardRows({ rows: [{ ...row, heat: 3, load: { ...row.load!, depth: 9_999 } }, { ...row, id: "market-unknown" }], gone: ["market-never-seen"] });
    expect(tree.row(id)!.load!.depth).toBe(9_999);
    expect(lines()).toEqual(before);
    expect(tree.rows.has("market-unknown")).toBe(false);
    expect(tree.gone.size).toBe(0);
  });

  it("finds the place of one among twenty thousand", async () => {
    const tree = new Tree();
    await tree.begin();
    const id = "market-1.212345";
    expect(await tree.reveal(world.path(world.actors.get(id)!))).toBe(true);
    const index = tree.lines.indexOf(id);
    expect(index).toBeGreaterThan(12_000);
    expect(tree.lines.at(index)?.key).toBe(id);
  });

  it("is of the moment that was asked for last", async () => {
    const tree = await opened();
    await Promise.all([tree.moved(NOW - 1_000), tree.moved(undefined)]);
    await settled();
    expect(tree.at).toBeUndefined();
    expect(asked.some((address) => address.includes("/history/tree?at="))).toBe(true);
    tree.at = NOW;
    const figures = tree.figures;
    tree.heardRows({ rows: [], gone: [] });
    expect(tree.figures).toBe(figures);
  });

  it("knows what is there because of itself, and how hot is hot", () => {
    const row = world.row(world.actors.get("console-live")!);
    expect(isOwn(row)).toBe(true);
    expect(isOwn(world.row(world.actors.get("http")!))).toBe(false);
    const busy = { ...row, load: { ...row.load!, depth: 150, busyPct: 95 }, restarts: 1 };
    expect([heat(busy, "mailbox"), heat(busy, "busy"), heat(busy, "restarts")]).toEqual([2, 3, 1]);
  });
});
