import { describe, expect, it } from "vitest";
import { csvHref, type Limit } from "../src/account/api";
import { Keys } from "../src/account/keys";
import { place, shown } from "../src/account/place";
import { amountOf, checks, exclusionSaid, limitSet, lineSaid, said, statementFilter } from "../src/account/words";
import { problemOf } from "../src/lib/ask";
import { money } from "../src/lib/format";

describe("where a customer is", () => {
  it("is said by the address, and mailed links have one of their own", () => {
    expect(place("/account", "#/limits")).toEqual({ screen: "limits", token: "" });
    expect(place("/account", "")).toEqual({ screen: undefined, token: "" });
    expect(place("/account", "#/__proto__").screen).toBeUndefined();
    expect(place("/confirm", "#ab12")).toEqual({ screen: "confirm", token: "ab12" });
    expect(place("/reset", `#${"a".repeat(500)}`).token).toHaveLength(128);
  });
  it("shows nothing of the inside to a stranger, nor the way in to who is in", () => {
    expect(shown("limits", false)).toBe("log-in");
    expect(shown("sign-up", false)).toBe("sign-up");
    expect(shown("sign-up", true)).toBe("money");
    expect(shown(undefined, true)).toBe("money");
    expect(["confirm", "reset"].map((it) => shown(it as "confirm", true))).toEqual(["confirm", "reset"]);
  });
});

describe("checks", () => {
  it("say what is wrong before anything is sent", () => {
    expect(["zoe", "z.o_e-9"].map(checks.username)).toEqual(["", ""]);
    for (const name of ["", "zoë", "a b", "<b>", "x".repeat(65)]) expect(checks.username(name)).not.toBe("");
    expect(["zoe@mail.example", "o'brien+bets@a.b"].map(checks.email)).toEqual(["", ""]);
    for (const address of ["", "zoe", "@b", "a@", "a b@c", "a@b\r\nBcc: x@y"]) expect(checks.email(address)).not.toBe("");
    // Bytes count, as the node counts them.
    expect(checks.newPassword("öööö")).toBe("");
    for (const password of ["", "1234567", "x".repeat(129)]) expect(checks.newPassword(password)).not.toBe("");
    expect(["1", "0.01", "12.5", "999999999.99"].map(checks.amount)).toEqual(["", "", "", ""]);
    for (const amount of ["", "0", "0.00", "-1", "1e3", "1,000", "12.345", ".5", "NaN"]) expect(checks.amount(amount)).not.toBe("");
    expect([checks.limit("0"), checks.limit("0.00"), checks.limit("5")]).toEqual(["", "", ""]);
    expect(checks.limit("-0")).not.toBe("");
    expect(amountOf(" £12.50 ")).toBe("12.50");
  });
});

describe("refusals", () => {
  const refusal = (status: number, body: object) => said(problemOf(status, body));
  it("are whole sentences in plain words", () => {
    expect(refusal(401, { code: "wrong_credentials" })).toBe("There is no such user with this password.");
    expect(refusal(409, { code: "deposit_limit", field: "amount", detail: "x" })).toMatch(/deposit limit/);
    expect(refusal(400, { code: "invalid", field: "username", detail: "must not be empty" })).toBe("This must not be empty.");
    expect(refusal(400, { code: "bad_amount", field: "amount", detail: "is more than 1000.00 at once" })).toBe("This is more than 1000.00 at once.");
    expect(refusal(429, { code: "too_many_requests", detail: "too many requests, come back in 60 s" })).toBe("That was tried too often. Come back in 60 s.");
    expect(refusal(0, {})).toMatch(/does not answer/);
    expect(refusal(503, { code: "busy", detail: "the queue of home is full" })).toMatch(/busy or restarting/);
    expect(refusal(418, {})).toMatch(/\.$/);
  });
});

describe("what came of it", () => {
  const limit = (amount: string | null, next: Limit["next"] = null): Limit => ({ kind: "deposit", window: "day", amount, used: "0.00", next });
  it("says when a limit holds", () => {
    expect(limitSet([limit("20.00")], "deposit", "day")).toBe("The limit of £20.00 holds from now on.");
    const later = limitSet([limit("20.00", { from: "2026-12-01T10:00:00Z", amount: null })], "deposit", "day");
    expect(later).toMatch(/^What you asked for comes later: no limit from 1 Dec 2026, .* Until then it stays at £20\.00\.$/);
  });
  it("says for how long somebody is out", () => {
    expect(exclusionSaid({ excluded: false, since: null, until: null })).toBe("You have not excluded yourself.");
    expect(exclusionSaid({ excluded: true, since: "x", until: null })).toMatch(/for good/);
    expect(exclusionSaid({ excluded: true, since: "x", until: "2026-12-07T10:00:00Z" })).toMatch(/until 7 Dec 2026/);
  });
  it("names a line of the statement, and a kind that is new by its own word", () => {
    const line = { number: 1, at: "", kind: "bet", marketId: "1.2", betId: "100", amount: "1.00", balance: "1.00", takenBack: false };
    expect(lineSaid(line)).toBe("Bet 100 settled");
    expect(lineSaid({ ...line, takenBack: true })).toBe("Bet 100 settled (taken back since)");
    expect(lineSaid({ ...line, kind: "bonus" })).toBe("bonus");
    expect([money("-1234.50"), money("0.00"), money(null)]).toEqual(["−£1,234.50", "£0.00", "–"]);
  });
  it("filters by whole days where the reader is", () => {
    const filter = statementFilter("bets", "2026-11-01", "2026-11-30");
    expect(filter.kind).toBe("bets");
    expect(Date.parse(filter.to!) - Date.parse(filter.from!)).toBeGreaterThan(29 * 86_400_000);
    expect(statementFilter("all", "", "")).toEqual({});
    expect(statementFilter("all", "nonsense", "")).toEqual({});
    expect(csvHref(filter)).toMatch(/^\/v1\/account\/statement\.csv\?kind=bets&from=2026-1.*%3A/);
  });
});

describe("keys of what is done once", () => {
  it("stay the same until there was an answer, and are few", () => {
    let drawn = 0;
    const keys = new Keys(() => `key${(drawn += 1)}`);
    expect([keys.of("pay 5"), keys.of("pay 5"), keys.of("pay 6")]).toEqual(["key1", "key1", "key2"]);
    keys.answered("pay 5");
    expect(keys.of("pay 5")).toBe("key3");
    for (let n = 0; n < 100; n += 1) keys.of(`pay ${n}.00`);
    expect(keys.of("pay 99.00")).toBe("key103");
    expect(keys.of("pay 6")).toBe("key104");
    expect(new Keys().of("x")).toMatch(/^[0-9a-f]{32}$/);
  });
});
