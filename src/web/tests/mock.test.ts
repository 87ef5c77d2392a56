// The mock's own promises: what pages are developed against must hold together itself, also at full size.

import { describe, expect, it } from "vitest";
import { apply, type Life } from "../src/lib/fold";
import { LARGE, SMALL, World } from "../mock/world";

const NOW = 1_796_000_000_000;
const took = <T>(run: () => T): [T, number] => {
  const since = performance.now();
  return [run(), performance.now() - since];
};

describe("the seeded world", () => {
  it("is the same world every time", () => {
    const [a, b] = [new World(SMALL, () => NOW), new World(SMALL, () => NOW)];
    expect(a.events).toEqual(b.events);
    expect(a.search("alice", 5)).toEqual(b.search("alice", 5));
  });

  it("is at every moment what the log folds to", () => {
    const world = new World(SMALL, () => NOW);
    for (let n = 0; n < 200; n += 1) {
      const seq = world.random.below(world.events.length);
      const event = world.events[world.random.below(world.events.length)]!;
      const actor = world.actors.get(event.child);
      if (!actor || actor.strategy) continue;
      let life: Life | undefined;
      for (const past of world.events.slice(0, seq)) {
        if (past.child === actor.id) life = apply(life ?? { status: "stopped", restarts: 0, incarnation: 0 }, past);
      }
      expect(world.then(actor, seq)).toEqual(life);
    }
  });

  it("counts every event in one bucket of its span", () => {
    const world = new World(SMALL, () => NOW);
    const [first, last] = [world.events[0]!.atMs, world.events.at(-1)!.atMs];
    const sum = world.ticks(first, last, 137).reduce((n, it) => n + it.spawned + it.failed + it.restarting + it.gaveUp + it.stopped + it.operator + it.node, 0);
    expect(sum).toBe(world.events.length);
  });

  it("heals what an operator kills, and says so", () => {
    let now = NOW;
    const world = new World(SMALL, () => now);
    const market = world.actors.get("market-1.200001")!;
    const seq = world.hurt(market, "kill", "demo", "to see");
    const statuses = new Set<string>();
    for (let n = 0; n < 40; n += 1) {
      now += 50;
      world.tick();
      statuses.add(market.life.status);
    }
    expect([...statuses]).toEqual(["running", "restarting"]);
    expect(market.life).toMatchObject({ status: "running", restarts: 1, incarnation: 2 });
    expect(world.recoveries.get(seq)).toMatchObject({ done: true, acknowledgedLost: 0, same: true });
  });

  it("has fifty thousand actors and a million events, and answers quickly", { timeout: 120_000 }, () => {
    const world = new World(LARGE, () => NOW);
    expect(world.actors.size).toBeGreaterThan(50_000);
    expect(world.events.length).toBeGreaterThan(990_000);
    const [found, search] = took(() => world.search("ipswich", 50));
    expect(found.rows).toHaveLength(50);
    const markets = world.actors.get("markets-0")!;
    const [, seek] = took(() => world.page(markets, { offset: 20_000, limit: 200 }).list.map((it) => world.then(it, 500_000)));
    // Wide of what is seen: this says that nothing goes through everything, not how fast a machine is.
    expect(search).toBeLessThan(1_000);
    expect(seek).toBeLessThan(1_000);
  });
});
