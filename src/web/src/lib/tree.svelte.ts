// The tree as this page knows it: rows by id, branches that were opened, what is shown of them. Asks for a branch
// when it is opened and for more of it as it is scrolled to; takes deltas in place and never sorts again by
// itself, so nothing moves under the reader's hand.

import { api, Refused, type BranchesEvent, type Children, type Row, type RowsEvent, type Sort, type SupervisionEvent } from "./api";
import { told, type Told } from "./budget";
import { apply } from "./fold";
import { branchKey, collapsed, outline, Outline, type Branch, type Line } from "./outline";

/** Rows asked for at once. */
export const PAGE = 200;
/** Rows kept; beyond it pages that are far from the screen are forgotten and asked for again. */
const ROWS_MAX = 6_000;
/** Branches in one stream. */
const WINDOWS_MAX = 16;

/** An answer of a moment at which there was a tree. */
type Whole = Children & { of: Row };

export class Tree {
  /** Grows when a line's figures change. */
  figures = $state(0);
  /** Grows when lines come, go or move. */
  structure = $state(0);
  problem = $state<string | undefined>(undefined);
  /** At the moment shown no process ran. */
  nobody = $state(false);
  root: string | undefined = $state.raw(undefined);
  sort: Sort = "id";
  /** The moment shown; undefined is now. */
  at: number | undefined = undefined;
  seqThen: number | undefined = $state(undefined);
  hides: ((row: Row) => boolean) | undefined;

  rows = new Map<string, Row>();
  branches = new Map<string, Branch>();
  open = new Set<string>();
  budgets = new Map<string, Told>();
  gone = new Set<string>();

  #asked = new Set<string>();
  /** Grows with every change of moment or order; answers of an older one are let go. */
  #epoch = 0;

  readonly lines: Outline = $derived.by(() => {
    void this.structure;
    return outline({
      root: this.root,
      branches: this.branches,
      open: this.open,
      rows: this.rows,
      hides: this.hides,
    });
  });

  row(id: string): Row | undefined {
    return this.rows.get(id);
  }

  touch(): void {
    this.structure += 1;
  }

  async begin(): Promise<void> {
    const answer = await this.#page(undefined, undefined, 0);
    if (answer) this.#rooted(answer);
  }

