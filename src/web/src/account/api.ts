// The native API as a customer's pages use it: types and calls. Owns who is told that nobody is logged in, and the
// keys under which a request is done once.

import { asker, query, Refused } from "../lib/ask";
import { Keys } from "./keys";

export interface Customer {
  username: string;
  email: string | null;
  balance: string;
  available: string;
  exposure: string;
  status: "active" | "suspended" | "closed";
  mailAboutBets: boolean;
  /** The most that may be paid in at once; null where customers pay in nothing by themselves. */
  playMoney: string | null;
}

export interface Limit {
  kind: "deposit" | "loss";
  window: "day" | "week" | "month";
  amount: string | null;
  used: string;
  next: { from: string; amount: string | null } | null;
}

export interface Exclusion {
  excluded: boolean;
  since: string | null;
  until: string | null;
}

export interface Session {
  id: string;
  expires: string;
  appKey: string;
  current: boolean;
}

export interface Line {
  number: number;
  at: string;
  kind: string;
  marketId: string | null;
  betId: string | null;
  amount: string;
  balance: string;
  takenBack: boolean;
}

let onLoggedOut: () => void = () => {};
/** Who is told when the node knows nobody by our cookie. */
export function whenLoggedOut(told: () => void): void {
  onLoggedOut = told;
}

const ask = asker("/v1", () => onLoggedOut());
/** A wrong password at the door ends nobody's session. */
const knock = asker("/v1", () => {});
const keys = new Keys();

/** What must not be done twice though it is sent twice. */
async function once<T>(method: string, path: string, body: object): Promise<T> {
  const request = `${method} ${path} ${JSON.stringify(body)}`;
  try {
    const answer = await ask<T>(method, path, body, undefined, keys.of(request));
    keys.answered(request);
    return answer;
  } catch (error) {
    if (error instanceof Refused && error.status > 0 && error.status < 500) keys.answered(request);
    throw error;
  }
}

export const api = {
  signUp: (body: { username: string; email: string; password: string }) => knock<void>("POST", "/sign-up", body),
  signUpAgain: (email: string) => knock<void>("POST", "/sign-up/again", { email }),
  confirm: (token: string) => knock<{ username: string }>("POST", "/sign-up/confirm", { token }),
  logIn: (body: { username: string; password: string }) => knock<unknown>("POST", "/login", body),
  logOut: () => ask<void>("POST", "/logout", {}),
  forgotten: (email: string) => knock<void>("POST", "/password/forgotten", { email }),
  reset: (token: string, password: string) => knock<void>("POST", "/password/reset", { token, password }),
  changePassword: (current: string, password: string) => ask<void>("POST", "/password", { current, password }),
  customer: () => ask<Customer>("GET", "/account"),
  mailAboutBets: (mailAboutBets: boolean) => ask<void>("PATCH", "/account", { mailAboutBets }),
  deposit: (amount: string) => once<unknown>("POST", "/account/deposit", { amount }),
  limits: async () => (await ask<{ limits: Limit[] }>("GET", "/account/limits")).limits,
  /** Without an amount there is no limit. */
  setLimit: async (limit: { kind: string; window: string; amount?: string }) =>
    (await once<{ limits: Limit[] }>("PUT", "/account/limits", limit)).limits,
  exclusion: () => ask<Exclusion>("GET", "/account/exclusion"),
  /** Without days it is for good. */
  exclude: (body: { days?: number }) => once<Exclusion>("POST", "/account/exclusion", body),
  sessions: async () => (await ask<{ sessions: Session[] }>("GET", "/sessions")).sessions,
  endSession: (id: string) => ask<void>("DELETE", `/sessions/${encodeURIComponent(id)}`),
  statement: (filter: Record<string, string | number>) =>
    ask<{ lines: Line[]; more: boolean }>("GET", `/account/statement${query(filter)}`),
};

/** The same lines as a table for spreadsheets. */
export const csvHref = (filter: Record<string, string>) => `/v1/account/statement.csv${query(filter)}`;
