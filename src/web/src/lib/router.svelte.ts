// The page's place as state: follows the address, and is the only one that changes it.

import { changed, format, parse, type Route } from "./route";

// Browsers refuse more than some hundred changes of the address in half a minute: a drag makes one at its end.
const SETTLE_MS = 150;

class Router {
  route: Route = $state.raw(parse(location.hash));
  /** The address as it was last read or written here: where it is another, somebody followed a link, and wins. */
  #address = location.hash;
  #settling = false;

  constructor() {
    addEventListener("hashchange", () => {
      this.#address = location.hash;
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
    this.#address = location.hash;
  }

  /** The same place in other words: a filter, a moment while it is dragged. */
  set(changes: Record<string, string | number | undefined>, push = false): void {
    const next = changed(this.route, changes);
    if (format(next) === format(this.route)) return;
    if (push) return this.go(next);
    this.route = next;
    if (this.#settling) return;
    this.#settling = true;
    setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #settle(): void {
    this.#settling = false;
    if (location.hash !== this.#address) return;
    history.replaceState(null, "", format(this.route));
    this.#address = location.hash;
  }
}

export const router = new Router();

/** The address of an actor's page. */
export const actorHref = (id: string) => format({ page: "actor", id, params: {} });
/** The tree with an actor selected, now or at a moment. */
export const treeHref = (id: string, atMs?: number) =>
  format({ page: "tree", params: { sel: id, ...(atMs ? { at: String(atMs) } : {}) } });
