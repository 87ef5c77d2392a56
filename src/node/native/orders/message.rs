//! A client's messages, from bytes to plain values.
//!
//! Owns the shape of every message and the name of every field. What is wrong is said with the field's name
//! and the message's own id as far as it could be read; nothing is asked of the exchange for it.

use domain::ids::{BetId, MarketId, Runner, SelectionId};
use domain::money::Pence;
use domain::order::{OrderKind, Persistence, Side, Ticket, TimeInForce};
use domain::price::Price;

use super::pack::{Reader, Wrong};

/// The longest text in a message.
const TEXT_BYTES_MAX: usize = 256;

/// One message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) id: u64,
    pub(super) command: Command<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    LogIn {
        app_key: &'a str,
        token: &'a str,
    },
    Place {
        market: MarketId,
        ticket: Ticket,
        strategy_ref: Option<&'a str>,
        customer_ref: Option<&'a str>,
        market_version: Option<u64>,
    },
    /// Without a bet every bet of the market, without a market every bet.
    Cancel {
        market: Option<MarketId>,
        bet: Option<BetId>,
        reduction: Option<Pence>,
        customer_ref: Option<&'a str>,
    },
    Replace {
        market: MarketId,
        bet: BetId,
        price: Price,
        customer_ref: Option<&'a str>,
        market_version: Option<u64>,
    },
    Update {
        market: MarketId,
        bet: BetId,
        persistence: Persistence,
        customer_ref: Option<&'a str>,
    },
}

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The message's own, if it could be read.
    pub(super) id: Option<u64>,
    pub(super) code: &'static str,
    pub(super) field: Option<&'static str>,
    pub(super) reason: String,
}

/// The items of a message that are left, by name.
struct Fields<'a> {
    reader: Reader<'a>,
    left: usize,
    id: Option<u64>,
}

impl<'a> Fields<'a> {
    fn fault(&self, field: &'static str, reason: impl Into<String>) -> Fault {
        Fault { id: self.id, code: "bad_field", field: Some(field), reason: reason.into() }
    }

    fn wrong(&self, field: &'static str, wrong: Wrong) -> Fault {
        match wrong {
            Wrong::Missing => self.fault(field, "is missing"),
            Wrong::Expected(what) => self.fault(field, format!("is not {what}")),
        }
    }

    /// `None` when it is nil, or the message ends before it.
    fn may<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Wrong>,
    ) -> Result<Option<T>, Fault> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        if self.reader.nil() {
            return Ok(None);
        }
        read(&mut self.reader).map(Some).map_err(|wrong| self.wrong(field, wrong))
    }

    fn must<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Wrong>,
    ) -> Result<T, Fault> {
        self.may(field, read)?.ok_or_else(|| self.wrong(field, Wrong::Missing))
    }

    fn market(&mut self) -> Result<MarketId, Fault> {
        self.must("market", unsigned).map(MarketId)
    }

    fn bet(&mut self) -> Result<BetId, Fault> {
        self.must("bet", unsigned).map(BetId)
    }

    fn price(&mut self) -> Result<Price, Fault> {
        self.must("price", small).map(Price)
    }

    fn customer_ref(&mut self) -> Result<Option<&'a str>, Fault> {
        self.may("customer_ref", text)
    }

    fn market_version(&mut self) -> Result<Option<u64>, Fault> {
        self.may("market_version", unsigned)
    }

    fn end(&self) -> Result<(), Fault> {
        let fault = |reason: &str| Fault {
            id: self.id,
            code: "bad_message",
            field: None,
            reason: reason.into(),
        };
        match (self.left, self.reader.is_at_end()) {
            (0, true) => Ok(()),
            (0, false) => Err(fault("something stands behind the message")),
            _ => Err(fault("the message has more items than its kind")),
        }
    }
}

fn unsigned(reader: &mut Reader<'_>) -> Result<u64, Wrong> {
    u64::try_from(reader.integer()?).map_err(|_| Wrong::Expected("zero or more"))
}

