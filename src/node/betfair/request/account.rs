//! What is asked of an account, its keys and its switch.

use super::super::coerce::{Fault, Field};
use super::super::decimal::Decimal;
use super::super::exception::Exception;
use super::super::filter::TimeRange;
use super::super::operation::Parameters;
use super::super::words::{IncludeItem, Wallet};
use super::invalid;

/// `getAccountStatement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetAccountStatement {
    /// Rows to skip.
    pub from_record: u32,
    /// Rows to give, at most as many as a page holds; 0 for a page.
    pub record_count: u32,
    /// Only in this span.
    pub range: Option<TimeRange>,
    /// Which kinds.
    pub include: IncludeItem,
}

impl GetAccountStatement {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<GetAccountStatement, Fault> {
        let get = |name| parameters.get(name);
        read_wallet(parameters, "wallet")?;
        Ok(GetAccountStatement {
            from_record: get("fromRecord").count()?.unwrap_or(0),
            record_count: get("recordCount").count()?.unwrap_or(0),
            range: TimeRange::read(&get("itemDateRange"))?,
            include: get("includeItem").word()?.unwrap_or(IncludeItem::All),
        })
    }

    pub(super) fn check(&self) -> Result<(), Exception> {
        match self.range {
            Some(TimeRange { from: Some(from), to: Some(to) }) if from > to => {
                Err(invalid("itemDateRange: from is later than to"))
            }
            _ => Ok(()),
        }
    }
}

/// Every account has one wallet; the word must be one.
pub(super) fn read_wallet(parameters: &Parameters<'_>, name: &'static str) -> Result<(), Fault> {
    parameters.get(name).word::<Wallet>().map(|_| ())
}

/// The mandatory parameters of transferFunds; nothing is done with them.
pub(super) fn read_transfer(parameters: &Parameters<'_>) -> Result<(), Fault> {
    for end in ["from", "to"] {
        parameters.get(end).must(Field::word::<Wallet>)?;
    }
    let _: Decimal = parameters.get("amount").must(Field::money)?;
    Ok(())
}

/// The seconds of a heartbeat: 0 turns the switch off.
pub(super) fn check_timeout(seconds: i64) -> Result<(), Exception> {
    match seconds {
        0.. => Ok(()),
        _ => Err(invalid("preferredTimeoutSeconds: must be at least 0")),
    }
}
