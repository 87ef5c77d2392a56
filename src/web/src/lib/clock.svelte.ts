// One ticking clock for all ages and decaying bars, so that a page of them wakes up once.

import { live } from "./live.svelte";

const STEP_MS = 500;

class Clock {
  /** The node's time, to half a second. */
  now = $state(Date.now());
  constructor() {
    setInterval(() => {
      if (!document.hidden && !live.paused) this.now = live.now();
    }, STEP_MS);
  }
}

export const clock = new Clock();
