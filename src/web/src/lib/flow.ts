// Where the kinds stand in the drawing of messages, and how an order's way becomes lifelines. Pure.

import type { Edge, Step } from "./api";

/** Left to right as a bet goes; a kind that is not named stands behind those that send to it. */
const USUAL: string[][] = [
  ["door", "http", "stream-door", "client"],
  ["session", "quoter", "trader", "replay", "stream"],
  ["account", "home", "directory"],
  ["market"],
  ["journal"],
  ["publisher", "board"],
];

export interface Placed {
  id: string;
  column: number;
  row: number;
}

const kindOf = (id: string) => id.replace(/-[0-9a-f.]+$/, "");

export function place(edges: Edge[]): Placed[] {
  const ids: string[] = [];
  for (const edge of edges) for (const id of [edge.from, edge.to]) if (!ids.includes(id)) ids.push(id);
  const column = new Map<string, number>();
  for (const id of ids) {
    const usual = USUAL.findIndex((kinds) => kinds.includes(id) || kinds.includes(kindOf(id)));
    if (usual >= 0) column.set(id, usual);
  }
  for (const id of ids) {
    if (column.has(id)) continue;
    const from = edges.filter((edge) => edge.to === id && column.has(edge.from)).map((edge) => column.get(edge.from)!);
    column.set(id, from.length ? Math.max(...from) + 1 : 0);
  }
  // What only ever receives, and from the far right, stands at the very end.
  const used = [...new Set(column.values())].sort((a, b) => a - b);
  const rows = new Map<number, number>();
  return ids.map((id) => {
    const at = used.indexOf(column.get(id)!);
    const row = rows.get(at) ?? 0;
    rows.set(at, row + 1);
    return { id, column: at, row };
  });
}

/** How thick an edge is: by the magnitude of its rate, so that a trickle is still a line. */
export function thickness(perS: number): number {
  return perS <= 0 ? 1 : Math.max(1, Math.min(9, 1 + 1.9 * Math.log10(1 + perS)));
}

export interface Sequence {
  lanes: string[];
  steps: (Step & { fromLane: number; toLane: number; gapUs: number })[];
}

export function sequence(steps: Step[]): Sequence {
  const ordered = [...steps].sort((a, b) => a.atUs - b.atUs);
  const lanes: string[] = [];
  const lane = (id: string) => {
    if (!lanes.includes(id)) lanes.push(id);
    return lanes.indexOf(id);
  };
  let before = ordered[0]?.atUs ?? 0;
  const out = ordered.map((step) => {
    const placed = { ...step, fromLane: lane(step.from), toLane: lane(step.to), gapUs: step.atUs - before };
    before = step.atUs;
    return placed;
  });
  return { lanes, steps: out };
}
