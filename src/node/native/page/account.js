"use strict";
// A customer's own page, over the native API and its cookie alone.
const by = (id) => document.getElementById(id);
const said = by("said");

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await answer.text();
  const told = text ? JSON.parse(text) : {};
  if (!answer.ok) {
    const error = new Error(told.field ? `${told.field}: ${told.detail}` : told.detail || told.title);
    error.status = answer.status;
    throw error;
  }
  return told;
}

// A form's fields that were filled in.
function filled(form) {
  const body = {};
  for (const [name, value] of new FormData(form)) if (value !== "") body[name] = value;
  return body;
}

function item(text, button, act) {
  const made = document.createElement("li");
  made.append(text);
  if (button) {
    const press = document.createElement("button");
    press.textContent = button;
    press.addEventListener("click", () => attempt(act));
    made.append(" ", press);
  }
  return made;
}

async function attempt(act) {
  said.textContent = "";
  try {
    said.textContent = (await act()) || "";
  } catch (error) {
    said.textContent = error.status ? error.message : "The node cannot be reached, try again.";
  }
  await show();
}

function on(id, act) {
  const form = by(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const told = await act(filled(form));
      form.reset();
      return told;
    });
  });
}

let mailed = false;

async function show() {
  let account;
  try {
    account = await ask("GET", "/v1/account");
  } catch (error) {
    by("inside").hidden = true;
    by("outside").hidden = error.status !== 401;
    if (error.status !== 401) said.textContent = error.message;
    return;
  }
  by("outside").hidden = true;
  by("inside").hidden = false;
  mailed = account.mailAboutBets;
  by("mail-button").textContent = mailed ? "No more mail about bets" : "Mail me at every change of a bet";
  by("mail").hidden = !account.email;
  by("deposit").hidden = !account.playMoney;
  by("money").textContent =
    `${account.username}: balance ${account.balance}, of it ${account.available} to bet with, ${account.exposure} held.`;
  const [limits, exclusion, sessions, statement] = await Promise.all([
    ask("GET", "/v1/account/limits"),
    ask("GET", "/v1/account/exclusion"),
    ask("GET", "/v1/sessions"),
    ask("GET", "/v1/account/statement"),
  ]);
  by("limits").replaceChildren(...limits.limits.map((limit) => {
    const amount = limit.amount === null ? "no limit" : `at most ${limit.amount}`;
    const next = limit.next ? `; from ${limit.next.from} ${limit.next.amount || "no limit"}` : "";
    return item(`${limit.kind} within a ${limit.window}: ${amount}, ${limit.used} used${next}`);
  }));
  by("exclusion").textContent = exclusion.excluded
    ? `You have excluded yourself ${exclusion.until ? `until ${exclusion.until}` : "for good"}.`
    : "You have not excluded yourself.";
  by("sessions").replaceChildren(...sessions.sessions.map((session) => session.current
    ? item(`This one, until ${session.expires}`)
    : item(`Another, until ${session.expires}`, "End it", async () => {
      await ask("DELETE", `/v1/sessions/${session.id}`);
      return "That session has ended.";
    })));
  by("statement").replaceChildren(...statement.lines.map((line) => {
    const row = document.createElement("tr");
    for (const text of [line.at, line.kind, line.amount, line.balance]) {
      const cell = document.createElement("td");
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  }));
}

on("login", async (body) => {
  await ask("POST", "/v1/login", body);
});
on("sign-up", async (body) => {
  await ask("POST", "/v1/sign-up", body);
  return "A link is on its way to you; it is good for 15 minutes.";
});
on("forgotten", async (body) => {
  await ask("POST", "/v1/password/forgotten", body);
  return "If the address is known here, a link is on its way to it.";
});
on("deposit", async (body) => {
  await ask("POST", "/v1/account/deposit", body);
  return "Paid in.";
});
on("mail", async () => {
  await ask("PATCH", "/v1/account", { mailAboutBets: !mailed });
});
on("logout", async () => {
  await ask("POST", "/v1/logout", {});
  return "You are logged out.";
});
on("limit", async (body) => {
  await ask("PUT", "/v1/account/limits", body);
  return "The limit is set.";
});
on("exclude", async (body) => {
  delete body.sure;
  if (body.days) body.days = Number(body.days);
  await ask("POST", "/v1/account/exclusion", body);
  return "You have excluded yourself.";
});
show();
