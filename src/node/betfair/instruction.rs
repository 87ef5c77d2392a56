//! Orders and what is done to them, as clients write them and as reports echo them.
//!
//! Whether an order is good is the exchange's to say. What the wire alone shows to be wrong (a payload that
//! does not go with its type, a price of three decimals) is said here by [`PlaceInstruction::fault`], in the
//! words a report uses.

use serde::Serialize;

use super::coerce::{Fault, Field, Read};
use super::decimal::Decimal;
use super::exception::Exception;
use super::limits::Limits;
use super::operation::Parameters;
use super::request::invalid;
use super::words::{
    BetTargetType, InstructionError, OrderType, PersistenceType, Side, TimeInForce,
};

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

    pub(super) fn check(&self, limits: &Limits) -> Result<(), Exception> {
        if self.instructions.is_empty() {
            return Err(invalid("instructions: is empty"));
        }
        check_most(self.instructions.len(), limits.place_instructions)?;
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

    pub(super) fn check(&self, limits: &Limits) -> Result<(), Exception> {
        if self.market_id.is_none() && !self.instructions.is_empty() {
            return Err(invalid("marketId: is mandatory with instructions"));
        }
        check_most(self.instructions.len(), limits.change_instructions)?;
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

    pub(super) fn check(&self, limits: &Limits) -> Result<(), Exception> {
        check_some(self.instructions.len(), limits)?;
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

    pub(super) fn check(&self, limits: &Limits) -> Result<(), Exception> {
        check_some(self.instructions.len(), limits)?;
        check_ref(self.customer_ref.as_deref())
    }
}

fn market_version(parameters: &Parameters<'_>) -> Result<Option<i64>, Fault> {
    let version = parameters.get("marketVersion");
    Ok(version.object(|version| version.get("version").integer())?.flatten())
}

fn check_some(instructions: usize, limits: &Limits) -> Result<(), Exception> {
    if instructions == 0 {
        return Err(invalid("instructions: is empty"));
    }
    check_most(instructions, limits.change_instructions)
}

fn check_most(instructions: usize, most: usize) -> Result<(), Exception> {
    if instructions > most {
        return Err(invalid(format!("instructions: more than {most}")));
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
mod tests;
