// Who is signed in, and what the page looks like to them. The token itself is in a cookie that no script reads.

import { api, whenSignedOut, type Me, type Role } from "./api";

/** How soon a node that does not answer is asked again. */
const AGAIN_MS = 2_000;
const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

class Session {
  me: Me | undefined = $state.raw(undefined);
  /** Not asked yet, in, or out. */
  state: "asking" | "in" | "out" | "unreachable" = $state("asking");

  constructor() {
    whenSignedOut(() => {
      this.me = undefined;
      this.state = "out";
    });
  }

  async begin(): Promise<void> {
    try {
      this.me = await api.me();
      this.state = "in";
    } catch {
      if ((this.state as string) === "out") return;
      this.state = "unreachable";
      setTimeout(() => {
        if (this.state === "unreachable") void this.begin();
      }, AGAIN_MS);
    }
  }

  async signIn(token: string): Promise<void> {
    await api.signIn(token);
    this.state = "asking";
    await this.begin();
  }

  async signOut(): Promise<void> {
    try {
      await api.signOut();
    } finally {
      this.me = undefined;
      this.state = "out";
    }
  }

  may(role: Role): boolean {
    return this.me !== undefined && RANK[this.me.role] >= RANK[role];
  }
}

export const session = new Session();
