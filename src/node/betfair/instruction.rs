//! Orders and what is done to them, as clients write them and as reports echo them.
//!
//! Whether an order is good is the exchange's to say. What the wire alone shows to be wrong (a payload that
//! does not go with its type, a price of three decimals) is said here by [`PlaceInstruction::fault`], in the
//! words a report uses.

use serde::Serialize;

use super::coerce::{Fault, Field, Read};
use super::decimal::Decimal;
use super::exception::Exception;
use super::operation::Parameters;
use super::request::invalid;
use super::words::{
    BetTargetType, InstructionError, OrderType, PersistenceType, Side, TimeInForce,
};

/// Orders in one placeOrders.
pub const MAX_PLACE: usize = 200;
/// Orders in one cancel, replace or update.
pub const MAX_CHANGE: usize = 60;
/// Characters of a customerRef or customerOrderRef.
pub const MAX_REF: usize = 32;
/// Characters of a customerStrategyRef.
pub const MAX_STRATEGY_REF: usize = 15;

/// `placeOrders`.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOrders {
    /// The market of all of them.
    pub market_id: String,
    /// The orders.
    pub instructions: Vec<PlaceInstruction>,
    /// Executed once within its window.
    pub customer_ref: Option<String>,
    /// Only while the market is not materially newer.
    pub market_version: Option<i64>,
    /// The customer's name for what placed them.
    pub strategy_ref: Option<String>,
    /// Answer before it is done.
    pub is_async: bool,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceInstruction {
    /// The runner.
    pub selection_id: i64,
    /// Its handicap, 0 where there is none.
    pub handicap: Decimal,
    /// For or against.
    pub side: Side,
    /// Which of the three payloads counts.
    pub order_type: OrderType,
    /// The payload of LIMIT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_order: Option<LimitOrder>,
    /// The payload of LIMIT_ON_CLOSE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_on_close_order: Option<LimitOnCloseOrder>,
    /// The payload of MARKET_ON_CLOSE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_on_close_order: Option<MarketOnCloseOrder>,
    /// The customer's name for the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_order_ref: Option<String>,
}

/// An order at a price.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitOrder {
    /// The stake; absent when a target is given instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Decimal>,
    /// The limit.
    pub price: Decimal,
    /// At the turn in play; lapses without a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence_type: Option<PersistenceType>,
    /// Now or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_in_force: Option<TimeInForce>,
    /// Of a FILL_OR_KILL, at least so much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_fill_size: Option<Decimal>,
    /// What `bet_target_size` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bet_target_type: Option<BetTargetType>,
    /// The target instead of a stake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bet_target_size: Option<Decimal>,
}

/// An order at the starting price, with a limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitOnCloseOrder {
    /// Stake of a back, most to lose of a lay.
    pub liability: Decimal,
    /// The worst price.
    pub price: Decimal,
}

/// An order at the starting price, whatever it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarketOnCloseOrder {
    /// Stake of a back, most to lose of a lay.
    pub liability: Decimal,
}

/// `cancelOrders`.
#[derive(Debug, Clone, PartialEq)]
pub struct CancelOrders {
    /// The market; every market without it, and then without instructions.
    pub market_id: Option<String>,
    /// Which orders; all of the market when empty.
    pub instructions: Vec<CancelInstruction>,
    /// Executed once within its window.
    pub customer_ref: Option<String>,
}

/// One order to take back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelInstruction {
    /// The bet.
    pub bet_id: String,
    /// By how much; the whole without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_reduction: Option<Decimal>,
}

/// `replaceOrders`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplaceOrders {
    /// The market of all of them.
    pub market_id: String,
    /// The orders and their new prices.
    pub instructions: Vec<ReplaceInstruction>,
    /// Executed once within its window.
    pub customer_ref: Option<String>,
    /// Only while the market is not materially newer.
    pub market_version: Option<i64>,
    /// Answer before it is done.
    pub is_async: bool,
}

/// One order to place anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplaceInstruction {
    /// The bet.
    pub bet_id: String,
    /// Its successor's price.
    pub new_price: Decimal,
}

/// `updateOrders`.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateOrders {
    /// The market of all of them.
    pub market_id: String,
    /// The orders and how they persist.
    pub instructions: Vec<UpdateInstruction>,
    /// Executed once within its window.
    pub customer_ref: Option<String>,
}

/// One order to persist differently.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateInstruction {
    /// The bet.
    pub bet_id: String,
    /// From now on.
    pub new_persistence_type: PersistenceType,
}

