"use strict";
// A page to try every route, made of the document alone.
const token = document.getElementById("token");
const list = document.getElementById("operations");

function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  return made;
}

function sample(schema) {
  if (schema.enum) return schema.enum[0];
  if (schema.examples) return schema.examples[0];
  if (schema.oneOf) return sample(schema.oneOf[0]);
  switch ([schema.type].flat()[0]) {
    case "object": {
      const made = {};
      for (const name of schema.required || []) made[name] = sample(schema.properties[name]);
      return made;
    }
    case "array": return [sample(schema.items)];
    case "integer": return schema.minimum || 1;
    case "boolean": return true;
    default: return "";
  }
}

function show(path, method, operation) {
  const row = element("details");
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), { class: "method" }), `${path}  ${operation.summary}`);
  row.append(summary);
  const form = element("form");
  const inputs = [];
  for (const parameter of operation.parameters || []) {
    const id = `${operation.operationId}-${parameter.name}`;
    form.append(element("label", `${parameter.name} (${parameter.in})`, { for: id }));
    const input = element("input", "", { id });
    form.append(input);
    inputs.push([parameter, input]);
  }
  let body = null;
  if (operation.requestBody) {
    const schema = operation.requestBody.content["application/json"].schema;
    const id = `${operation.operationId}-body`;
    form.append(element("label", "body", { for: id }));
    body = element("textarea", "", { id });
    body.value = JSON.stringify(sample(schema), null, 2);
    form.append(body);
    const known = Object.entries((schema.items || schema).properties).map(([name, of]) => (of.description ? `${name}: ${of.description}` : name));
    if (known.length) form.append(element("p", known.join("; ")));
  }
  form.append(element("button", "Send"));
  const told = element("pre", "", { role: "status" });
  told.hidden = true;
  form.append(told);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [parameter, input] of inputs) {
      if (!input.value) continue;
      if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      if (parameter.in === "query") query.set(parameter.name, input.value);
      if (parameter.in === "header") headers[parameter.name] = input.value;
    }
    if ([...query].length) url += `?${query}`;
    if (token.value) headers.Authorization = `Bearer ${token.value}`;
    if (body) headers["Content-Type"] = "application/json";
    told.hidden = false;
    try {
      const answer = await fetch(url, { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
      const text = await answer.text();
      told.textContent = `${answer.status} ${answer.headers.get("x-request-id") || ""}\n${pretty(text)}`;
      if (operation.operationId === "LogIn" && answer.ok) token.value = JSON.parse(text).token;
    } catch {
      told.textContent = "The node cannot be reached.";
    }
  });
  row.append(form);
  list.append(row);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

fetch("/openapi.json").then((answer) => answer.json()).then((openapi) => {
  for (const [path, item] of Object.entries(openapi.paths)) {
    for (const [method, operation] of Object.entries(item)) show(path, method, operation);
  }
});
