// A form's state: what was typed, what is wrong with it, what came of it. Checks before it sends; the node's word about
// a field stands at that field, and the first wrong field gets the focus.

import { tick } from "svelte";
import { Refused } from "../lib/ask";
import { said, type Check } from "./words";

type Values<Name extends string> = Record<Name, string>;

export class Form<Name extends string> {
  values: Values<Name> = $state()!;
  errors: Partial<Record<Name, string>> = $state({});
  /** What is wrong with the whole. */
  problem = $state("");
  /** What came of it. */
  done = $state("");
  busy = $state(false);
  readonly #empty: Values<Name>;
  readonly #names: Name[];

  constructor(
    readonly id: string,
    private readonly checks: Record<Name, Check>,
    usual: Partial<Values<Name>> = {},
  ) {
    this.#names = Object.keys(checks) as Name[];
    this.#empty = Object.fromEntries(this.#names.map((name) => [name, usual[name] ?? ""])) as Values<Name>;
    this.values = { ...this.#empty };
  }

  /** Checks, sends and says what came of it. Whether it went well. */
  async send(element: HTMLFormElement, act: (values: Values<Name>) => Promise<string | void>): Promise<boolean> {
    if (this.busy) return false;
    [this.problem, this.done, this.errors] = ["", "", {}];
    const values = Object.fromEntries(this.#names.map((name) => [name, this.values[name]])) as Values<Name>;
    for (const name of this.#names) {
      const wrong = this.checks[name](values[name]);
      if (wrong) this.errors[name] = wrong;
    }
    let well = Object.keys(this.errors).length === 0;
    if (well) {
      this.busy = true;
      try {
        this.done = (await act(values)) ?? "";
        this.values = { ...this.#empty };
      } catch (error) {
        well = false;
        this.#refused(error instanceof Refused ? error : new Refused(0, String(error), ""));
      } finally {
        this.busy = false;
      }
    }
    if (!well) {
      await tick();
      element.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
    }
    return well;
  }

  #refused(refused: Refused): void {
    const field = this.#names.find((name) => name === refused.rule.field);
    if (field) this.errors[field] = said(refused);
    else this.problem = said(refused);
  }
}