impl PlaceOrders {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<PlaceOrders, Fault> {
        let get = |name| parameters.get(name);
        Ok(PlaceOrders {
            market_id: get("marketId").must(Field::text)?,
            instructions: get("instructions").must(|list| list.list(PlaceInstruction::read))?,
            customer_ref: get("customerRef").text()?,
            market_version: market_version(parameters)?,
            strategy_ref: get("customerStrategyRef").text()?,
            is_async: get("async").truth()?.unwrap_or(false),
        })
    }

    pub(super) fn check(&self) -> Result<(), Exception> {
        if self.instructions.len() > MAX_PLACE {
            return Err(invalid("instructions: more than 200"));
        }
        if self.instructions.is_empty() {
            return Err(invalid("instructions: is empty"));
        }
        check_ref(self.customer_ref.as_deref())
    }

    /// What the request itself shows to be wrong with all of its instructions.
    pub fn fault(&self) -> Option<InstructionError> {
        let strategy = self.strategy_ref.as_deref();
        (!strategy.is_none_or(|strategy| is_a_ref(strategy, MAX_STRATEGY_REF)))
            .then_some(InstructionError::InvalidCustomerStrategyRef)
    }
}

impl PlaceInstruction {
    fn read(field: &Field<'_, '_>) -> Read<PlaceInstruction> {
        field.object(|order| {
            Ok(PlaceInstruction {
                selection_id: order.get("selectionId").must(Field::integer)?,
                handicap: order.get("handicap").decimal()?.unwrap_or(Decimal::Fits(0)),
                side: order.get("side").must(Field::word)?,
                order_type: order.get("orderType").must(Field::word)?,
                limit_order: order.get("limitOrder").object(LimitOrder::read)?,
                limit_on_close_order: order.get("limitOnCloseOrder").object(|close| {
                    Ok(LimitOnCloseOrder {
                        liability: close.get("liability").must(Field::money)?,
                        price: close.get("price").must(Field::price)?,
                    })
                })?,
                market_on_close_order: order.get("marketOnCloseOrder").object(|close| {
                    Ok(MarketOnCloseOrder { liability: close.get("liability").must(Field::money)? })
                })?,
                customer_order_ref: order.get("customerOrderRef").text()?,
            })
        })
    }

    /// What the instruction itself shows to be wrong, with the field that is.
    pub fn fault(&self) -> Option<(InstructionError, &'static str)> {
        if let Some(reference) = &self.customer_order_ref
            && !is_a_ref(reference, MAX_REF)
        {
            return Some((InstructionError::InvalidCustomerOrderRef, "customerOrderRef"));
        }
        if self.handicap.pence().is_none() {
            return Some((InstructionError::InvalidRunner, "handicap"));
        }
        let is_amount = |amount: Decimal| amount.pence().is_some_and(|pence| pence > 0);
        let (limit, at_close, market) =
            (&self.limit_order, &self.limit_on_close_order, &self.market_on_close_order);
        match (self.order_type, limit, at_close, market) {
            (OrderType::Limit, Some(order), _, _) => order.fault(),
            (OrderType::LimitOnClose, _, Some(order), _) => {
                if !is_amount(order.liability) {
                    Some((InstructionError::InvalidBetSize, "limitOnCloseOrder.liability"))
                } else if order.price.price().is_none() {
                    Some((InstructionError::InvalidOdds, "limitOnCloseOrder.price"))
                } else {
                    None
                }
            }
            (OrderType::MarketOnClose, _, _, Some(order)) => (!is_amount(order.liability))
                .then_some((InstructionError::InvalidBetSize, "marketOnCloseOrder.liability")),
            _ => Some((InstructionError::InvalidOrderType, "orderType")),
        }
    }
}

impl LimitOrder {
    fn read(order: &Field<'_, '_>) -> Result<LimitOrder, Fault> {
        Ok(LimitOrder {
            size: order.get("size").money()?,
            price: order.get("price").must(Field::price)?,
            persistence_type: order.get("persistenceType").word()?,
            time_in_force: order.get("timeInForce").word()?,
            min_fill_size: order.get("minFillSize").money()?,
            bet_target_type: order.get("betTargetType").word()?,
            bet_target_size: order.get("betTargetSize").money()?,
        })
    }

