// What a customer does on their own pages, done by Chromium; `test_people.py` runs it.
//
//   node account.mjs '{"base": "http://127.0.0.1:8080", "mail": "<folder of letters>", "shots": "<folder>"}'
//
// PLAYWRIGHT names playwright-core's index.mjs, AXE axe-core's axe.min.js, CHROMIUM the browser. Signs up, follows the
// mailed link, logs in, pays in, sets a limit, ends another log-in, excludes themself, and then looks at every page,
// light and dark, wide and narrow; a fault of a page ends it with an error.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";

const { chromium } = await import(process.env.PLAYWRIGHT ?? "playwright-core");
const { base, mail, shots } = JSON.parse(process.argv[2]);
const axe = readFileSync(process.env.AXE, "utf8");
const PATIENCE_MS = 20_000;
const PASSWORD = "correct horse";
const start = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
// Chromium itself falls over now and then while it starts.
const browser = await start().catch(start);
const complaints = [];
const seen = { pages: 0 };

/** A window of one's own; what the browser complains of (scripts, the policy of contents) is a failure. */
async function open(options = {}) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options })).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Who has not logged in is told so with a status, which is no fault of the page.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) complaints.push(message.text());
  });
  return page;
}

/** The newest link to a place in the letters to an address, once there are so many of them. */
async function link(to, place, count = 1) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const letters = readdirSync(mail).filter((name) => name.endsWith(".eml")).sort();
    const texts = letters.map((name) => readFileSync(`${mail}/${name}`, "utf8").replaceAll("=\r\n", "").replaceAll("=3D", "="));
    const links = texts.filter((text) => text.includes(`To: ${to}\r\n`)).flatMap((text) => text.match(/https?:\S+#\w+/g) ?? []);
    const found = links.filter((it) => it.includes(`/${place}#`));
    if (found.length >= count) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`no ${place} among the letters to ${to}`);
}

const go = (page, screen) => page.goto(`${base}/account#/${screen}`);
const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const form = (page, name) => page.getByRole("form", { name, exact: true });

/** What stands at a field: it has the focus, is marked, and the words are tied to it. */
async function wrongAt(page, field, words) {
  await field.and(page.locator("[aria-invalid=true]")).waitFor();
  const told = await field.evaluate((it) => (it.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" "));
  assert.match(told, words);
  assert.ok(await field.evaluate((it) => it === document.activeElement), "the first wrong field has no focus");
}

async function logIn(page, username, password) {
  await form(page, "Log in").getByLabel("Username").fill(username);
  await form(page, "Log in").getByLabel("Password").fill(password);
  await form(page, "Log in").getByRole("button").click();
}

/** From nothing to a confirmed account. */
async function signUp(page) {
  await page.goto(`${base}/account`);
  await heading(page, "Log in");
  await page.getByRole("link", { name: "Sign up" }).click();
  await heading(page, "Sign up");
  // Whoever goes somewhere by keyboard or ear is at its heading.
  await page.waitForFunction(() => document.activeElement === document.querySelector("h1"));
  const signUp = form(page, "Sign up");
  await signUp.getByRole("button").click();
  await wrongAt(page, signUp.getByLabel("Username"), /Choose a name/);
  await signUp.getByLabel("Username").fill("zoe");
  await signUp.getByLabel("Mail address").fill("zoe");
  await signUp.getByLabel("Password").fill("short");
  await signUp.getByRole("button").click();
  await wrongAt(page, signUp.getByLabel("Mail address"), /not a mail address/);
  await signUp.getByLabel("Mail address").fill("zoe@mail.example");
  await signUp.getByLabel("Password").fill(PASSWORD);
  await signUp.getByRole("button").click();
  await page.getByText("A link is on its way to zoe@mail.example").waitFor();

  const [first] = await link("zoe@mail.example", "confirm");
  await page.goto(first);
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByText("Welcome, zoe").waitFor();
  assert.ok(!page.url().includes("#"), "the token stays in the address");
  const late = await open();
  await late.goto(first);
  await late.getByRole("button", { name: "Confirm" }).click();
  await late.getByRole("alert").getByText("has been used, or its time is up").waitFor();
  await late.getByRole("heading", { name: "Another link" }).waitFor();
  await late.context().close();
  await page.getByRole("link", { name: "Log in" }).click();
}

