//! The documents of the API: OpenAPI 3.1 of what speaks JSON, AsyncAPI 3.0 of the streams.
//!
//! Owns     nothing: everything is said by the table of routes; only the shapes of answers stand here.

use serde_json::{Map, Value, json};

use super::schema::{object_schema, schema_of};
use super::table::{Access, ROUTES, Route};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Paths of streams, with what each carries: the binary order channel, and Betfair's stream.
pub const CHANNELS: &[(&str, &str, &str)] = &[
    (
        "/v1/orders",
        "orders",
        "A WebSocket of MessagePack arrays: orders in, answers out, many open at once",
    ),
    (
        "/stream",
        "stream",
        "A WebSocket of JSON lines ended by CRLF: the Exchange Stream API, markets and orders",
    ),
];

/// `/openapi.json`.
pub fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Laybook native API",
            "version": VERSION,
            "description": "Amounts and prices are decimal texts, times RFC 3339. Refusals are RFC 9457 \
                            problems that name the field. Unknown members are refused.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer",
                    "description": "A session's token, or an API key (lbk_...)" },
            },
            "schemas": answers(),
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = names(route.path)
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    parameters.extend(route.query.iter().map(|field| {
        json!({
            "name": field.name, "in": "query", "required": field.needed, "schema": schema_of(field),
        })
    }));
    if route.keyed {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same request under the same key is done once",
            "schema": { "type": "string", "pattern": "^[!-~]{1,64}$" },
        }));
    }
    let mut operation = json!({
        "operationId": format!("{:?}", route.operation),
        "summary": route.summary,
        "responses": responses(route),
    });
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if route.method != "GET" && route.method != "DELETE" {
        operation["requestBody"] = json!({
            "required": route.body.iter().any(|field| field.needed),
            "content": { "application/json": { "schema": object_schema(route.body) } },
        });
    }
    operation["security"] = match route.access {
        Access::Anyone => json!([]),
        _ => json!([{ "bearer": [] }]),
    };
    let scope = match route.access {
        Access::Anyone | Access::Person => None,
        Access::Read => Some("read"),
        Access::Bet => Some("bet"),
        Access::Manage => Some("account"),
    };
    if let Some(scope) = scope {
        operation["x-scope"] = json!(scope);
    }
    operation
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let done = match route.answer {
        "" => json!({ "description": "Done" }),
        "text/csv" => json!({
            "description": "A table",
            "content": { "text/csv": { "schema": { "type": "string" } } },
        }),
        name => json!({
            "description": "Done",
            "content": { "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{name}") },
            } },
        }),
    };
    responses.insert(route.status.to_string(), done);
    let common = [400, 401, 403, 415, 429, 503];
    for status in common.iter().chain(route.refusals) {
        let problem = json!({
            "description": "Refused",
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
            } },
        });
        responses.insert(status.to_string(), problem);
    }
    Value::Object(responses)
}

/// An object all of whose members are there; `?` before a type: or null.
fn shape(members: &[(&str, &str)]) -> Value {
    let kind = |kind: &str| {
        let (bare, null) = match kind.strip_prefix('?') {
            Some(bare) => (bare, true),
            None => (kind, false),
        };
        let mut schema = match bare.strip_prefix('[') {
            Some(of) => {
                let of = of.trim_end_matches(']');
                let items = match of {
                    "string" => json!({ "type": "string" }),
                    of => json!({ "$ref": format!("#/components/schemas/{of}") }),
                };
                json!({ "type": "array", "items": items })
            }
            None => match bare {
                "string" | "integer" | "boolean" | "object" => json!({ "type": bare }),
                "time" => json!({ "type": "string", "format": "date-time" }),
                "amount" => json!({ "type": "string", "pattern": "^-?[0-9]+\\.[0-9]{2}$" }),
                "price" => json!({ "type": "string" }),
                of => return json!({ "$ref": format!("#/components/schemas/{of}") }),
            },
        };
        if null && let Some(kind) = schema.get("type").cloned() {
            schema["type"] = json!([kind, "null"]);
        }
        schema
    };
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, of)| (name.trim_end_matches('~').to_owned(), kind(of)))
        .collect();
    // A name that ends in ~ may be absent.
    let required: Vec<&str> =
        members.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('~')).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The shapes of answers.
