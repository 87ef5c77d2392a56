// The page's place as state: follows the address, and is the only one that changes it.

import { changed, format, parse, type Route } from "./route";

class Router {
  route: Route = $state.raw(parse(location.hash));

  constructor() {
    addEventListener("hashchange", () => {
      const next = parse(location.hash);
      if (format(next) !== format(this.route)) this.route = next;
    });
  }

  get params(): Record<string, string> {
    return this.route.params;
  }

  /** Somewhere else; "back" leads here again. */
  go(route: Route): void {
    this.route = route;
    const hash = format(route);
    if (location.hash !== hash) history.pushState(null, "", hash);
  }

  /** The same place in other words: a filter, a moment while it is dragged. */
  set(changes: Record<string, string | number | undefined>, push = false): void {
    const next = changed(this.route, changes);
    const hash = format(next);
    if (hash === format(this.route)) return;
    this.route = next;
    if (push) history.pushState(null, "", hash);
    else replaceLater(hash);
  }
}

// Browsers refuse more than some hundred changes of the address in half a minute: a drag makes one at its end.
let waiting: string | undefined;
function replaceLater(hash: string): void {
  if (waiting === undefined) {
    setTimeout(() => {
      if (waiting !== undefined) history.replaceState(null, "", waiting);
      waiting = undefined;
    }, 150);
  }
  waiting = hash;
}

export const router = new Router();

/** The address of an actor's page. */
export const actorHref = (id: string) => format({ page: "actor", id, params: {} });
/** The tree with an actor selected, now or at a moment. */
export const treeHref = (id: string, atMs?: number) =>
  format({ page: "tree", params: { sel: id, ...(atMs ? { at: String(atMs) } : {}) } });
