// What the pages say: checks before something is sent, the node's refusals in plain words, figures and times as people
// read them. Pure.

import { money } from "../lib/format";
import type { Refused } from "../lib/ask";
import type { Exclusion, Limit, Line } from "./api";

/** What is wrong with what was typed; empty when nothing is. */
export type Check = (text: string) => string;

const bytes = (text: string) => new TextEncoder().encode(text).length;

export const checks = {
  username: (text) => {
    if (!text) return "Choose a name.";
    if (bytes(text) > 64) return "A name has at most 64 characters.";
    return /^[A-Za-z0-9._-]+$/.test(text) ? "" : "A name may have letters, digits and . _ - only.";
  },
  email: (text) => {
    if (!text) return "Write your mail address.";
    return /^[^\s@]+@[^\s@]+$/.test(text) && text.length <= 254 ? "" : "That is not a mail address, such as zoe@mail.example.";
  },
  newPassword: (text) => {
    if (!text) return "Choose a password.";
    if (bytes(text) < 8) return "A password has at least 8 characters.";
    return bytes(text) > 128 ? "A password has at most 128 characters." : "";
  },
  given: (text) => (text ? "" : "Fill this in."),
  amount: (text) => {
    if (!text) return "Write an amount, such as 20 or 12.50.";
    if (!/^\d{1,9}(\.\d{1,2})?$/.test(text)) return "Write pounds and pence with a point and no sign, such as 20 or 12.50.";
    return Number(text) > 0 ? "" : "Write more than nothing.";
  },
  /** A limit may be nothing at all: not a penny. */
  limit: (text): string => (/^0+(\.0{1,2})?$/.test(text) ? "" : checks.amount(text)),
  sure: (text) => (text === "yes" ? "" : "Tick this box to be sure."),
} satisfies Record<string, Check>;

/** `  12.5 ` as the node reads it. */
export const amountOf = (text: string) => text.trim().replace(/^£/, "");

/** A refusal in plain words, whole sentences; those about a field stand beside it. */
export function said(refused: Refused): string {
  const { code, field, reason } = refused.rule;
  switch (code) {
    case "wrong_credentials":
      return "There is no such user with this password.";
    case "wrong_password":
      return "That is not your password.";
    case "taken":
      return "This name is taken already.";
    case "link_spent":
      return "This link has been used, or its time is up.";
    case "sign_up_closed":
      return "Accounts are made by the operator here, nobody signs up.";
    case "deposit_limit":
      return "That is more than your deposit limit still allows.";
    case "excluded":
      return "You have excluded yourself, so this cannot be done now.";
    case "excluded_longer":
      return "You have excluded yourself for longer than that already.";
    case "no_play_money":
      return "There is no play money here; ask the operator.";
    case "too_many_requests":
      return `That was tried too often. ${sentence(reason.replace(/^too many requests, /, ""))}`;
    case "outcome_unknown":
      return "The node has not said what came of it. Try again: it is done once.";
  }
  if (refused.status === 0) return "The node does not answer. Try again in a moment.";
  if (refused.status >= 500) return "The node is busy or restarting. Try again in a moment.";
  if (refused.status === 401) return "You are logged out; log in again.";
  if (field && reason) return sentence(`this ${reason}`);
  return sentence(reason || refused.title);
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Day and time where the reader is. */
export function when(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  return `${day}, ${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}

export const KINDS: Record<Limit["kind"], string> = { deposit: "Paying in", loss: "Losing" };
export const WINDOWS: Record<Limit["window"], string> = { day: "24 hours", week: "7 days", month: "30 days" };

/** What of a limit comes later; empty when nothing does. */
export function coming(limit: Limit): string {
  if (!limit.next) return "";
  const then = limit.next.amount === null ? "no limit" : money(limit.next.amount);
  return `${then} from ${when(limit.next.from)}`;
}

/** What came of setting one. */
export function limitSet(limits: Limit[], kind: string, window: string): string {
  const limit = limits.find((it) => it.kind === kind && it.window === window);
  if (limit?.next) return `What you asked for comes later: ${coming(limit)}. Until then it stays at ${money(limit.amount)}.`;
  return limit && limit.amount !== null ? `The limit of ${money(limit.amount)} holds from now on.` : "There is no such limit.";
}

export function exclusionSaid(exclusion: Exclusion): string {
  if (!exclusion.excluded) return "You have not excluded yourself.";
  return exclusion.until ? `You have excluded yourself until ${when(exclusion.until)}.` : "You have excluded yourself for good.";
}

/** How long one may exclude oneself for; the empty one is for good. */
export const SPANS: [days: string, words: string][] = [
  ["1", "24 hours"],
  ["7", "7 days"],
  ["30", "30 days"],
  ["182", "6 months"],
  ["365", "1 year"],
  ["1826", "5 years"],
  ["", "for good"],
];

/** What a line of the statement is. */
export function lineSaid(line: Line): string {
  const of: Record<string, string> = {
    deposit: "Paid in",
    withdrawal: "Paid out",
    bet: `Bet ${line.betId} settled`,
    "bet reversed": `Bet ${line.betId}, settlement taken back`,
    commission: "Commission",
    "commission reversed": "Commission given back",
  };
  const what = of[line.kind] ?? line.kind;
  return line.takenBack ? `${what} (taken back since)` : what;
}

/** A filter of the statement as the node reads it: whole days where the reader is, the last one with its evening. */
export function statementFilter(kind: string, from: string, to: string): Record<string, string> {
  const filter: Record<string, string> = {};
  if (kind && kind !== "all") filter.kind = kind;
  const start = from ? new Date(`${from}T00:00:00`) : undefined;
  const end = to ? new Date(`${to}T23:59:59.999`) : undefined;
  if (start && !Number.isNaN(start.getTime())) filter.from = start.toISOString();
  if (end && !Number.isNaN(end.getTime())) filter.to = end.toISOString();
  return filter;
}
