// Figures and names as people read them. Pure; never says more digits than it knows.

const THIN = "\u202f";

/** `1,204`; above ten million `12.3 M`. */
export function count(value: number | undefined | null): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e10) return `${(value / 1e9).toFixed(1)}${THIN}G`;
  if (size >= 1e7) return `${(value / 1e6).toFixed(1)}${THIN}M`;
  return Math.round(value).toLocaleString("en-GB");
}

/** A rate: one decimal below ten, so that a slow trickle is not nothing. */
export function rate(value: number | undefined | null): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  if (value < 0.1) return "<0.1";
  return value < 10 ? value.toFixed(1) : count(value);
}

/** Microseconds: `45 µs`, `1.2 ms`, `3.0 s`. */
export function micros(us: number | undefined | null): string {
  if (us === undefined || us === null || !Number.isFinite(us)) return "–";
  if (us < 1000) return `${Math.round(us)}${THIN}µs`;
  if (us < 1e6) return `${scaled(us / 1000)}${THIN}ms`;
  return `${scaled(us / 1e6)}${THIN}s`;
}

function scaled(value: number): string {
  return value < 10 ? value.toFixed(1) : value < 1000 ? String(Math.round(value)) : count(value);
}

/** Milliseconds of a machine: `3 ms`, `1.2 s`. */
export function millis(ms: number | undefined | null): string {
  return ms === undefined || ms === null ? "–" : micros(ms * 1000);
}

/** How long something has been so, in one or two units: `45 s`, `12 min`, `3 h 05`, `2 d 4 h`. */
export function age(ms: number | undefined | null): string {
  if (ms === undefined || ms === null || !Number.isFinite(ms)) return "–";
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}${THIN}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${THIN}min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}${THIN}h${THIN}${String(minutes % 60).padStart(2, "0")}`;
  return `${Math.floor(hours / 24)}${THIN}d${THIN}${hours % 24}${THIN}h`;
}

export function bytes(value: number | undefined | null): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)}${THIN}${units[unit]}`;
}

const pad = (value: number, width = 2) => String(value).padStart(width, "0");

/** The time of day where the reader is, to the second; with milliseconds when asked. */
export function clock(atMs: number, withMillis = false): string {
  const at = new Date(atMs);
  const text = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return withMillis ? `${text}.${pad(at.getMilliseconds(), 3)}` : text;
}

/** Day and time, the day left out when it is today. */
export function moment(atMs: number, nowMs: number, withMillis = false): string {
  const at = new Date(atMs);
  const time = clock(atMs, withMillis);
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

/** Longest text of a name that is handed to the page at all; the rest is never laid out. */
export const NAME_MAX = 160;

/**
 * A name from outside as it may stand in a line: one line, cut, with what would turn or hide its neighbours made
 * visible. Markup needs nothing: the page only ever sets text.
 */
export function name(text: string | undefined | null, longest = NAME_MAX): string {
  if (!text) return "";
  // Cut before anything else walks over it: it may be ten kilobytes of emoji.
  let cut = text.length > longest * 2 ? text.slice(0, longest * 2) : text;
  cut = cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "\u2423");
  cut = cut.replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, "\u25cc");
  const letters = [...cut];
  const long = letters.length > longest || cut.length < text.length;
  return long ? `${letters.slice(0, longest - 1).join("")}…` : cut;
}

/** `1 market`, `2 markets`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** JSON as it is shown: indented, and never longer than what a page can bear. */
export function json(value: unknown, longest = 20_000): string {
  const text = JSON.stringify(value, null, 2) ?? "";
  return text.length > longest ? `${text.slice(0, longest)}\n… ${count(text.length - longest)} characters more` : text;
}

/** Snake and camel case as words: `start_failed` → `start failed`, `crossMatching` → `cross matching`. */
export function words(key: string): string {
  return key.replace(/_/g, " ").replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

/** An amount as the node writes it, in pounds: `1234.50` → `£1,234.50`. */
export function money(value: string | number | undefined | null): string {
  if (value === undefined || value === null) return "–";
  const text = String(value);
  const match = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  return match ? `${match[1] ? "−" : ""}£${match[2]!.replace(/\B(?=(\d{3})+$)/g, ",")}${match[3] ?? ""}` : text;
}