fn small(reader: &mut Reader<'_>) -> Result<u32, Wrong> {
    u32::try_from(reader.integer()?).map_err(|_| Wrong::Expected("from 0 to 4294967295"))
}

fn pence(reader: &mut Reader<'_>) -> Result<Pence, Wrong> {
    let pence = i64::try_from(reader.integer()?).ok().filter(|pence| *pence >= 0);
    pence.map(Pence).ok_or(Wrong::Expected("an amount in pence"))
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Wrong> {
    let text = reader.text()?;
    match text.len() {
        1..=TEXT_BYTES_MAX => Ok(text),
        _ => Err(Wrong::Expected("a text of 1 to 256 bytes")),
    }
}

fn side(reader: &mut Reader<'_>) -> Result<Side, Wrong> {
    match reader.integer()? {
        0 => Ok(Side::Back),
        1 => Ok(Side::Lay),
        _ => Err(Wrong::Expected("0 (back) or 1 (lay)")),
    }
}

fn persistence(reader: &mut Reader<'_>) -> Result<Persistence, Wrong> {
    match reader.integer()? {
        0 => Ok(Persistence::Lapse),
        1 => Ok(Persistence::Persist),
        2 => Ok(Persistence::MarketOnClose),
        _ => Err(Wrong::Expected("0 (lapse), 1 (persist) or 2 (market on close)")),
    }
}

/// Reads one message whole.
pub(super) fn read(bytes: &[u8]) -> Result<Message<'_>, Fault> {
    let mut reader = Reader::new(bytes);
    let shape = |_| Fault {
        id: None,
        code: "bad_message",
        field: None,
        reason: "a message is an array: kind, id, fields".into(),
    };
    let left = reader.array().map_err(shape)?;
    let mut fields = Fields { reader, left, id: None };
    let kind = fields.must("kind", |reader| reader.integer())?;
    let id = fields.must("id", unsigned)?;
    fields.id = Some(id);
    let command = match kind {
        0 => Command::LogIn {
            app_key: fields.must("app_key", text)?,
            token: fields.must("token", text)?,
        },
        1 => place(&mut fields)?,
        2 => Command::Cancel {
            market: fields.may("market", unsigned)?.map(MarketId),
            bet: fields.may("bet", unsigned)?.map(BetId),
            reduction: fields.may("reduction", pence)?,
            customer_ref: fields.customer_ref()?,
        },
        3 => Command::Replace {
            market: fields.market()?,
            bet: fields.bet()?,
            price: fields.price()?,
            customer_ref: fields.customer_ref()?,
            market_version: fields.market_version()?,
        },
        4 => Command::Update {
            market: fields.market()?,
            bet: fields.bet()?,
            persistence: fields.must("persistence", persistence)?,
            customer_ref: fields.customer_ref()?,
        },
        _ => return Err(fields.fault("kind", "is not 0 to 4")),
    };
    fields.end()?;
    if let Command::Cancel { market, bet, reduction, .. } = &command {
        if bet.is_some() && market.is_none() {
            return Err(fields.fault("market", "is missing for that bet"));
        }
        if reduction.is_some() && bet.is_none() {
            return Err(fields.fault("bet", "is missing for that reduction"));
        }
        if *reduction == Some(Pence::ZERO) {
            return Err(fields.fault("reduction", "is zero"));
        }
    }
    Ok(Message { id, command })
}

