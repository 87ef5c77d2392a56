// Where the page is, as its address says: a moment that can be shared is a URL. Pure but for the two that read
// and write `location`.

export const PAGES = ["overview", "tree", "actor", "events", "flow", "models", "ledger", "audit"] as const;
export type PageName = (typeof PAGES)[number];

export interface Route {
  page: PageName;
  /** What the page is of: the actor's id. */
  id?: string | undefined;
  /** Selection, filters, the moment; only what is not usual. */
  params: Record<string, string>;
}

/** Longest address that is read; a longer one is somebody's joke. */
const LONGEST = 8_000;

/** Reads `#/tree?sel=market-1&at=17`; what it does not know is the overview. */
export function parse(hash: string): Route {
  const text = hash.replace(/^#?\/?/, "").slice(0, LONGEST);
  const split = text.indexOf("?");
  const path = (split < 0 ? text : text.slice(0, split)).split("/");
  const params: Record<string, string> = {};
  if (split >= 0) {
    for (const [key, value] of new URLSearchParams(text.slice(split + 1))) {
      if (value !== "") params[key] = value;
    }
  }
  const page = PAGES.find((known) => known === path[0]) ?? "overview";
  const id = path[1] ? decoded(path[1]) : undefined;
  if (page === "actor" && !id) return { page: "tree", params };
  return id ? { page, id, params } : { page, params };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a route; parameters in one order, so that equal places have equal addresses. */
export function format(route: Route): string {
  const keys = Object.keys(route.params).filter((key) => route.params[key]);
  keys.sort();
  const params = keys.map((key) => `${key}=${encodeURIComponent(route.params[key]!)}`).join("&");
  const id = route.id ? `/${encodeURIComponent(route.id)}` : "";
  return `#/${route.page}${id}${params ? `?${params}` : ""}`;
}

/** The same place with some parameters changed; an empty or undefined one is taken away. */
export function changed(route: Route, changes: Record<string, string | number | undefined>): Route {
  const params = { ...route.params };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === "") delete params[key];
    else params[key] = String(value);
  }
  return { ...route, params };
}

/** A moment out of a parameter: milliseconds since 1970, or an RFC 3339 time. */
export function moment(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

/** Ids joined by commas, each of them encoded. */
export function list(text: string | undefined): string[] {
  return text ? text.split(",").filter(Boolean).map(decoded) : [];
}

export function joined(ids: string[]): string {
  return ids.map((id) => encodeURIComponent(id)).join(",");
}
