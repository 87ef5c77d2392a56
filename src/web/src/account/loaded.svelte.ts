// Something the node was asked for: its answer, or in plain words why there is none.

import { Refused } from "../lib/ask";
import { said } from "./words";

export class Loaded<T> {
  value: T | undefined = $state.raw(undefined);
  problem = $state("");
  #asked = 0;

  constructor(private readonly fetch: () => Promise<T>) {
    void this.again();
  }

  /** Asks once more; what comes late is not taken for the newest. */
  async again(): Promise<void> {
    const number = (this.#asked += 1);
    try {
      const value = await this.fetch();
      if (number === this.#asked) [this.value, this.problem] = [value, ""];
    } catch (error) {
      if (number === this.#asked) this.problem = error instanceof Refused ? said(error) : String(error);
    }
  }
}