async function story() {
  const page = await open();
  await signUp(page);
  await logIn(page, "zoe", "wrong horse");
  await page.getByRole("alert").getByText("no such user with this password").waitFor();
  await logIn(page, "zoe", PASSWORD);
  await heading(page, "Money");

  // Money, and the statement of it.
  const playMoney = form(page, "Play money");
  await playMoney.getByLabel("Amount").fill("fifty");
  await playMoney.getByRole("button").click();
  await wrongAt(page, playMoney.getByLabel("Amount"), /such as 20 or 12.50/);
  await playMoney.getByLabel("Amount").fill("50");
  await playMoney.getByRole("button").click();
  await page.locator("[data-figure=balance]", { hasText: "£50.00" }).waitFor();
  await page.getByRole("status").getByText("£50.00 paid in").waitFor();
  await page.getByRole("button", { name: "Mail me at every change" }).click();
  await page.getByRole("button", { name: "No more mail" }).waitFor();
  await page.getByRole("link", { name: "Statement" }).click();
  await page.locator("#statement tr", { hasText: "Paid in" }).getByText("£50.00").first().waitFor();
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name: "As a table" }).click();
  const table = readFileSync(await (await coming).path(), "utf8");
  assert.match(table, /^number,at,kind,market,bet,amount,balance\r\n\d+,[^,]+,deposit,,,50\.00,50\.00\r\n$/);
  await page.getByLabel("What").selectOption("bets");
  await page.getByText("Nothing has moved the balance here").waitFor();

  // Limits: what is too much is said at the field.
  await page.getByRole("link", { name: "Limits" }).click();
  await page.getByText("You have set no limits").waitFor();
  const limit = form(page, "Set a limit");
  await limit.getByLabel("At most").fill("60");
  await limit.getByRole("button").click();
  await page.locator("#limits tr", { hasText: "Paying in" }).getByText("£60.00").waitFor();
  await limit.getByLabel("At most").fill("80");
  await limit.getByRole("button").click();
  await page.getByRole("status").getByText("Until then it stays at £60.00").waitFor();
  await go(page, "money");
  await playMoney.getByLabel("Amount").fill("10.01");
  await playMoney.getByRole("button").click();
  await wrongAt(page, playMoney.getByLabel("Amount"), /more than your deposit limit still allows/);

  // Another log-in, ended from here; a new password.
  const other = await open();
  await go(other, "limits");
  await logIn(other, "zoe", PASSWORD);
  await heading(other, "Limits");
  await page.getByRole("link", { name: "Log-ins" }).click();
  await page.getByRole("button", { name: /^End log-in/ }).click();
  await page.getByText("That log-in has ended").waitFor();
  await other.getByRole("link", { name: "Money" }).click();
  await heading(other, "Log in");
  await other.context().close();
  const password = form(page, "Another password");
  await password.getByLabel("Password until now").fill("wrong horse");
  await password.getByLabel("New password").fill("battery staple");
  await password.getByRole("button").click();
  await wrongAt(page, password.getByLabel("Password until now"), /not your password/);
  await password.getByLabel("Password until now").fill(PASSWORD);
  await password.getByLabel("New password").fill("battery staple");
  await password.getByRole("button").click();
  await page.getByText("The password is changed").waitFor();

  // Forgotten all the same: the mailed link makes another.
  const forgetful = await open();
  await go(forgetful, "forgotten");
  await form(forgetful, "Password forgotten").getByLabel("Mail address").fill("zoe@mail.example");
  await forgetful.getByRole("button", { name: "Mail me a link" }).click();
  await forgetful.getByText("a link is on its way to it").waitFor();
  const [reset] = await link("zoe@mail.example", "reset");
  await forgetful.goto(reset);
  await forgetful.getByLabel("New password", { exact: true }).fill("tr0ub4dor and 3");
  await forgetful.getByRole("button", { name: "Choose" }).click();
  await forgetful.getByText("The password is changed").waitFor();
  await forgetful.context().close();
  await go(page, "limits");
  await heading(page, "Log in");
  await logIn(page, "zoe", "tr0ub4dor and 3");
  await heading(page, "Limits");

  await pages(page);

  // And out.
  await go(page, "exclusion");
  const exclude = form(page, "Exclude yourself");
  await exclude.getByRole("button").click();
  await wrongAt(page, exclude.getByRole("checkbox"), /Tick this box/);
  await exclude.getByRole("checkbox").check();
  await exclude.getByRole("button").click();
  await page.locator("#exclusion", { hasText: "You have excluded yourself until" }).waitFor();
  await look(page, "account-excluded");
  await go(page, "money");
  await page.getByText("No bets and no deposits until then").waitFor();
  assert.equal(await playMoney.count(), 0, "who is excluded is asked to pay in");
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Log in");
  await page.goto(`${base}/try`);
  await page.getByText("/v1/account/limits").first().waitFor();
}

