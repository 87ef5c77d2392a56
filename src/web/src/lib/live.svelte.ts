// The one stream of a console: figures of the rows that are on the screen, what supervisors do, the pulse. It is
// open only while somebody looks; the node collects nothing for a tab that is hidden or paused.

import { api, readEvents, type BranchesEvent, type Pulse, type RowsEvent, type SupervisionEvent } from "./api";
import { Ring } from "./ring";

/** How long a hidden tab goes on listening. */
const HIDDEN_MS = 20_000;
/** How long the screen must stand still before other rows are asked for. */
const SETTLE_MS = 250;
/** A stream that says nothing for so long is taken to be dead; the pulse comes every second. */
const SILENCE_MS = 6_000;
const RECONNECT_MS = 1_000;
const RETRY_MS = 300;
/** Silent for so long, a node is said not to answer. */
const DOWN_MS = 3_000;
const RECENT = 200;

type Listener = {
  rows?: (event: RowsEvent) => void;
  branches?: (event: BranchesEvent) => void;
  supervision?: (events: SupervisionEvent[]) => void;
  pulse?: (pulse: Pulse) => void;
};

class Live {
  state: "live" | "connecting" | "paused" | "hidden" | "down" = $state("connecting");
  pulse: Pulse | undefined = $state.raw(undefined);
  /** What supervisors did last, newest first; grows no further. */
  recent: SupervisionEvent[] = $state.raw([]);
  paused = $state(false);
  /** How far the node's clock is ahead of ours. */
  skewMs = 0;

  #source: EventSource | undefined;
  #windows = "";
  #opened: string | undefined;
  #listeners = new Set<Listener>();
  #ring = new Ring<SupervisionEvent>(RECENT);
  #lastSeq = 0;
  /** When this stream said something, and when any did. */
  #heardAt = 0;
  #heard = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  #started = false;
  #wanted = false;

  #start(): void {
    this.#started = true;
    document.addEventListener("visibilitychange", () => this.#visibility());
    setInterval(() => this.#check(), 1_000);
    this.#connect();
  }

  /** Nothing more is asked of the node: nobody is signed in. */
  stop(): void {
    this.#wanted = false;
    this.#close();
  }

  resume(): void {
    this.#wanted = true;
    if (this.#started) this.#connect();
    else this.#start();
  }

  now(): number {
    return Date.now() + this.skewMs;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Which rows are on the screen, as `live?open=` takes them. */
  watch(windows: string): void {
    if (windows === this.#windows) return;
    this.#windows = windows;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#source && this.#opened !== this.#windows) this.#connect();
    }, SETTLE_MS);
  }

  pause(paused: boolean): void {
    this.paused = paused;
    if (paused) {
      this.#close();
      this.state = "paused";
    } else {
      this.#connect();
    }
  }

  #visibility(): void {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      this.#hiddenTimer = setTimeout(() => {
        if (this.paused) return;
        this.#close();
        this.state = "hidden";
      }, HIDDEN_MS);
    } else if (this.state === "hidden") {
      this.#connect();
    }
  }

  #check(): void {
    if (!this.#source || performance.now() - this.#heardAt < SILENCE_MS) return;
    this.state = "down";
    this.#connect();
  }

  #close(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  #connect(): void {
    this.#close();
    if (this.paused || !this.#wanted) return;
    const since = this.#lastSeq ? `&since=${this.#lastSeq}` : "";
    this.#opened = this.#windows;
    this.#heardAt = performance.now();
    if (this.state !== "live" && this.state !== "down") this.state = "connecting";
    const source = new EventSource(`/v1/operator/live?open=${this.#windows}${since}`);
    this.#source = source;
    const heard = <T>(data: string, then: (value: T) => void) => {
      if (source !== this.#source) return;
      this.#heardAt = this.#heard = performance.now();
      this.state = "live";
      let value: T;
      try {
        value = JSON.parse(data) as T;
      } catch {
        return;
      }
      then(value);
    };
    source.addEventListener("rows", ({ data }) =>
      heard<RowsEvent>(data, (event) => this.#listeners.forEach((it) => it.rows?.(event))),
    );
    source.addEventListener("branches", ({ data }) =>
      heard<BranchesEvent>(data, (event) => this.#listeners.forEach((it) => it.branches?.(event))),
    );
    source.addEventListener("supervision", ({ data }) =>
      heard<unknown>(data, (value) => {
        // A new stream may repeat what the one before it told.
        const events = readEvents(value).filter((event) => event.seq > this.#lastSeq);
        if (!events.length) return;
        this.#lastSeq = events[events.length - 1]!.seq;
        this.#ring.push(...events);
        this.recent = this.#ring.list().reverse();
        this.#listeners.forEach((it) => it.supervision?.(events));
      }),
    );
    source.addEventListener("pulse", ({ data }) =>
      heard<Pulse>(data, (pulse) => {
        this.skewMs = pulse.atMs - Date.now();
        this.pulse = pulse;
        // Another log than before: the node came back with other data.
        if (pulse.seq < this.#lastSeq) this.#lastSeq = pulse.seq;
        this.#listeners.forEach((it) => it.pulse?.(pulse));
      }),
    );
    source.onerror = () => {
      if (source !== this.#source) return;
      // Refused outright, it may be that our session has ended. Else the door closed: browsers wait three seconds
      // before they try again by themselves, which is long for a node that heals in milliseconds.
      const refused = source.readyState === EventSource.CLOSED;
      this.#close();
      const silent = performance.now() - this.#heard > DOWN_MS;
      this.state = refused || silent ? "down" : "connecting";
      if (refused) void api.me().catch(() => {});
      setTimeout(() => {
        if (!this.#source) this.#connect();
      }, refused ? RECONNECT_MS : RETRY_MS);
    };
  }
}

export const live = new Live();