    fn fault(&self) -> Option<(InstructionError, &'static str)> {
        let is_amount = |amount: Decimal| amount.pence().is_some_and(|pence| pence > 0);
        if self.price.price().is_none() {
            return Some((InstructionError::InvalidOdds, "limitOrder.price"));
        }
        // A stake, or a target with its type, and never both.
        let sized = match (self.size, self.bet_target_type, self.bet_target_size) {
            (Some(size), None, None) => is_amount(size),
            (None, Some(_), Some(target)) => is_amount(target),
            _ => false,
        };
        if !sized {
            return Some((InstructionError::InvalidBetSize, "limitOrder.size"));
        }
        match (self.min_fill_size, self.time_in_force) {
            (Some(_), None) => {
                Some((InstructionError::UnexpectedMinFillSize, "limitOrder.minFillSize"))
            }
            (Some(size), Some(_)) if !is_amount(size) => {
                Some((InstructionError::InvalidMinFillSize, "limitOrder.minFillSize"))
            }
            _ => None,
        }
    }
}

impl CancelOrders {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<CancelOrders, Fault> {
        let get = |name| parameters.get(name);
        let instructions = get("instructions").list(|order| {
            order.object(|order| {
                Ok(CancelInstruction {
                    bet_id: order.get("betId").must(Field::text)?,
                    size_reduction: order.get("sizeReduction").money()?,
                })
            })
        })?;
        Ok(CancelOrders {
            market_id: get("marketId").text()?,
            instructions: instructions.unwrap_or_default(),
            customer_ref: get("customerRef").text()?,
        })
    }

    pub(super) fn check(&self) -> Result<(), Exception> {
        if self.market_id.is_none() && !self.instructions.is_empty() {
            return Err(invalid("marketId: is mandatory with instructions"));
        }
        check_changes(self.instructions.len())?;
        check_ref(self.customer_ref.as_deref())
    }
}

impl ReplaceOrders {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<ReplaceOrders, Fault> {
        let get = |name| parameters.get(name);
        let read = |order: &Field<'_, '_>| {
            order.object(|order| {
                Ok(ReplaceInstruction {
                    bet_id: order.get("betId").must(Field::text)?,
                    new_price: order.get("newPrice").must(Field::price)?,
                })
            })
        };
        Ok(ReplaceOrders {
            market_id: get("marketId").must(Field::text)?,
            instructions: get("instructions").must(|list| list.list(read))?,
            customer_ref: get("customerRef").text()?,
            market_version: market_version(parameters)?,
            is_async: get("async").truth()?.unwrap_or(false),
        })
    }

    pub(super) fn check(&self) -> Result<(), Exception> {
        check_some(self.instructions.len())?;
        check_ref(self.customer_ref.as_deref())
    }
}

impl UpdateOrders {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<UpdateOrders, Fault> {
        let get = |name| parameters.get(name);
        let read = |order: &Field<'_, '_>| {
            order.object(|order| {
                Ok(UpdateInstruction {
                    bet_id: order.get("betId").must(Field::text)?,
                    new_persistence_type: order.get("newPersistenceType").must(Field::word)?,
                })
            })
        };
        Ok(UpdateOrders {
            market_id: get("marketId").must(Field::text)?,
            instructions: get("instructions").must(|list| list.list(read))?,
            customer_ref: get("customerRef").text()?,
        })
    }

    pub(super) fn check(&self) -> Result<(), Exception> {
        check_some(self.instructions.len())?;
        check_ref(self.customer_ref.as_deref())
    }
}

fn market_version(parameters: &Parameters<'_>) -> Result<Option<i64>, Fault> {
    let version = parameters.get("marketVersion");
    Ok(version.object(|version| version.get("version").integer())?.flatten())
}

fn check_some(instructions: usize) -> Result<(), Exception> {
    if instructions == 0 {
        return Err(invalid("instructions: is empty"));
    }
    check_changes(instructions)
}

fn check_changes(instructions: usize) -> Result<(), Exception> {
    if instructions > MAX_CHANGE {
        return Err(invalid("instructions: more than 60"));
    }
    Ok(())
}

fn check_ref(customer_ref: Option<&str>) -> Result<(), Exception> {
    match customer_ref {
        Some(reference) if !is_a_ref(reference, MAX_REF) => {
            Err(invalid("customerRef: is not up to 32 of A-Z a-z 0-9 : - . _ + * ; ~"))
        }
        _ => Ok(()),
    }
}

