"use strict";
// Where mailed links lead: the token stands behind the #, which no server is sent.
const token = location.hash.slice(1);
const said = document.getElementById("said");
const form = document.querySelector("form");

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { ok: answer.ok, told: text ? JSON.parse(text) : {} };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const confirms = form.id === "confirm";
  const body = confirms ? { token } : { token, password: document.getElementById("password").value };
  const path = confirms ? "/v1/sign-up/confirm" : "/v1/password/reset";
  said.textContent = "";
  try {
    const { ok, told } = await post(path, body);
    if (!ok) {
      said.textContent = told.detail || told.title || "That did not work.";
      return;
    }
    history.replaceState(null, "", location.pathname);
    form.hidden = true;
    said.textContent = confirms
      ? `Welcome, ${told.username}. You can log in now.`
      : "The password is changed. You can log in with it now.";
  } catch {
    said.textContent = "The node cannot be reached, try again.";
  }
});