fn place<'a>(fields: &mut Fields<'a>) -> Result<Command<'a>, Fault> {
    let market = fields.market()?;
    let selection = fields.must("selection", unsigned).map(SelectionId)?;
    let side = fields.must("side", side)?;
    let price = fields.price()?;
    let size = fields.must("size", pence)?;
    let persistence = fields.may("persistence", persistence)?.unwrap_or_default();
    let time_in_force = match fields.may("fill", pence)? {
        None => TimeInForce::Rest,
        Some(Pence::ZERO) => TimeInForce::FillOrKill { min_fill: None },
        Some(least) => TimeInForce::FillOrKill { min_fill: Some(least) },
    };
    let handicap = fields.may("handicap", |reader| {
        i32::try_from(reader.integer()?).map_err(|_| Wrong::Expected("hundredths of a line"))
    })?;
    let reference = fields.may("order_ref", text)?.map(Box::from);
    let strategy_ref = fields.may("strategy_ref", text)?;
    let customer_ref = fields.customer_ref()?;
    let market_version = fields.market_version()?;
    let runner = Runner { selection, handicap: handicap.unwrap_or_default() };
    let (kind, size) = match fields.may("kind", unsigned)? {
        None | Some(0) => (OrderKind::Limit, size),
        Some(1) => (OrderKind::LimitOnClose, size),
        Some(2) => (OrderKind::MarketOnClose, size),
        // What the stake is follows from the target.
        Some(3) => (OrderKind::Payout(size), Pence::ZERO),
        Some(4) => (OrderKind::BackersProfit(size), Pence::ZERO),
        Some(_) => return Err(fields.fault("kind", "is not 0 to 4")),
    };
    if kind == OrderKind::MarketOnClose && price != Price(0) {
        return Err(fields.fault("price", "is not 0, and a market on close takes any"));
    }
    if kind.is_on_close() && time_in_force != TimeInForce::Rest {
        return Err(fields.fault("fill", "nothing is matched at once of an order on close"));
    }
    if kind.is_on_close() && persistence != Persistence::Lapse {
        return Err(fields.fault("persistence", "an order on close has none"));
    }
    let ticket = Ticket { runner, side, kind, price, size, persistence, time_in_force, reference };
    Ok(Command::Place { market, ticket, strategy_ref, customer_ref, market_version })
}

#[cfg(test)]
mod tests {
    use super::super::pack::Writer;
    use super::*;

    enum Item {
        Number(u64),
        Text(&'static str),
        Nil,
        Below(i8),
    }
    use Item::{Below, Nil, Number, Text};

    fn packed(items: &[Item]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer(&mut bytes);
        writer.array(items.len());
        for item in items {
            match item {
                Number(number) => writer.unsigned(*number),
                Text(text) => writer.text(text),
                Nil => writer.nil(),
                Below(number) => {
                    writer.0.extend([0xd0, *number as u8]);
                    &mut writer
                }
            };
        }
        bytes
    }

    const PLACE: [Item; 7] =
        [Number(1), Number(9), Number(5), Number(47), Number(0), Number(250), Number(200)];

    #[test]
    fn a_short_order_is_a_back_that_rests_and_lapses() {
        let bytes = packed(&PLACE);
        let Message { id: 9, command: Command::Place { market, ticket, .. } } =
            read(&bytes).unwrap()
        else {
            panic!("another message")
        };
        assert_eq!((market, ticket.price, ticket.size), (MarketId(5), Price(250), Pence(200)));
        assert_eq!(ticket.side, Side::Back);
        assert_eq!(ticket.time_in_force, TimeInForce::Rest);
        assert_eq!(bytes.len(), 10, "which is what compact means");
    }

    #[test]
    fn every_field_of_an_order_is_read() {
        let more = [
            Number(1),
            Number(150),
            Below(-50),
            Text("mine"),
            Text("plan"),
            Text("once"),
            Number(7),
        ];
        let items: Vec<Item> = PLACE.into_iter().chain(more).collect();
        let bytes = packed(&items);
        let read = read(&bytes).unwrap();
        let Command::Place { ticket, strategy_ref, customer_ref, market_version, .. } =
            read.command
        else {
            panic!("another message")
        };
        assert_eq!(ticket.persistence, Persistence::Persist);
        let min_fill = Some(Pence(150));
        assert_eq!(ticket.time_in_force, TimeInForce::FillOrKill { min_fill });
        assert_eq!(ticket.runner.handicap, -50);
        assert_eq!(ticket.reference.as_deref(), Some("mine"));
        assert_eq!((strategy_ref, customer_ref), (Some("plan"), Some("once")));
        assert_eq!(market_version, Some(7));
    }

