import { describe, expect, it } from "vitest";
import { problemOf, readEvents } from "../src/lib/api";
import { place, sequence, thickness } from "../src/lib/flow";
import { apply, sentence, type Life } from "../src/lib/fold";
import * as format from "../src/lib/format";
import { Ring } from "../src/lib/ring";

describe("figures", () => {
  it("are read at a glance", () => {
    expect(format.count(1_204)).toBe("1,204");
    expect(format.count(12_345_678)).toBe("12.3\u202fM");
    expect(format.count(undefined)).toBe("–");
    expect([0, 0.04, 1.26, 640].map(format.rate)).toEqual(["0", "<0.1", "1.3", "640"]);
    expect([45, 1_240, 78_000, 3_000_000].map(format.micros)).toEqual(["45\u202fµs", "1.2\u202fms", "78\u202fms", "3.0\u202fs"]);
    expect([5_000, 720_000, 11_100_000, 190_000_000].map(format.age)).toEqual(["5\u202fs", "12\u202fmin", "3\u202fh\u202f05", "2\u202fd\u202f4\u202fh"]);
    expect(format.bytes(67_108_864)).toBe("64.0\u202fMiB");
    expect(format.words("gave_up")).toBe("gave up");
    expect(format.words("crossMatching")).toBe("cross matching");
  });
});

describe("names from outside", () => {
  it("are cut, stay on their line and turn nobody else's text around", () => {
    const cruel = `<b>x</b>\u202egnp.exe\u0000\n${"😀".repeat(5_000)}`;
    const shown = format.name(cruel, 40);
    expect([...shown].length).toBeLessThanOrEqual(40);
    expect(shown.startsWith("<b>x</b>◌gnp.exe␣␣😀")).toBe(true);
    expect(shown).not.toMatch(/[\u0000-\u001f\u202a-\u202e]/);
    expect(shown.endsWith("…")).toBe(true);
  });
  it("that are not there are nothing", () => {
    expect(format.name(undefined)).toBe("");
  });
});

describe("the fold of the log", () => {
  const event = (what: string, more = {}) => ({ seq: 1, atMs: 5, supervisor: "", child: "a", kind: "market", what, ...more });
  it("is what the actor then is", () => {
    let life: Life = { status: "stopped", restarts: 0, incarnation: 0 };
    const after = (what: string, more = {}) => (life = apply(life, event(what, more)));
    expect(after("spawned", { incarnation: 1 })).toMatchObject({ status: "running", incarnation: 1, sinceMs: 5 });
    expect(after("exited").status).toBe("stopped");
    expect(after("restarting")).toMatchObject({ status: "restarting", restarts: 1 });
    expect(after("spawned")).toMatchObject({ status: "running", incarnation: 2 });
    expect(after("operator_acted")).toBe(life);
    expect(after("quarantined").status).toBe("quarantined");
  });
  it("is told in sentences, whatever is missing", () => {
    expect(sentence(event("exited", { exit: { reason: "panicked", detail: { message: "no" } } }))).toBe("ended: panicked: no");
    expect(sentence(event("exited", { exit: { reason: "failed", detail: "why" } }))).toBe("ended: why");
    expect(sentence(event("exited"))).toBe("ended: no reason");
    expect(sentence(event("restarting", { attempt: 2, of: 5, backoffMs: 8 }))).toBe("restart 2 of 5, after 8 ms");
    expect(sentence(event("something_new"))).toBe("something new");
  });
});

describe("what the node says", () => {
  it("is read in one case of keys, listed or wrapped", () => {
    const said = { seq: 3, at_ms: 7, supervisor: "", child: "a", kind: "market", what: "restarting", backoff_ms: 5 };
    for (const answer of [[said], { events: [said] }]) expect(readEvents(answer)[0]).toMatchObject({ atMs: 7, backoffMs: 5, what: "restarting" });
    expect(readEvents("nonsense")).toEqual([]);
    expect(readEvents(undefined)).toEqual([]);
  });
  it("is refused in its own words", () => {
    const refused = problemOf(422, { title: "Unprocessable", field: "mode", reason: "is none of the six" });
    expect(refused.message).toBe("mode: is none of the six");
    expect(problemOf(502, "<html>").title).toContain("502");
  });
});

describe("the flow", () => {
  const edge = (from: string, to: string) => ({ from, to, perS: 1, p99Us: 1, slow: false });
  it("stands as a bet goes, what is unknown behind its senders", () => {
    const placed = place([edge("door", "session"), edge("session", "account"), edge("account", "market"), edge("market", "account"), edge("market", "oracle")]);
    const column = (id: string) => placed.find((it) => it.id === id)!.column;
    expect(["door", "session", "account", "market", "oracle"].map(column)).toEqual([0, 1, 2, 3, 4]);
    expect(thickness(0)).toBe(1);
    expect(thickness(1e12)).toBe(9);
  });
  it("gives every actor of an order's way one lane, in order of time", () => {
    const it = sequence([{ atUs: 9, from: "b", to: "a", what: "reply" }, { atUs: 1, from: "a", to: "b", what: "ask" }]);
    expect(it.lanes).toEqual(["a", "b"]);
    expect(it.steps.map((step) => [step.what, step.fromLane, step.toLane, step.gapUs])).toEqual([["ask", 0, 1, 0], ["reply", 1, 0, 8]]);
  });
});

it("a day of events leaves no more than an hour of them", () => {
  const ring = new Ring<number>(200);
  for (let n = 0; n < 100_000; n += 1) ring.push(n);
  expect(ring.length).toBe(200);
  expect(ring.last()).toBe(99_999);
});
