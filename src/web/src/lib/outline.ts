// The open tree as one long list of lines, without making the lines: an open branch of 50,000 is one segment, so
// a screenful costs a screenful. Pure; who loads rows hands in what is there.

import type { ClassCount, Row } from "./api";

/** A branch is the children of an actor, or those of one kind among them. */
export interface Branch {
  key: string;
  of: string;
  kind?: string;
  total: number;
  classes: ClassCount[];
  /** Ids by place; holes are not loaded. */
  ids: (string | undefined)[];
}

/** `of` and kind in one text; kinds have no such sign. */
export function branchKey(of: string, kind?: string): string {
  return kind === undefined ? of : `${of}\u0001${kind}`;
}

/** Children of one kind beyond this are shown as one line that counts them. */
export const COLLAPSE_OVER = 40;

export type Line =
  | { type: "row"; key: string; id: string | undefined; branch: Branch; place: number; depth: number }
  | { type: "class"; key: string; of: string; counts: ClassCount; depth: number; place: number; size: number };

interface Segment {
  start: number;
  length: number;
  line: (n: number) => Line;
}

export class Outline {
  constructor(
    private readonly segments: Segment[],
    readonly length: number,
  ) {}

  at(index: number): Line | undefined {
    if (index < 0 || index >= this.length) return undefined;
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.segments[middle]!.start <= index) low = middle;
      else high = middle - 1;
    }
    const segment = this.segments[low]!;
    return segment.line(index - segment.start);
  }

  slice(from: number, to: number): Line[] {
    const lines: Line[] = [];
    for (let index = Math.max(0, from); index < Math.min(to, this.length); index += 1) lines.push(this.at(index)!);
    return lines;
  }

  /** Where a line is; by a walk over what is there, for when something changed. */
  indexOf(key: string): number {
    for (const segment of this.segments) {
      // Segments of many lines are runs of one branch without anything open in them.
      for (let n = 0; n < segment.length; n += 1) {
        if (segment.line(n).key === key) return segment.start + n;
      }
    }
    return -1;
  }
}

export interface OpenTree {
  root: string | undefined;
  branches: ReadonlyMap<string, Branch>;
  /** Keys of branches that are open; those of a class have their kind in them. */
  open: ReadonlySet<string>;
  rows: ReadonlyMap<string, Row>;
  /** Rows that are left out with everything under them. */
  hides?: ((row: Row) => boolean) | undefined;
}

/** Whether the children of a branch are shown as classes: one line for a kind with very many. */
export function collapsed(branch: Branch): ClassCount[] {
  if (branch.kind !== undefined) return [];
  return branch.classes.filter((it) => it.count > COLLAPSE_OVER);
}

export function outline(tree: OpenTree): Outline {
  const segments: Segment[] = [];
  let length = 0;
  const push = (size: number, line: (n: number) => Line) => {
    if (size <= 0) return;
    segments.push({ start: length, length: size, line });
    length += size;
  };
  const rowLine = (branch: Branch, place: number, depth: number): Line => {
    const id = branch.ids[place];
    return { type: "row", key: id ?? `${branch.key}\u0002${place}`, id, branch, place, depth };
  };
  const walk = (branch: Branch, depth: number, seen: number) => {
    // A tree of a node is a dozen deep; a hostile answer that nests itself ends here.
    if (seen > 64) return;
    const many = collapsed(branch);
    const skip = new Set(many.map((it) => it.kind));
    let run = 0;
    const flush = (to: number) => {
      const from = run;
      push(to - from, (n) => rowLine(branch, from + n, depth));
      run = to;
    };
    // What is shown as classes only needs the few that are not of them: those that are loaded.
    const size = skip.size ? branch.ids.length : branch.total;
    for (let place = 0; place < branch.ids.length && place < size; place += 1) {
      const id = branch.ids[place];
      const row = id === undefined ? undefined : tree.rows.get(id);
      if ((skip.size && (!row || skip.has(row.kind))) || (row && tree.hides?.(row))) {
        flush(place);
        run = place + 1;
        continue;
      }
      if (id === undefined || !tree.open.has(id)) continue;
      const inner = tree.branches.get(id);
      if (!inner) continue;
      flush(place + 1);
      walk(inner, depth + 1, seen + 1);
    }
    flush(size);
    for (const [n, counts] of many.entries()) {
      const key = branchKey(branch.of, counts.kind);
      push(1, () => ({ type: "class", key, of: branch.of, counts, depth, place: n, size: many.length }));
      const inner = tree.branches.get(key);
      if (inner && tree.open.has(key)) walk(inner, depth + 1, seen + 1);
    }
  };
  if (tree.root !== undefined) {
    const root: Branch = { key: "", of: "", total: 1, classes: [], ids: [tree.root] };
    walk(root, 0, 0);
  }
  return new Outline(segments, length);
}

/** Which lines to draw of a list that is scrolled. */
export interface Window {
  from: number;
  to: number;
}

export function shown(scrollTop: number, height: number, rowHeight: number, length: number, over = 6): Window {
  const from = Math.max(0, Math.floor(scrollTop / rowHeight) - over);
  const to = Math.min(length, Math.ceil((scrollTop + height) / rowHeight) + over);
  return { from: Math.min(from, length), to: Math.max(from > length ? length : 0, to) };
}

/** Where to scroll so that line `index` is whole; the same place when it already is. */
export function reveal(index: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return scrollTop;
}

/** What an arrow, Home, End or a page key does: the line it leads to. */
export function step(key: string, index: number, length: number, page: number): number | undefined {
  const to = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    Home: 0,
    End: length - 1,
    PageDown: index + page,
    PageUp: index - page,
  }[key];
  return to === undefined ? undefined : Math.max(0, Math.min(length - 1, to));
}

/** The next line whose text begins with what was typed, from `index` on and around. */
export function typeAhead(
  typed: string,
  index: number,
  length: number,
  text: (index: number) => string,
  looks = 2_000,
): number {
  const wanted = typed.toLowerCase();
  // One letter goes on to the next that fits; more letters may fit where we are.
  const begin = wanted.length > 1 ? 0 : 1;
  for (let n = begin; n < Math.min(length, looks) + begin; n += 1) {
    const at = (index + n) % length;
    if (text(at).toLowerCase().startsWith(wanted)) return at;
  }
  return -1;
}
