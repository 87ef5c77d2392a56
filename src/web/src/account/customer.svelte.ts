// Who is logged in, and their money as it was last told. The token itself is in a cookie that no script reads.

import { api, whenLoggedOut, type Customer } from "./api";

/** How soon a node that does not answer is asked again. */
const AGAIN_MS = 2_000;

class Here {
  customer: Customer | undefined = $state.raw(undefined);
  state: "asking" | "in" | "out" | "unreachable" = $state("asking");

  constructor() {
    whenLoggedOut(() => this.#out());
  }

  /** Asks the node; again and again while it does not answer. */
  async look(): Promise<void> {
    try {
      this.customer = await api.customer();
      this.state = "in";
    } catch {
      if ((this.state as string) === "out") return;
      this.state = "unreachable";
      setTimeout(() => {
        if (this.state === "unreachable") void this.look();
      }, AGAIN_MS);
    }
  }

  async logIn(username: string, password: string): Promise<void> {
    await api.logIn({ username, password });
    this.state = "asking";
    await this.look();
  }

  async logOut(): Promise<void> {
    try {
      await api.logOut();
    } finally {
      this.#out();
    }
  }

  #out(): void {
    this.customer = undefined;
    this.state = "out";
  }
}

export const here = new Here();
