//! JSON values as MessagePack and back, by our own hand: what the node reads wrong is not read wrong here too.

use serde_json::{Map, Value, json};

pub(crate) fn pack(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(bool) => out.push(if *bool { 0xc3 } else { 0xc2 }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => {
                out.push(0xcf);
                out.extend(number.to_be_bytes());
            }
            (None, Some(number)) => {
                out.push(0xd3);
                out.extend(number.to_be_bytes());
            }
            (None, None) => {
                out.push(0xcb);
                out.extend(number.as_f64().expect("a number").to_be_bytes());
            }
        },
        Value::String(text) => {
            out.push(0xd9);
            out.push(u8::try_from(text.len()).expect("a short text"));
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            match u8::try_from(items.len()) {
                Ok(few @ 0..=15) => out.push(0x90 | few),
                _ => {
                    out.push(0xdc);
                    out.extend(u16::try_from(items.len()).expect("few items").to_be_bytes());
                }
            }
            items.iter().for_each(|item| pack(item, out));
        }
        Value::Object(fields) => {
            out.push(0xde);
            out.extend(u16::try_from(fields.len()).expect("few fields").to_be_bytes());
            for (name, value) in fields {
                pack(&json!(name), out);
                pack(value, out);
            }
        }
    }
}

pub(crate) fn unpack(bytes: &mut &[u8]) -> Value {
    match take::<1>(bytes)[0] {
        number @ 0..=0x7f => json!(number),
        length @ 0x80..=0x8f => map(bytes, usize::from(length & 0x0f)),
        length @ 0x90..=0x9f => array(bytes, usize::from(length & 0x0f)),
        length @ 0xa0..=0xbf => text(bytes, usize::from(length & 0x1f)),
        0xc0 => Value::Null,
        0xc2 => json!(false),
        0xc3 => json!(true),
        0xcb => json!(f64::from_be_bytes(take(bytes))),
        0xcc => json!(take::<1>(bytes)[0]),
        0xcd => json!(u16::from_be_bytes(take(bytes))),
        0xce => json!(u32::from_be_bytes(take(bytes))),
        0xcf => json!(u64::from_be_bytes(take(bytes))),
        0xd0 => json!(i8::from_be_bytes(take(bytes))),
        0xd1 => json!(i16::from_be_bytes(take(bytes))),
        0xd2 => json!(i32::from_be_bytes(take(bytes))),
        0xd3 => json!(i64::from_be_bytes(take(bytes))),
        0xd9 => {
            let length = take::<1>(bytes)[0];
            text(bytes, usize::from(length))
        }
        0xda => {
            let length = u16::from_be_bytes(take(bytes));
            text(bytes, usize::from(length))
        }
        0xdc => {
            let length = u16::from_be_bytes(take(bytes));
            array(bytes, usize::from(length))
        }
        0xdd => {
            let length = u32::from_be_bytes(take(bytes));
            array(bytes, length as usize)
        }
        0xde => {
            let length = u16::from_be_bytes(take(bytes));
            map(bytes, usize::from(length))
        }
        number @ 0xe0..=0xff => json!(number.cast_signed()),
        other => panic!("{other:x} is not spoken"),
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (head, rest) = bytes.split_first_chunk::<N>().expect("as long as it says");
    *bytes = rest;
    *head
}

fn text(bytes: &mut &[u8], length: usize) -> Value {
    let (text, rest) = bytes.split_at(length);
    *bytes = rest;
    json!(std::str::from_utf8(text).unwrap())
}

fn array(bytes: &mut &[u8], length: usize) -> Value {
    (0..length).map(|_| unpack(bytes)).collect()
}

fn map(bytes: &mut &[u8], length: usize) -> Value {
    let field = |_| {
        let name = unpack(bytes);
        (name.as_str().expect("fields have names").to_owned(), unpack(bytes))
    };
    Value::Object((0..length).map(field).collect::<Map<_, _>>())
}
