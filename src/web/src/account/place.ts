// Where a customer is, as the address says it. Pure.

export const OUTSIDE = ["log-in", "sign-up", "forgotten"] as const;
export const INSIDE = ["money", "statement", "limits", "exclusion", "log-ins"] as const;
/** Where mailed links lead: a path of their own, with what they are good for behind the #, which no server is sent. */
export const MAILED = ["confirm", "reset"] as const;

export type Outside = (typeof OUTSIDE)[number];
export type Inside = (typeof INSIDE)[number];
export type Mailed = (typeof MAILED)[number];
export type Screen = Outside | Inside | Mailed;

export const TITLES: Record<Screen, string> = {
  "log-in": "Log in",
  "sign-up": "Sign up",
  forgotten: "Password forgotten",
  confirm: "Confirm your account",
  reset: "Choose a new password",
  money: "Money",
  statement: "Statement",
  limits: "Limits",
  exclusion: "Exclude yourself",
  "log-ins": "Log-ins and password",
};

/** What of a link is read. */
const TOKEN_MAX = 128;

export interface Place {
  /** Undefined: wherever one begins. */
  screen: Screen | undefined;
  /** Of a mailed link. */
  token: string;
}

export function place(pathname: string, hash: string): Place {
  const mailed = MAILED.find((known) => pathname === `/${known}`);
  if (mailed) return { screen: mailed, token: hash.replace(/^#/, "").slice(0, TOKEN_MAX) };
  const name = hash.replace(/^#\/?/, "");
  return { screen: [...OUTSIDE, ...INSIDE].find((known) => known === name), token: "" };
}

/** What is shown: who is logged in sees nothing of the outside, and who is not is asked to log in first. */
export function shown(screen: Screen | undefined, loggedIn: boolean): Screen {
  const among = (screens: readonly string[]) => screen !== undefined && screens.includes(screen);
  if (screen !== undefined && among(MAILED)) return screen;
  if (loggedIn) return screen !== undefined && among(INSIDE) ? screen : "money";
  return screen !== undefined && among(OUTSIDE) ? screen : "log-in";
}

export const href = (screen: Outside | Inside) => `/account#/${screen}`;
