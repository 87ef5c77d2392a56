//! The documents of the API: OpenAPI 3.1 of what speaks JSON, AsyncAPI 3.0 of the streams.
//!
//! Owns     nothing: everything is said by the table of routes, and by `shapes` of the answers.

use serde_json::{Map, Value, json};

use super::schema::{object_schema, schema_of};
use super::shapes;
use super::table::{Access, Route, routes};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// A path of a stream, and what it carries.
struct Channel {
    path: &'static str,
    name: &'static str,
    about: &'static str,
    /// What a client sends, and what it is sent: by name.
    sent: &'static [(&'static str, &'static str)],
    received: &'static [(&'static str, &'static str)],
}

const CHANNELS: &[Channel] = &[
    Channel {
        path: "/v1/orders",
        name: "orders",
        about: "A WebSocket of MessagePack arrays: orders in, answers out, many open at once",
        sent: &[(
            "command",
            "Log in, place, cancel, replace or update, under an id of the client's",
        )],
        received: &[("answer", "What became of a command, under its id")],
    },
    Channel {
        path: "/v1/pricing/stream",
        name: "pricing",
        about: "A WebSocket of JSON: books of matches, whole at first and then what changes",
        sent: &[("subscription", "Matches to be told of, or no more")],
        received: &[
            ("book", "A match and its prices, in the order of the book's selections"),
            ("change", "What is another of it: its head, and [index, price] of each price"),
            ("problem", "A message that could not be taken; the connection lives on"),
        ],
    },
    Channel {
        path: "/stream",
        name: "stream",
        about: "A WebSocket of JSON lines ended by CRLF: the Exchange Stream API, markets and orders",
        sent: &[("request", "Authentication, a subscription or a heartbeat")],
        received: &[("message", "Connection, status, market change or order change")],
    },
];

/// A stream's path.
pub fn is_channel(path: &str) -> bool {
    CHANNELS.iter().any(|channel| channel.path == path)
}

/// A message's shape, where it is more than one of many.
fn payload(name: &str) -> Value {
    let of = |op: &[&str], properties: Value, required: &[&str]| {
        let mut shape = json!({ "type": "object", "properties": properties, "required": required });
        shape["properties"]["op"] = json!({ "enum": op });
        shape
    };
    let head = json!({ "type": "object", "description": "as PricedBook of openapi.json, without markets" });
    let price = json!({ "type": ["number", "null"] });
    match name {
        "subscription" => of(
            &["subscribe", "unsubscribe"],
            json!({ "matches": { "type": "array", "items": { "type": "integer", "minimum": 1 },
                                 "maxItems": 2_000 } }),
            &["op", "matches"],
        ),
        "book" => of(
            &["book"],
            json!({ "match": head, "prices": { "type": "array", "items": price } }),
            &["op", "match", "prices"],
        ),
        "change" => of(
            &["change"],
            json!({ "match": head, "changes": { "type": "array", "items": {
                "type": "array", "prefixItems": [{ "type": "integer" }, price],
                "minItems": 2, "maxItems": 2 } } }),
            &["op", "match", "changes"],
        ),
        "problem" => of(
            &["problem"],
            json!({ "code": { "type": "string" }, "field": { "type": ["string", "null"] },
                    "detail": { "type": ["string", "null"] } }),
            &["op", "code"],
        ),
        _ => json!({}),
    }
}

/// `/openapi.json`.
pub fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
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
                "provider": { "type": "apiKey", "in": "header", "name": "X-Api-Key",
                    "description": "A token of an operator's making, for who tells of football" },
            },
            "schemas": shapes::answers(),
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
        let schema = match route.list {
            Some(list) => json!({ "type": "array", "maxItems": list.most, "items": (list.of)() }),
            None => object_schema(route.body),
        };
        operation["requestBody"] = json!({
            "required": route.list.is_some() || route.body.iter().any(|field| field.needed),
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation["security"] = match route.access {
        Access::Anyone => json!([]),
        Access::Provider => json!([{ "provider": [] }, { "bearer": [] }]),
        _ => json!([{ "bearer": [] }]),
    };
    let scope = match route.access {
        Access::Anyone | Access::Person | Access::Provider => None,
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

/// `/asyncapi.json`.
pub fn asyncapi() -> Value {
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for channel in CHANNELS {
        let name = channel.name;
        let all = channel.sent.iter().chain(channel.received);
        let messages: Map<String, Value> = all
            .map(|(message, about)| {
                let told = json!({ "summary": about, "payload": payload(message) });
                ((*message).to_owned(), told)
            })
            .collect();
        channels.insert(
            name.to_owned(),
            json!({ "address": channel.path, "description": channel.about, "messages": messages }),
        );
        // Seen from the node, as AsyncAPI has it.
        let ways = [("receive", "Send", channel.sent), ("send", "Receive", channel.received)];
        for (action, verb, messages) in ways {
            let messages = messages.iter().map(
                |(message, _)| json!({ "$ref": format!("#/channels/{name}/messages/{message}") }),
            );
            operations.insert(
                format!("{name}{verb}"),
                json!({
                    "action": action,
                    "channel": { "$ref": format!("#/channels/{name}") },
                    "messages": messages.collect::<Vec<_>>(),
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
            routes().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
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
        for name in shapes::answers().as_object().unwrap().keys() {
            assert!(text.contains(&format!("#/components/schemas/{name}\"")), "{name}");
        }
    }
}
