// What a customer does on their own page, done by Chromium; `test_people.py` runs it.
//
//   node account.mjs '{"base": "http://127.0.0.1:8080", "mail": "<folder of letters>"}'
//
// PLAYWRIGHT names playwright-core's index.mjs, CHROMIUM the browser. Signs up, follows the mailed link, logs in,
// pays in, sets a limit, excludes themself; a fault of a page ends it with an error.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";

const { chromium } = await import(process.env.PLAYWRIGHT ?? "playwright-core");
const { base, mail } = JSON.parse(process.argv[2]);
const PATIENCE_MS = 20_000;
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const complaints = [];

/** The link in the first letter to an address. */
async function link(to) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    for (const name of readdirSync(mail).filter((name) => name.endsWith(".eml"))) {
      const text = readFileSync(`${mail}/${name}`, "utf8").replaceAll("=\r\n", "").replaceAll("=3D", "=");
      if (text.includes(`To: ${to}\r\n`)) return text.match(/https?:\S+#\w+/)[0];
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`no letter to ${to}`);
}

try {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Who has not logged in is told so with a status, which is no fault of the page.
    if (message.type() === "error" && !message.text().includes("the server responded with a status of")) {
      complaints.push(message.text());
    }
  });
  const says = (text) => page.locator("#said", { hasText: text }).waitFor();

  await page.goto(`${base}/account`);
  const signUp = page.locator("#sign-up");
  await signUp.getByLabel("Username").fill("zoe");
  await signUp.getByLabel("Mail address").fill("zoe@mail.example");
  await signUp.getByLabel("Password").fill("correct horse");
  await signUp.getByRole("button").click();
  await says("on its way");

  await page.goto(await link("zoe@mail.example"));
  await page.getByRole("button", { name: "Confirm" }).click();
  await says("Welcome, zoe");
  await page.getByRole("link", { name: "Your account" }).click();

  const login = page.locator("#login");
  await login.getByLabel("Username").fill("zoe");
  await login.getByLabel("Password").fill("wrong horse");
  await login.getByRole("button").click();
  await says("no such user with this password");
  await login.getByLabel("Username").fill("zoe");
  await login.getByLabel("Password").fill("correct horse");
  await login.getByRole("button").click();

  await page.getByLabel("Play money").fill("50.00");
  await page.getByRole("button", { name: "Pay in" }).click();
  await page.locator("#money", { hasText: "balance 50.00" }).waitFor();
  await page.locator("#statement tr", { hasText: "deposit" }).waitFor();
  await page.getByLabel("At most").fill("60.00");
  await page.getByRole("button", { name: "Set the limit" }).click();
  await page.locator("#limits li", { hasText: "at most 60.00, 50.00 used" }).waitFor();
  await page.getByLabel("Play money").fill("10.01");
  await page.getByRole("button", { name: "Pay in" }).click();
  await says("deposit limit");

  await page.getByLabel("For so many days").fill("7");
  await page.getByLabel("Write EXCLUDE").fill("EXCLUDE");
  await page.getByRole("button", { name: "Exclude me" }).click();
  await page.locator("#exclusion", { hasText: "You have excluded yourself until" }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.locator("#login").waitFor();

  await page.goto(`${base}/try`);
  await page.getByText("/v1/account/limits").first().waitFor();
  assert.deepEqual(complaints, []);
  console.log("seen");
} finally {
  await browser.close();
}