const wrong = [];
const SIZES = { wide: { width: 1280, height: 860 }, wall: { width: 2560, height: 1440 }, narrow: { width: 360, height: 740 } };

/** One page as it stands now, in each light and size: axe, nothing wider than the screen, a picture. */
async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const [kind, size] of Object.entries(SIZES)) {
      await page.setViewportSize(size);
      if (shots) await page.screenshot({ path: `${shots}/${name}-${colorScheme}-${kind}.png`, fullPage: true });
      await page.evaluate(axe);
      const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      for (const it of found.violations) wrong.push(`${name} ${colorScheme} ${kind}: ${it.id} ${it.nodes[0].target.join(" ")} ${it.nodes[0].failureSummary}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) wrong.push(`${name} ${colorScheme} ${kind}: ${over} pixels wider than the screen`);
      seen.pages += 1;
    }
  }
  await page.setViewportSize(SIZES.wide);
  await page.emulateMedia({ colorScheme: "light" });
}

/** Every page, within and without. */
async function pages(page) {
  if (shots) mkdirSync(shots, { recursive: true });
  const INSIDE = { money: "What you have", statement: "As a table", limits: "Set a limit", exclusion: "Exclude me", "log-ins": "Where you are logged in" };
  for (const [screen, text] of Object.entries(INSIDE)) {
    await go(page, screen);
    await page.getByText(text).first().waitFor();
    await page.getByText("One moment").waitFor({ state: "hidden" });
    await look(page, `account-${screen}`);
  }
  const stranger = await open();
  for (const screen of ["log-in", "sign-up", "forgotten"]) {
    await go(stranger, screen);
    await stranger.getByRole("form").first().waitFor();
    await stranger.getByRole("form").first().getByRole("button").click();
    await stranger.locator("[aria-invalid=true]").first().waitFor();
    await look(stranger, `account-${screen}`);
  }
  await stranger.goto(`${base}/confirm#${"0".repeat(64)}`);
  await stranger.getByRole("button", { name: "Confirm" }).click();
  await stranger.getByRole("heading", { name: "Another link" }).waitFor();
  await look(stranger, "account-confirm");
  await stranger.goto(`${base}/reset#${"0".repeat(64)}`);
  await stranger.getByRole("form").waitFor();
  await look(stranger, "account-reset");
  await stranger.context().close();
}

try {
  await story();
  assert.deepEqual(wrong, []);
  assert.deepEqual(complaints, [], "the browser complained");
  console.log(JSON.stringify(seen));
} catch (error) {
  console.log(JSON.stringify({ ...seen, wrong, complaints }));
  throw error;
} finally {
  await browser.close();
}
