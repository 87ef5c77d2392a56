// One way to ask the node, for every page: JSON, a deadline, refusals as errors. Never touches the page.

import type { LastKnown } from "./api";

/** What the node refused, and why. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly lastKnown?: LastKnown,
    /** The field that broke its rule, which rule by a word for programs, and in words without the field. */
    readonly rule: { field: string; code: string; reason: string } = { field: "", code: "", reason: "" },
  ) {
    super(detail || title);
  }
}

const PATIENCE_MS = 10_000;

/** The text of a problem document, whatever of it is there. */
export function problemOf(status: number, body: unknown): Refused {
  const it = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (key: string) => (typeof it[key] === "string" ? (it[key] as string) : "");
  const field = text("field");
  const reason = text("detail") || text("reason");
  return new Refused(
    status,
    text("title") || text("code") || `the node answered ${status}`,
    field && reason ? `${field}: ${reason}` : reason,
    it.lastKnown as LastKnown | undefined,
    { field, code: text("code"), reason },
  );
}

/** Asks below a path; who is told when the node knows nobody by our cookie. */
export function asker(base: string, signedOut: () => void) {
  return async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal, key?: string): Promise<T> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const headers: Record<string, string> = { Accept: "application/json" };
    const init: RequestInit = {
      method,
      credentials: "same-origin",
      headers,
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    };
    if (key) headers["Idempotency-Key"] = key;
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    let answer: Response;
    try {
      answer = await fetch(base + path, init);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Refused(0, "the node does not answer", "it may be down, or restarting its door");
    }
    if (answer.status === 204) return undefined as T;
    const text = await answer.text();
    let value: unknown = undefined;
    try {
      value = text === "" ? undefined : JSON.parse(text);
    } catch {
      if (answer.ok) throw new Refused(answer.status, "the answer is not JSON", "");
    }
    if (answer.ok) return value as T;
    if (answer.status === 401) signedOut();
    throw problemOf(answer.status, value);
  };
}

/** `{of: "a b", limit: 3}` as `?of=a%20b&limit=3`; what is undefined or empty is left out. */
export function query(of: Record<string, string | number | boolean | undefined>): string {
  const parts = Object.entries(of)
    .filter(([, value]) => value !== undefined && value !== "" && value !== false)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`);
  return parts.length ? `?${parts.join("&")}` : "";
}
