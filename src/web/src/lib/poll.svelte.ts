// Something asked again and again while it is looked at: not when the tab is hidden or the console is paused, and
// never twice at once.

import { Refused } from "./api";
import { live } from "./live.svelte";

export class Poll<T> {
  value: T | undefined = $state.raw(undefined);
  problem: Refused | undefined = $state.raw(undefined);
  #stopped = false;
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly fetch: (signal: AbortSignal) => Promise<T>,
    private readonly everyMs: number,
    private readonly heard?: (value: T) => void,
  ) {
    void this.#turn();
  }

  /** For an effect: ends it when the effect does. */
  readonly stop = (): void => {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  };

  async now(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#turn();
  }

  async #turn(): Promise<void> {
    if (this.value === undefined || (!document.hidden && !live.paused)) {
      try {
        const value = await this.fetch(this.#abort.signal);
        if (this.#stopped) return;
        this.value = value;
        this.problem = undefined;
        this.heard?.(value);
      } catch (error) {
        if (this.#stopped) return;
        this.problem = error instanceof Refused ? error : new Refused(0, String(error), "");
      }
    }
    if (!this.#stopped && this.everyMs > 0) this.#timer = setTimeout(() => void this.#turn(), this.everyMs);
  }
}