    #[test]
    fn orders_on_close_and_targets_say_what_their_size_means() {
        let ticket = |price: u64, more: [Item; 2], kind: u64| {
            let mut items: Vec<Item> = PLACE.into_iter().chain(more).collect();
            items[5] = Number(price);
            items.extend([Nil, Nil, Nil, Nil, Nil, Number(kind)]);
            let bytes = packed(&items);
            match read(&bytes).map(|message| message.command) {
                Ok(Command::Place { ticket, .. }) => Ok(ticket),
                Ok(_) => panic!("another message"),
                Err(fault) => Err(fault.field.expect("a field")),
            }
        };
        let kinds = [
            (250, 0, OrderKind::Limit, 200),
            (250, 1, OrderKind::LimitOnClose, 200),
            (0, 2, OrderKind::MarketOnClose, 200),
            (250, 3, OrderKind::Payout(Pence(200)), 0),
            (250, 4, OrderKind::BackersProfit(Pence(200)), 0),
        ];
        for (price, number, kind, size) in kinds {
            let ticket = ticket(price, [Nil, Nil], number).unwrap();
            assert_eq!((ticket.kind, ticket.size), (kind, Pence(size)));
        }
        assert_eq!(ticket(250, [Nil, Nil], 5), Err("kind"));
        assert_eq!(ticket(250, [Nil, Nil], 2), Err("price"));
        assert_eq!(ticket(250, [Nil, Number(0)], 1), Err("fill"));
        assert_eq!(ticket(250, [Number(1), Nil], 1), Err("persistence"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field_and_the_messages_id() {
        let check = |items: &[Item], id: Option<u64>, code: &str, field: Option<&str>| {
            let bytes = packed(items);
            let fault = read(&bytes).unwrap_err();
            assert_eq!((fault.id, fault.code, fault.field), (id, code, field), "{}", fault.reason);
        };
        check(&[], None, "bad_field", Some("kind"));
        check(&[Number(1)], None, "bad_field", Some("id"));
        check(&[Number(1), Below(-3)], None, "bad_field", Some("id"));
        check(&[Number(77), Number(4)], Some(4), "bad_field", Some("kind"));
        for (at, field) in [(2, "market"), (3, "selection"), (4, "side"), (5, "price"), (6, "size")]
        {
            for bad in [Text("x"), Below(-1), Nil] {
                let mut items = PLACE;
                items[at] = bad;
                check(&items, Some(9), "bad_field", Some(field));
            }
            check(&PLACE[..at], Some(9), "bad_field", Some(field));
        }
        let mut items = PLACE;
        items[4] = Number(2);
        check(&items, Some(9), "bad_field", Some("side"));
        items[4] = Number(0);
        items[5] = Number(1 << 40);
        check(&items, Some(9), "bad_field", Some("price"));
        let long: Vec<Item> = PLACE.into_iter().chain((0..9).map(|_| Nil)).collect();
        check(&long, Some(9), "bad_message", None);
        check(&[Number(2), Number(3), Nil, Number(8)], Some(3), "bad_field", Some("market"));
        check(
            &[Number(2), Number(3), Number(5), Nil, Number(8)],
            Some(3),
            "bad_field",
            Some("bet"),
        );
        let zero = [Number(2), Number(3), Number(5), Number(8), Number(0)];
        check(&zero, Some(3), "bad_field", Some("reduction"));
        check(&[Number(0), Number(3), Text("key"), Text("")], Some(3), "bad_field", Some("token"));
    }

    #[test]
    fn what_is_no_message_is_refused_as_a_whole() {
        let mut trailing = packed(&[Number(2), Number(3)]);
        trailing.push(0);
        for (bytes, id) in
            [(&[][..], None), (b"{}", None), (&[0x81, 1, 2], None), (&trailing, Some(3))]
        {
            let fault = read(bytes).unwrap_err();
            assert_eq!((fault.id, fault.code), (id, "bad_message"), "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
