//! Instructions: how they are read, echoed and refused.

use serde_json::{Value, json};

use super::super::operation::Operation;
use super::super::request::Request;
use super::super::tree::Tree;
use super::*;

fn read(operation: Operation, params: &Value) -> Result<Request, Fault> {
    let tree = Tree::from(params);
    Request::read(operation, Parameters::new(operation, Some(&tree)).unwrap())
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
        ("/limitOrder/price", json!("2,0"), "instructions[1].limitOrder.price: is not a number"),
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
    let details =
        |operation, params: Value| match read(operation, &params).unwrap().check(&Limits::open()) {
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
