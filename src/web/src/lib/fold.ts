// What an event of the supervision log does to an actor's line. Used to show at once what the next figures will
// say anyway, and by the mock to fold its history. Pure.

import type { Status, SupervisionEvent } from "./api";

export interface Life {
  status: Status;
  restarts: number;
  incarnation: number;
  sinceMs?: number | undefined;
}

export function apply(life: Life, event: SupervisionEvent): Life {
  switch (event.what) {
    case "spawned": {
      const incarnation = number(event.incarnation) ?? life.incarnation + 1;
      return { ...life, status: "running", incarnation, sinceMs: event.atMs };
    }
    case "restarting":
      return { ...life, status: "restarting", restarts: life.restarts + 1, sinceMs: event.atMs };
    case "exited":
    case "start_failed":
    case "stopped":
    case "gave_up":
      return { ...life, status: "stopped", sinceMs: event.atMs };
    case "ignored":
      return { ...life, status: "ignored", sinceMs: event.atMs };
    case "quarantined":
      return { ...life, status: "quarantined", sinceMs: event.atMs };
    default:
      return life;
  }
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The classes of what happens, as ticks and lists show them; each has a colour, a shape and a word. */
export type Tone = "up" | "fail" | "again" | "gave" | "down" | "hand" | "node";

export function tone(what: string): Tone {
  switch (what) {
    case "spawned":
    case "ready":
      return "up";
    case "exited":
    case "start_failed":
    case "failed":
      return "fail";
    case "restarting":
      return "again";
    case "gave_up":
    case "quarantined":
      return "gave";
    case "operator_acted":
      return "hand";
    case "node_started":
    case "node_stopped":
    case "node_up":
    case "node_down":
      return "node";
    default:
      return "down";
  }
}

/** One sentence of what happened. */
export function sentence(event: SupervisionEvent): string {
  const text = (key: string) => (typeof event[key] === "string" ? (event[key] as string) : "");
  switch (event.what) {
    case "spawned":
      return `started, incarnation ${event.incarnation ?? "?"}`;
    case "ready":
      return "serves again";
    case "forgotten":
      return "is no longer a child";
    case "ignored":
      return "had nothing to run";
    case "exited":
      return `ended: ${exit(event.exit)}`;
    case "start_failed":
      return `did not start: ${cause(event.error)}`;
    case "restarting":
      return `restart ${event.attempt ?? "?"} of ${event.of ?? "?"}${
        number(event.backoffMs) ? `, after ${event.backoffMs} ms` : ""
      }`;
    case "quarantined":
      return `quarantined after ${event.restarts ?? "?"} restarts in ${(number(event.withinMs) ?? 0) / 1000} s`;
    case "stopped":
      return `stopped by its supervisor: ${exit(event.exit)}`;
    case "gave_up":
      return "its supervisor gave up";
    case "operator_acted":
      return `${text("operator")} did ${text("act")}${text("reason") ? `: ${text("reason")}` : ""}`;
    case "node_started":
      return `the node started, version ${text("version")}${event.afterCrash ? ", after a crash" : ""}`;
    case "node_stopped":
      return `the node stopped${text("cause") ? `: ${text("cause")}` : ""}`;
    default:
      return String(event.what).replace(/_/g, " ");
  }
}

/** `{reason, detail}` of an exit in words. */
export function exit(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "no reason";
  const { reason, detail } = value as { reason?: unknown; detail?: unknown };
  const word = String(reason ?? "no reason").replace(/_/g, " ");
  if (typeof detail === "string") return word === "failed" ? detail : `${word}: ${detail}`;
  const message = (detail as { message?: unknown } | null | undefined)?.message;
  return typeof message === "string" ? `${word}: ${message}` : word;
}

function cause(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "no reason";
  const said = (value as { message?: unknown }).message;
  return typeof said === "string" ? said : exit(value) === "no reason" ? JSON.stringify(value) : exit(value);
}
