//! What is in a recording: its markets, which of them can be played, and where it is damaged.
//!
//! The whole file is looked over once, without reading prices, before anything is played.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use domain::time::UtcMillis;

use super::words::{self, Glance};
use super::{Lines, RecordingError};

/// Markets of one file; a file of more is refused.
const MARKETS_MAX: usize = 10_000;

/// A file looked over.
#[derive(Debug)]
pub struct Inventory {
    /// In the order in which they come.
    pub markets: Vec<RecordedMarket>,
    /// When the first message was published, by the recording's clock.
    pub began: UtcMillis,
    /// Lines that are about no market: of the connection, of orders.
    pub passed_over: u64,
    /// Where it cannot be read any further; what stands before can be played.
    pub damage: Option<RecordingError>,
}

/// One market of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedMarket {
    /// As recorded.
    pub id: String,
    /// Messages that change something of it.
    pub messages: u64,
    /// Of these, how many come before its first definition.
    pub before_definition: u64,
    /// Why it cannot be played.
    pub unplayable: Option<String>,
    /// Whole ladders were recorded, not only the best prices.
    ladders: bool,
    defined: bool,
}

impl RecordedMarket {
    /// What is to be said of how it was recorded.
    pub fn note(&self) -> Option<String> {
        let before = self.before_definition;
        match (before, self.ladders) {
            (0, true) => None,
            (0, false) => Some("no whole ladders were recorded: nothing to mirror".to_owned()),
            _ => Some(format!(
                "begins in the middle: {before} messages before its first definition are left out"
            )),
        }
    }
}

impl Inventory {
    /// Looks a file over. Only a file that cannot be opened is an error.
    pub fn of_file(path: &Path) -> Result<Inventory, RecordingError> {
        let (lines, _) = Lines::open(path)?;
        Ok(Inventory::of(lines))
    }

    /// The same for anything that bytes come from.
    pub fn from_reader(bytes: impl Read + Send + 'static) -> std::io::Result<Inventory> {
        Ok(Inventory::of(Lines::of(bytes)?))
    }

    fn of(mut lines: Lines) -> Inventory {
        let (markets, began, passed_over) = (Vec::new(), UtcMillis::default(), 0);
        let mut inventory = Inventory { markets, began, passed_over, damage: None };
        let mut places = BTreeMap::new();
        loop {
            match inventory.look_over(&mut lines, &mut places) {
                Ok(true) => {}
                Ok(false) => break,
                Err(damage) => {
                    inventory.damage = Some(damage);
                    break;
                }
            }
        }
        for market in inventory.markets.iter_mut().filter(|market| !market.defined) {
            market.unplayable = Some("is never defined".to_owned());
        }
        inventory
    }

    /// False at the end.
    fn look_over(
        &mut self,
        lines: &mut Lines,
        places: &mut BTreeMap<String, usize>,
    ) -> Result<bool, RecordingError> {
        if !lines.advance()? {
            return Ok(false);
        }
        let mut defined = Vec::new();
        match words::glance(lines.bytes()) {
            Err(reason) => return Err(lines.refused(reason)),
            Ok(None) => self.passed_over += 1,
            Ok(Some(glances)) => {
                for glance in glances {
                    defined.extend(self.note(glance, places));
                }
            }
        }
        if self.markets.len() > MARKETS_MAX {
            return Err(lines.refused(format!("is about more than {MARKETS_MAX} markets")));
        }
        for place in defined {
            let market = &mut self.markets[place];
            if let Err(reason) = words::message(lines.bytes(), lines.line, &market.id) {
                market.unplayable = Some(reason);
            }
        }
        Ok(true)
    }

    /// Says which market it defines for the first time.
    fn note(&mut self, glance: Glance, places: &mut BTreeMap<String, usize>) -> Option<usize> {
        if self.began == UtcMillis::default() {
            self.began = glance.at;
        }
        let place = *places.entry(glance.market).or_insert_with_key(|id| {
            self.markets.push(RecordedMarket {
                id: id.clone(),
                messages: 0,
                before_definition: 0,
                unplayable: None,
                ladders: false,
                defined: false,
            });
            self.markets.len() - 1
        });
        let market = &mut self.markets[place];
        market.messages += 1;
        market.ladders |= glance.ladders;
        let first = glance.defines && !market.defined;
        market.defined |= glance.defines;
        market.before_definition += u64::from(!market.defined);
        first.then_some(place)
    }
}
