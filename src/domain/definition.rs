//! What a market is, before anybody bets on it: the definition that its creator writes once.

use crate::ids::{EventId, EventTypeId, MarketId, PartitionId, Runner};
use crate::ladder::{Ladder, LineRange};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketDefinition {
    pub id: MarketId,
    /// Where the market lives; written once, never changed.
    pub partition: PartitionId,
    pub event: EventId,
    pub event_type: EventTypeId,
    pub name: String,
    /// The kind of question: `MATCH_ODDS`, `OVER_UNDER_25`, `WIN`; an open set.
    pub market_type: String,
    pub start_time: UtcMillis,
    pub runners: Vec<RunnerDefinition>,
    /// More than one: a place market. Of an each-way market, its places. Zero where each runner is a
    /// question of its own.
    pub number_of_winners: u16,
    pub betting_type: BettingType,
    /// Of an each-way market, in hundredths: at 500 the place half is paid at a fifth of the odds.
    pub each_way_divisor: Option<u32>,
    /// Of a LINE market.
    pub line: Option<LineDefinition>,
    pub bsp_market: bool,
    /// The market will be turned in-play.
    pub turn_in_play: bool,
    /// Orders may persist into play.
    pub persistence: bool,
    pub cross_matching: bool,
    /// One of the runners must win; if not, the field may contain "none of these".
    pub complete: bool,
    pub discount_allowed: bool,
    /// Commission on net winnings, in hundredths of a percent: 500 is 5 %.
    pub base_rate: u32,
    /// Seconds that an order waits once the market is in play.
    pub bet_delay_s: u16,
    pub jurisdiction: Option<String>,
    /// Of a race, what kind it is: `Flat`, `Hurdle`, `Chase`; an open set.
    #[serde(default)]
    pub race_type: Option<String>,
    /// What the bet delay makes exceptions of; nothing: every new order waits, and for as long. Most markets
    /// write nothing, which only a last field may.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bet_delay_models: BTreeSet<BetDelayModel>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BetDelayModel {
    /// Orders that meet nobody do not wait; in return none of the market's orders may persist into play.
    Passive,
    /// The operator changes the delay while the market is in play.
    Dynamic,
}

impl BetDelayModel {
    pub const ALL: [BetDelayModel; 2] = [BetDelayModel::Passive, BetDelayModel::Dynamic];
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerDefinition {
    pub runner: Runner,
    pub name: String,
    pub sort_priority: u16,
    /// Reduction factor in hundredths of a percent, for racing.
    pub adjustment_factor: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BettingType {
    Odds,
    /// The price is the line; BACK sells it (wins below), LAY buys it (wins above), both at 2.0.
    Line,
    /// Two sides, each on several lines: the margin decides.
    AsianHandicapDoubleLine,
    /// Each runner on a line of its own: the total decides.
    AsianHandicapSingleLine,
}

impl BettingType {
    /// Its runners stand on lines, one of which may be the key line.
    pub fn has_lines(self) -> bool {
        matches!(self, BettingType::AsianHandicapDoubleLine | BettingType::AsianHandicapSingleLine)
    }
}

/// What the lines of a LINE market count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDefinition {
    pub unit: String,
    pub range: LineRange,
}

/// What a bet pays, as far as the market's shape decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MarketKind {
    #[default]
    #[serde(rename = "o")]
    Odds,
    /// Half of a bet is on winning, half on being placed at `(p - 1)` by the divisor, in hundredths.
    #[serde(rename = "e")]
    EachWay { divisor: u32 },
    /// Handicaps: runners are independent, and stakes may come back whole or by halves.
    #[serde(rename = "a")]
    Asian,
    #[serde(rename = "l")]
    Line(LineRange),
}

impl MarketKind {
    pub fn ladder(self) -> Ladder {
        match self {
            MarketKind::Odds | MarketKind::EachWay { .. } => Ladder::Classic,
            MarketKind::Asian => Ladder::Finest,
            MarketKind::Line(range) => Ladder::Lines(range),
        }
    }
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum MarketStatus {
    #[default]
    Inactive,
    Open,
    Suspended,
    Closed,
}

/// The part of a definition that an account's arithmetic rests on. The account is told it with its first
/// order and journals it, so that replay reads no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketTerms {
    pub number_of_winners: u16,
    /// Runners that may still win.
    pub runners: u16,
    pub complete: bool,
    pub base_rate: u32,
    pub discount_allowed: bool,
    /// Orders may persist into play.
    pub persistence: bool,
    pub kind: MarketKind,
    /// There will be a starting price.
    pub bsp_market: bool,
}

impl MarketDefinition {
    /// Match odds of one winner, open to everything that needs no more said: what tests and benchmarks begin from.
    pub fn plain(id: MarketId, runners: impl IntoIterator<Item = Runner>) -> Self {
        let runner = |(place, runner): (u16, Runner)| RunnerDefinition {
            runner,
            name: format!("Runner {}", runner.selection),
            sort_priority: place,
            adjustment_factor: None,
        };
        MarketDefinition {
            id,
            partition: PartitionId(0),
            event: EventId(1),
            event_type: EventTypeId(1),
            name: "Match Odds".to_owned(),
            market_type: "MATCH_ODDS".to_owned(),
            start_time: UtcMillis(0),
            runners: (1..).zip(runners).map(runner).collect(),
            number_of_winners: 1,
            betting_type: BettingType::Odds,
            each_way_divisor: None,
            line: None,
            bsp_market: false,
            turn_in_play: true,
            persistence: true,
            cross_matching: false,
            complete: true,
            discount_allowed: true,
            base_rate: 500,
            bet_delay_s: 0,
            jurisdiction: None,
            race_type: None,
            bet_delay_models: BTreeSet::new(),
        }
    }

    pub fn is_passive(&self) -> bool {
        self.bet_delay_models.contains(&BetDelayModel::Passive)
    }

    /// Whether PERSIST is taken.
    pub fn orders_may_persist(&self) -> bool {
        self.persistence && !self.is_passive()
    }

    pub fn kind(&self) -> MarketKind {
        match (self.betting_type, self.each_way_divisor, &self.line) {
            (BettingType::Line, _, Some(line)) => MarketKind::Line(line.range),
            (BettingType::Odds, Some(divisor), _) => MarketKind::EachWay { divisor },
            (BettingType::Odds | BettingType::Line, ..) => MarketKind::Odds,
            (BettingType::AsianHandicapDoubleLine | BettingType::AsianHandicapSingleLine, ..) => {
                MarketKind::Asian
            }
        }
    }

    pub fn ladder(&self) -> Ladder {
        self.kind().ladder()
    }

    pub fn terms(&self) -> MarketTerms {
        MarketTerms {
            number_of_winners: self.number_of_winners,
            runners: u16::try_from(self.runners.len()).expect("a market has at most MAX_RUNNERS"),
            complete: self.complete,
            base_rate: self.base_rate,
            discount_allowed: self.discount_allowed,
            persistence: self.orders_may_persist(),
            kind: self.kind(),
            bsp_market: self.bsp_market,
        }
    }
}

/// A market of more runners is refused when it is created.
pub const MAX_RUNNERS: usize = 1_000;
