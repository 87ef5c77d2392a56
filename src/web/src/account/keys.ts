// Keys under which the node does a request once: the same request gets the same key until it was answered, so that a
// second click after a lost answer pays in nothing twice.

const KEPT_MAX = 20;

export class Keys {
  readonly #keys = new Map<string, string>();

  constructor(private readonly draw: () => string = drawn) {}

  of(request: string): string {
    const known = this.#keys.get(request);
    if (known) return known;
    // The oldest of too many is forgotten: nobody sends it again.
    const [oldest] = this.#keys.keys();
    if (oldest !== undefined && this.#keys.size >= KEPT_MAX) this.#keys.delete(oldest);
    const key = this.draw();
    this.#keys.set(request, key);
    return key;
  }

  /** From now on the same words are another request. */
  answered(request: string): void {
    this.#keys.delete(request);
  }
}

function drawn(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