  #rooted(answer: Whole): void {
    this.root = answer.of.id;
    this.#keep([answer.of]);
    this.open.add(answer.of.id);
    this.#took(answer.of.id, undefined, 0, answer);
    this.touch();
  }

  /** Another order: everything that is open is asked for again. */
  async sorted(by: Sort): Promise<void> {
    this.sort = by;
    await this.again();
  }

  /** Another moment, or now again. What is on the screen stays until the answer is there. */
  async moved(at: number | undefined): Promise<void> {
    this.at = at;
    await this.again();
  }

  /** Asks for all open branches anew. */
  async again(): Promise<void> {
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#asked.clear();
    const keys = [...this.branches.keys()].filter((key) => this.open.has(key));
    const answers = await Promise.all(
      keys.map(async (key) => {
        const branch = this.branches.get(key)!;
        const isRoot = branch.of === this.root && branch.kind === undefined;
        const first = this.#firstWanted(branch);
        const answer = await this.#page(isRoot ? undefined : branch.of, branch.kind, first);
        return { branch, answer, first };
      }),
    );
    if (epoch !== this.#epoch) return;
    this.gone.clear();
    for (const { branch, answer, first } of answers) {
      if (!answer) continue;
      branch.ids = [];
      this.#keep([answer.of]);
      if (branch.of === this.root && branch.kind === undefined && answer.of.id !== this.root) {
        this.root = answer.of.id;
      }
      this.#took(branch.of, branch.kind, first, answer);
    }
    if (!keys.length) await this.begin();
    this.touch();
  }

  #firstWanted(branch: Branch): number {
    return this.#seen.get(branch.key) ?? 0;
  }

  toggle(key: string, of: string, kind?: string): void {
    if (this.open.has(key)) {
      this.open.delete(key);
      this.touch();
    } else {
      void this.expand(of, kind);
    }
  }

  async expand(of: string, kind?: string): Promise<void> {
    const key = branchKey(of, kind);
    this.open.add(key);
    if (!this.branches.has(key)) {
      const epoch = this.#epoch;
      const answer = await this.#page(of === this.root ? undefined : of, kind, 0);
      if (!answer || epoch !== this.#epoch) return;
      this.#took(of, kind, 0, answer);
    }
    this.touch();
  }

  /** Opens all that leads to an actor and makes its place known; false when it is nowhere. */
  async reveal(path: string[]): Promise<boolean> {
    const ids = path[0] === this.root ? path : [this.root ?? "", ...path];
    for (let n = 0; n + 1 < ids.length; n += 1) {
      const [of, child] = [ids[n]!, ids[n + 1]!];
      await this.expand(of);
      const branch = this.branches.get(of);
      if (!branch) return false;
      const known = this.rows.get(child);
      const many = collapsed(branch);
      if (branch.ids.includes(child) && !many.some((it) => it.kind === known?.kind)) continue;
      if (!(await this.#around(of, child, many.map((it) => it.kind)))) return false;
    }
    this.touch();
    return true;
  }

  async #around(of: string, child: string, classes: string[]): Promise<boolean> {
    // Its kind is not known before it was seen: the classes it may be in are few.
    for (const kind of classes.length ? classes : [undefined]) {
      const answer = await this.#page(of === this.root ? undefined : of, kind, 0, child);
      const place = answer?.children.findIndex((row) => row.id === child) ?? -1;
      if (!answer || place < 0) continue;
      const offset = (answer as { offset?: number }).offset ?? 0;
      this.open.add(branchKey(of, kind));
      this.#took(of, kind, offset, answer);
      return true;
    }
    return false;
  }

  async #page(of: string | undefined, kind: string | undefined, offset: number, around?: string): Promise<Whole | undefined> {
    const sort = this.sort === "id" ? undefined : this.sort;
    const page = { of, kind, offset, limit: PAGE, sort, ...(around ? { around } : {}) };
    try {
      const answer = this.at === undefined ? await api.children(page) : await api.treeAt(this.at, page);
      if ("seq" in answer) this.seqThen = (answer as { seq: number }).seq;
      else this.seqThen = undefined;
      this.problem = undefined;
      if (of === undefined) this.nobody = answer.of === null;
      return answer.of === null ? undefined : (answer as Whole);
    } catch (error) {
      // A branch that was not there at that moment is an empty one.
      if (error instanceof Refused && error.status === 404 && of !== undefined) return undefined;
      this.problem = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }

  #took(of: string, kind: string | undefined, offset: number, answer: Whole): void {
    const key = branchKey(of, kind);
    let branch = this.branches.get(key);
    if (!branch) {
      branch = { key, of, kind, total: answer.total, classes: answer.classes, ids: [] } as Branch;
      this.branches.set(key, branch);
    }
    // A page that is not full ends the list, whatever was counted: at a moment gone by not all were there.
    branch.total = answer.children.length < PAGE ? Math.min(answer.total, offset + answer.children.length) : answer.total;
    branch.classes = answer.classes;
    this.#keep(answer.children);
    const many = new Set(collapsed(branch).map((it) => it.kind));
    if (many.size) {
      const few = answer.children.filter((row) => !many.has(row.kind)).map((row) => row.id);
      branch.ids = [...new Set([...branch.ids.filter((id): id is string => id !== undefined), ...few])];
      void this.#few(branch, answer);
    } else {
      answer.children.forEach((row, n) => (branch.ids[offset + n] = row.id));
      if (branch.ids.length > branch.total) branch.ids.length = branch.total;
    }
    this.#forget();
  }

  /** Of a branch that is shown by classes, the kinds of which there are few are wanted whole. */
  async #few(branch: Branch, answer: Whole): Promise<void> {
    if (answer.children.length >= answer.total) return;
    const many = new Set(collapsed(branch).map((it) => it.kind));
    for (const { kind } of branch.classes.filter((it) => !many.has(it.kind))) {
      const page = await this.#page(branch.of === this.root ? undefined : branch.of, kind, 0);
      if (!page) continue;
      this.#keep(page.children);
      branch.ids = [...new Set([...branch.ids, ...page.children.map((row) => row.id)])];
      this.touch();
    }
  }

  #keep(rows: Row[]): void {
    const now = performance.now();
    for (const row of rows) {
      this.rows.set(row.id, row);
      this.gone.delete(row.id);
      if (row.budget) this.budgets.set(row.id, told(this.budgets.get(row.id), row.budget, now));
    }
  }

  #forget(): void {
    if (this.rows.size <= ROWS_MAX) return;
    for (const [key, branch] of this.branches) {
      if (!this.open.has(key)) {
        this.branches.delete(key);
        continue;
      }
      const middle = this.#seen.get(key) ?? 0;
      if (collapsed(branch).length) continue;
      for (let place = 0; place < branch.ids.length; place += PAGE) {
        if (Math.abs(place - middle) < 5 * PAGE) continue;
        for (let n = place; n < Math.min(place + PAGE, branch.ids.length); n += 1) delete branch.ids[n];
      }
    }
    const kept = new Set<string>(this.root ? [this.root] : []);
    for (const branch of this.branches.values()) for (const id of branch.ids) if (id) kept.add(id);
    for (const id of this.rows.keys()) {
      if (kept.has(id)) continue;
      this.rows.delete(id);
      this.budgets.delete(id);
    }
  }

  /** Where each branch is on the screen: its page that was looked at last. */
  #seen = new Map<string, number>();

  /** Asks for what is on the screen and not known; answers which windows the stream should carry. */
  look(lines: Line[]): string {
    const spans = new Map<string, { branch: Branch; from: number; to: number }>();
    for (const line of lines) {
      if (line.type !== "row" || line.branch.key === "") continue;
      const span = spans.get(line.branch.key);
      if (!span) spans.set(line.branch.key, { branch: line.branch, from: line.place, to: line.place });
      else {
        span.from = Math.min(span.from, line.place);
        span.to = Math.max(span.to, line.place);
      }
    }
    const windows: string[] = [];
    for (const { branch, from, to } of spans.values()) {
      const first = Math.floor(from / PAGE) * PAGE;
      const last = Math.floor(to / PAGE) * PAGE;
      this.#seen.set(branch.key, first);
      if (!collapsed(branch).length) {
        for (let page = first; page <= last; page += PAGE) this.#want(branch, page, from, to);
      }
      const limit = Math.min(400, last - first + PAGE);
      const kind = branch.kind ?? "";
      windows.push(`${encodeURIComponent(branch.of).replaceAll("~", "%7E")}~${first}~${limit}~${this.sort}~${encodeURIComponent(kind)}`);
    }
    return windows.slice(0, WINDOWS_MAX).join(",");
  }

  #want(branch: Branch, page: number, from: number, to: number): void {
    let missing = false;
    for (let n = Math.max(page, from); n <= Math.min(page + PAGE - 1, to, branch.total - 1); n += 1) {
      if (branch.ids[n] === undefined) missing = true;
    }
    const asked = `${branch.key}\u0002${page}`;
    if (!missing || this.#asked.has(asked)) return;
    this.#asked.add(asked);
    const epoch = this.#epoch;
    const of = branch.of === this.root ? undefined : branch.of;
    void this.#page(of, branch.kind, page).then((answer) => {
      this.#asked.delete(asked);
      if (!answer || epoch !== this.#epoch) return;
      this.#took(branch.of, branch.kind, page, answer);
      this.touch();
    });
  }

  // What the stream tells.

  heardRows(event: RowsEvent): void {
    if (this.at !== undefined) return;
    this.#keep(event.rows.filter((row) => this.rows.has(row.id)));
    for (const id of event.gone) if (this.rows.has(id)) this.gone.add(id);
    this.figures += 1;
  }

  heardBranches(event: BranchesEvent): void {
    if (this.at !== undefined) return;
    let moved = false;
    for (const { id, total, classes } of event.branches) {
      const whole = this.branches.get(id);
      if (whole) {
        moved ||= whole.total !== total;
        [whole.total, whole.classes] = [total, classes];
      }
      for (const { kind, count } of classes) {
        const inner = this.branches.get(branchKey(id, kind));
        if (!inner) continue;
        moved ||= inner.total !== count;
        inner.total = count;
      }
    }
    // Somebody came or went: what is on the screen is asked for again, at the same places.
    if (moved) this.#refresh();
    this.figures += 1;
    this.structure += 1;
  }

  #refreshing = false;
  #refresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    setTimeout(() => {
      this.#refreshing = false;
      if (this.at === undefined) void this.again();
    }, 1_500);
  }

  heardSupervision(events: SupervisionEvent[]): void {
    if (this.at !== undefined) return;
    for (const event of events) {
      const row = this.rows.get(event.child);
      if (!row) continue;
      const life = apply(row, event);
      if (life !== row) this.rows.set(row.id, { ...row, ...life });
    }
    this.figures += 1;
  }
}

/** Actors that are there because a console is open. */
export function isOwn(row: Row): boolean {
  return /^(admin|console|watch|operator)/.test(row.kind) || /^(admin|console|watch)/.test(row.id);
}

export type HeatBy = "all" | "mailbox" | "busy" | "restarts";

/** How hot a row is, 0 to 3, by what the reader asked for. */
export function heat(row: Row, by: HeatBy): 0 | 1 | 2 | 3 {
  const grade = (value: number, steps: [number, number, number]) =>
    (value >= steps[2] ? 3 : value >= steps[1] ? 2 : value >= steps[0] ? 1 : 0) as 0 | 1 | 2 | 3;
  switch (by) {
    case "mailbox":
      return grade(row.load?.depth ?? 0, [10, 100, 1_000]);
    case "busy":
      return grade(row.load?.busyPct ?? 0, [30, 60, 90]);
    case "restarts":
      return grade(row.restarts, [1, 3, 10]);
    default:
      return row.heat;
  }
}