fn answers() -> Value {
    let funds = [
        ("balance", "amount"),
        ("available", "amount"),
        ("exposure", "amount"),
        ("status", "string"),
    ];
    let person = [
        ("accountId", "integer"),
        ("username", "string"),
        ("email", "?string"),
        ("mailAboutBets", "boolean"),
        ("playMoney", "?string"),
    ];
    let key = [
        ("id", "string"),
        ("name", "string"),
        ("scopes", "[string]"),
        ("created", "time"),
        ("expires", "?time"),
        ("lastUsed", "?time"),
    ];
    let runner = [("selectionId", "integer"), ("handicap~", "string")];
    let of_runner = |more: &[(&'static str, &'static str)]| shape(&[&runner[..], more].concat());
    json!({
        "Problem": shape(&[
            ("type", "string"), ("title", "string"), ("status", "integer"), ("code", "string"),
            ("field~", "string"), ("detail~", "string"),
        ]),
        "Confirmed": shape(&[("username", "string"), ("appKey", "string")]),
        "LoggedIn": shape(&[
            ("token", "string"), ("appKey", "string"), ("expiresInS", "integer"),
        ]),
        "Session": shape(&[
            ("id", "string"), ("expires", "time"), ("appKey", "string"), ("current", "boolean"),
        ]),
        "Sessions": shape(&[("sessions", "[Session]")]),
        "Funds": shape(&funds),
        "Account": shape(&[&funds[..], &person[..]].concat()),
        "Line": shape(&[
            ("number", "integer"), ("at", "time"), ("kind", "string"), ("marketId", "?string"),
            ("betId", "?string"), ("amount", "amount"), ("balance", "amount"),
            ("takenBack", "boolean"),
        ]),
        "Statement": shape(&[("lines", "[Line]"), ("more", "boolean")]),
        "Limit": shape(&[
            ("kind", "string"), ("window", "string"), ("amount", "?amount"), ("used", "amount"),
            ("next", "?object"),
        ]),
        "Limits": shape(&[("limits", "[Limit]")]),
        "Exclusion": shape(&[("excluded", "boolean"), ("since", "?time"), ("until", "?time")]),
        "ApiKey": shape(&key),
        "ApiKeys": shape(&[("apiKeys", "[ApiKey]")]),
        "NewApiKey": shape(&[&key[..], &[("key", "string")]].concat()),
        "Runner": of_runner(&[("name", "string")]),
        "Market": shape(&[
            ("marketId", "string"), ("name", "string"), ("type", "string"), ("event", "?string"),
            ("startTime", "time"), ("status", "string"), ("inPlay", "boolean"),
            ("runners", "[Runner]"),
        ]),
        "Markets": shape(&[("markets", "[Market]")]),
        "Offer": shape(&[("price", "price"), ("size", "amount")]),
        "RunnerBook": of_runner(&[
            ("toBack", "[Offer]"), ("toLay", "[Offer]"),
            ("lastPrice", "?price"), ("totalMatched", "amount"), ("removed", "boolean"),
        ]),
        "Book": shape(&[
            ("marketId", "string"), ("status", "string"), ("inPlay", "boolean"),
            ("betDelayS", "integer"), ("version", "integer"), ("totalMatched", "amount"),
            ("runners", "[RunnerBook]"),
        ]),
        "Order": of_runner(&[
            ("betId", "string"), ("marketId", "string"), ("side", "string"), ("price", "price"),
            ("size", "amount"), ("matched", "amount"), ("remaining", "amount"),
            ("cancelled", "amount"), ("lapsed", "amount"), ("voided", "amount"),
            ("placedAt", "time"), ("open", "boolean"),
        ]),
        "Orders": shape(&[("orders", "[Order]"), ("more", "boolean")]),
        "Placed": shape(&[
            ("betId", "string"), ("placedAt", "time"), ("matched", "amount"), ("open", "boolean"),
        ]),
        "Cancellation": shape(&[("betId", "string"), ("size", "amount"), ("at", "time")]),
        "Cancelled": shape(&[("cancelled", "[Cancellation]")]),
    })
}

/// `/asyncapi.json`.
pub fn asyncapi() -> Value {
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for (path, name, about) in CHANNELS {
        channels.insert(
            (*name).to_owned(),
            json!({
                "address": path,
                "description": about,
                "messages": { "message": { "payload": {}, "summary": about } },
            }),
        );
        for (action, verb) in [("receive", "Send"), ("send", "Receive")] {
            operations.insert(
                format!("{name}{verb}"),
                json!({
                    "action": action,
                    "channel": { "$ref": format!("#/channels/{name}") },
                }),
            );
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Laybook streams", "version": VERSION },
        "servers": { "node": { "host": "{host}", "protocol": "ws",
            "variables": { "host": { "default": "127.0.0.1:8080" } } } },
        "channels": channels,
        "operations": operations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_document_is_the_table_and_nothing_else() {
        let document = openapi();
        let mut told = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                told.insert((method.to_ascii_uppercase(), path.clone()));
            }
        }
        let served: BTreeSet<_> =
            ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
        assert_eq!(told, served);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(document: &Value, value: &Value) {
            match value {
                Value::Object(object) => {
                    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                        let pointer = reference.trim_start_matches('#');
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    object.values().for_each(|value| check(document, value));
                }
                Value::Array(items) => items.iter().for_each(|value| check(document, value)),
                _ => {}
            }
        }
        for document in [openapi(), asyncapi()] {
            check(&document, &document);
        }
    }

    #[test]
    fn every_shape_is_some_routes_answer_or_part_of_one() {
        let text = openapi().to_string();
        for name in answers().as_object().unwrap().keys() {
            assert!(text.contains(&format!("#/components/schemas/{name}\"")), "{name}");
        }
    }
}