/// Letters, digits and a few signs, up to `most` of them.
fn is_a_ref(text: &str, most: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-._+*;~".contains(&byte);
    text.len() <= most && text.bytes().all(plain)
}

impl LimitOrder {
    /// A plain order, as replaceOrders reports it.
    pub fn plain(size_pence: i64, price: u32, persistence: PersistenceType) -> LimitOrder {
        LimitOrder {
            size: Some(Decimal::Fits(size_pence)),
            price: Decimal::Fits(i64::from(price)),
            persistence_type: Some(persistence),
            time_in_force: None,
            min_fill_size: None,
            bet_target_type: None,
            bet_target_size: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::operation::Operation;
    use super::super::request::Request;
    use super::*;

    fn read(operation: Operation, params: &Value) -> Result<Request, Fault> {
        Request::read(operation, Parameters::new(operation, Some(params)).unwrap())
    }

    fn place(params: &Value) -> PlaceOrders {
        match read(Operation::PlaceOrders, params) {
            Ok(Request::PlaceOrders(orders)) => orders,
            other => panic!("{other:?}"),
        }
    }

    /// The fault of parameters that cannot be read.
    fn check_fault(operation: Operation, params: Value, expect: &str) {
        assert_eq!(read(operation, &params).unwrap_err().to_string(), expect, "{params}");
    }

    /// A limit order as flumine sends it, with some members changed.
    fn order(changes: &[(&str, Value)]) -> Value {
        let mut order = json!({
            "selectionId": 47972, "handicap": 0, "side": "BACK", "orderType": "LIMIT",
            "limitOrder": {"price": 2.02, "size": 10.0, "persistenceType": "LAPSE",
                "timeInForce": null, "minFillSize": null, "betTargetType": null, "betTargetSize": null},
            "customerOrderRef": "0123456789abc-138765432109876543",
        });
        for (pointer, value) in changes {
            match order.pointer_mut(pointer) {
                Some(place) => *place = value.clone(),
                None => order[pointer.trim_start_matches('/')] = value.clone(),
            }
        }
        order
    }

    fn orders(instructions: Value) -> Value {
        json!({"marketId": "1.170000001", "instructions": instructions, "async": false})
    }

    #[test]
    fn an_order_is_read_and_echoed_without_its_nulls() {
        let params = json!({
            "marketId": "1.170000001", "instructions": [order(&[])], "customerRef": "abc",
            "marketVersion": {"version": "7"}, "customerStrategyRef": "s", "async": "true",
        });
        let read = place(&params);
        assert_eq!(read.market_version, Some(7));
        assert_eq!(read.customer_ref.as_deref(), Some("abc"));
        assert_eq!(read.strategy_ref.as_deref(), Some("s"));
        assert!(read.is_async);
        let limit = read.instructions[0].limit_order.as_ref().unwrap();
        assert_eq!(limit.price.price(), Some(202));
        assert_eq!(limit.size.unwrap().pence(), Some(1000));
        let echo = serde_json::to_string(&read.instructions[0]).unwrap();
        assert_eq!(
            echo,
            concat!(
                r#"{"selectionId":47972,"handicap":0.0,"side":"BACK","orderType":"LIMIT","#,
                r#""limitOrder":{"size":10.0,"price":2.02,"persistenceType":"LAPSE"},"#,
                r#""customerOrderRef":"0123456789abc-138765432109876543"}"#
            )
        );
    }

    #[test]
    fn what_is_missing_or_unreadable_is_named() {
        let operation = Operation::PlaceOrders;
        check_fault(operation, json!({"instructions": []}), "marketId: is mandatory");
        check_fault(operation, json!({"marketId": "1.1"}), "instructions: is mandatory");
        let bad = |changes: &[(&str, Value)]| orders(json!([order(&[]), order(changes)]));
        let cases = [
            ("/selectionId", json!(null), "instructions[1].selectionId: is mandatory"),
            ("/side", json!(null), "instructions[1].side: is mandatory"),
            ("/side", json!("LEFT"), "instructions[1].side: is not one of BACK, LAY"),
            ("/limitOrder", json!([]), "instructions[1].limitOrder: is not an object"),
            (
                "/limitOrder/price",
                json!("2,0"),
                "instructions[1].limitOrder.price: is not a number",
            ),
            ("/limitOrder/price", json!(null), "instructions[1].limitOrder.price: is mandatory"),
            ("/limitOrder/size", json!("NaN"), "instructions[1].limitOrder.size: is not a number"),
        ];
        for (pointer, value, expect) in cases {
            check_fault(operation, bad(&[(pointer, value)]), expect);
        }
        check_fault(
            Operation::ReplaceOrders,
            json!({"marketId": "1.1", "instructions": [{"betId": 1}]}),
            "instructions[0].newPrice: is mandatory",
        );
        check_fault(
            Operation::UpdateOrders,
            json!({"marketId": "1.1", "instructions": [{"betId": 1, "newPersistenceType": "KEEP"}]}),
            "instructions[0].newPersistenceType: is not one of LAPSE, PERSIST, MARKET_ON_CLOSE",
        );
        check_fault(
            Operation::CancelOrders,
            json!({"marketId": "1.1", "instructions": [{"sizeReduction": 1}]}),
            "instructions[0].betId: is mandatory",
        );
    }

    #[test]
    fn an_order_that_cannot_be_right_has_the_word_of_a_report() {
        use InstructionError::*;
        let check = |changes: &[(&str, Value)], expect: Option<InstructionError>| {
            let read = place(&orders(json!([order(changes)])));
            let fault = read.instructions[0].fault().map(|(error, _)| error);
            assert_eq!(fault, expect, "{changes:?}");
        };
        check(&[], None);
        for price in [json!(2.005), json!(0), json!(-2), json!(1e300)] {
            check(&[("/limitOrder/price", price)], Some(InvalidOdds));
        }
        for size in [json!(0), json!(-1), json!(10.005), json!(null), json!(i64::MAX)] {
            check(&[("/limitOrder/size", size)], Some(InvalidBetSize));
        }
        check(&[("/limitOrder/betTargetType", json!("PAYOUT"))], Some(InvalidBetSize));
        check(&[("/limitOrder/minFillSize", json!(1))], Some(UnexpectedMinFillSize));
        let fill_or_kill = ("/limitOrder/timeInForce", json!("FILL_OR_KILL"));
        check(&[fill_or_kill.clone(), ("/limitOrder/minFillSize", json!(1))], None);
        let too_fine = ("/limitOrder/minFillSize", json!(0.001));
        check(&[fill_or_kill, too_fine], Some(InvalidMinFillSize));
        check(&[("/orderType", json!("MARKET_ON_CLOSE"))], Some(InvalidOrderType));
        check(&[("/customerOrderRef", json!("x".repeat(33)))], Some(InvalidCustomerOrderRef));
        check(&[("/customerOrderRef", json!("a b"))], Some(InvalidCustomerOrderRef));
        check(&[("/handicap", json!(0.001))], Some(InvalidRunner));
        let mut request = place(&orders(json!([order(&[])])));
        assert_eq!(request.fault(), None);
        request.strategy_ref = Some("sixteen-letters-".into());
        assert_eq!(request.fault(), Some(InvalidCustomerStrategyRef));
    }

    #[test]
    fn the_bounds_of_a_batch_are_answered_by_an_exception() {
        let details = |operation, params: Value| match read(operation, &params).unwrap().check() {
            Ok(()) => String::new(),
            Err(exception) => exception.details.into_owned(),
        };
        let many = |count: usize| orders(Value::Array(vec![order(&[]); count]));
        assert_eq!(details(Operation::PlaceOrders, many(200)), "");
        assert_eq!(details(Operation::PlaceOrders, many(201)), "instructions: more than 200");
        assert_eq!(details(Operation::PlaceOrders, many(0)), "instructions: is empty");
        let cancels =
            |count| json!({"marketId": "1.1", "instructions": vec![json!({"betId": 7}); count]});
        assert_eq!(details(Operation::CancelOrders, cancels(60)), "");
        assert_eq!(details(Operation::CancelOrders, cancels(61)), "instructions: more than 60");
        assert_eq!(details(Operation::CancelOrders, json!({})), "", "cancels everything");
        let homeless = json!({"instructions": [{"betId": "7"}]});
        let expect = "marketId: is mandatory with instructions";
        assert_eq!(details(Operation::CancelOrders, homeless), expect);
        let mut odd = many(1);
        for reference in ["x".repeat(33), "a b".into(), "a\u{0}".into(), "é".into()] {
            odd["customerRef"] = json!(reference);
            assert!(details(Operation::PlaceOrders, odd.clone()).starts_with("customerRef: "));
        }
        odd["customerRef"] = json!("Az09:-._+*;~");
        assert_eq!(details(Operation::PlaceOrders, odd), "");
    }
}
