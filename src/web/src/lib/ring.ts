// The last few of something. A console left open for a day holds what one left open for a minute does.

export class Ring<T> {
  #items: T[] = [];
  constructor(readonly bound: number) {}

  push(...items: T[]): void {
    this.#items.push(...items);
    if (this.#items.length > this.bound) this.#items.splice(0, this.#items.length - this.bound);
  }

  clear(): void {
    this.#items = [];
  }

  /** Oldest first; a copy. */
  list(): T[] {
    return this.#items.slice();
  }

  get length(): number {
    return this.#items.length;
  }

  last(): T | undefined {
    return this.#items[this.#items.length - 1];
  }
}
