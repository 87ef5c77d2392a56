//! A market's rows: the fields a subscription asked for, of a whole market or of a change.

use actors::board::{DEPTH_MAX, Delta, Ladder, Levels, PublicMarket, PublicRunner, Shape};
use bytes::Bytes;
use domain::money::Pence;
use domain::price::{ExactPrice, Price, StartingPrice};

use super::definition;
use super::number::{push_hundredths, push_integer, push_money, push_price};

/// Which figures a subscription wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fields(u16);

impl Fields {
    pub(super) const BEST_OFFERS: Fields = Fields(1);
    pub(super) const BEST_OFFERS_DISPLAYED: Fields = Fields(1 << 1);
    pub(super) const ALL_OFFERS: Fields = Fields(1 << 2);
    pub(super) const TRADED: Fields = Fields(1 << 3);
    pub(super) const TRADED_VOLUME: Fields = Fields(1 << 4);
    pub(super) const LAST_PRICE: Fields = Fields(1 << 5);
    pub(super) const DEFINITION: Fields = Fields(1 << 6);
    pub(super) const SP_TRADED: Fields = Fields(1 << 7);
    pub(super) const SP_PROJECTED: Fields = Fields(1 << 8);
    pub(super) const ALL: Fields = Fields((1 << 9) - 1);

    /// The field of a word.
    pub(super) fn of_word(word: &str) -> Option<Fields> {
        Some(match word {
            "EX_BEST_OFFERS" => Fields::BEST_OFFERS,
            "EX_BEST_OFFERS_DISP" => Fields::BEST_OFFERS_DISPLAYED,
            "EX_ALL_OFFERS" => Fields::ALL_OFFERS,
            "EX_TRADED" => Fields::TRADED,
            "EX_TRADED_VOL" => Fields::TRADED_VOLUME,
            "EX_LTP" => Fields::LAST_PRICE,
            "EX_MARKET_DEF" => Fields::DEFINITION,
            "SP_TRADED" => Fields::SP_TRADED,
            "SP_PROJECTED" => Fields::SP_PROJECTED,
            _ => return None,
        })
    }

    pub(super) fn with(self, other: Fields) -> Fields {
        Fields(self.0 | other.0)
    }

    fn has(self, other: Fields) -> bool {
        self.0 & other.0 != 0
    }
}

/// Levels of the best offers without a word.
pub(super) const DEFAULT_LEVELS: usize = 3;

/// One distinct way in which subscriptions want markets put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MarketShape {
    pub(super) fields: Fields,
    /// 1 to 10.
    pub(super) levels: usize,
}

impl Shape for MarketShape {
    fn key(&self) -> u64 {
        u64::from(self.fields.0) << 8 | self.levels as u64
    }

    fn whole(&self, market: &PublicMarket) -> Bytes {
        let mut row = Row::new(market);
        row.out.extend_from_slice(b",\"img\":true");
        if self.fields.has(Fields::DEFINITION) {
            row.definition();
        }
        for runner in &market.runners {
            self.whole_runner(&mut row, runner);
        }
        row.end_runners();
        if self.fields.has(Fields::TRADED_VOLUME) {
            row.total();
        }
        row.end()
    }

    fn change(&self, market: &PublicMarket, delta: &Delta, merged: bool) -> Option<Bytes> {
        let mut row = Row::new(market);
        if merged {
            row.out.extend_from_slice(b",\"con\":true");
        }
        let begun = row.out.len();
        if delta.definition && self.fields.has(Fields::DEFINITION) {
            row.definition();
        }
        for changed in &delta.runners {
            let Some(runner) = market.runners.get(usize::from(changed.runner)) else { continue };
            row.begin_runner();
            if self.fields.has(Fields::ALL_OFFERS) {
                row.prices("atb", &changed.to_back, &runner.to_back);
                row.prices("atl", &changed.to_lay, &runner.to_lay);
            }
            if self.fields.has(Fields::BEST_OFFERS) {
                row.levels("batb", changed.best_to_back, &runner.best_to_back, self.levels);
                row.levels("batl", changed.best_to_lay, &runner.best_to_lay, self.levels);
            }
            if self.fields.has(Fields::BEST_OFFERS_DISPLAYED) {
                row.levels("bdatb", changed.shown_to_back, &runner.shown_to_back, self.levels);
                row.levels("bdatl", changed.shown_to_lay, &runner.shown_to_lay, self.levels);
            }
            if self.fields.has(Fields::TRADED) {
                row.prices("trd", &changed.traded, &runner.traded);
            }
            if self.fields.has(Fields::SP_TRADED) {
                row.prices("spl", &changed.sp_backs, &runner.sp_backs);
                row.prices("spb", &changed.sp_lays, &runner.sp_lays);
            }
            if self.fields.has(Fields::SP_PROJECTED) {
                row.projected("spn", runner.near.filter(|_| changed.near));
                row.projected("spf", runner.far.filter(|_| changed.far));
            }
            if changed.last_price && self.fields.has(Fields::LAST_PRICE) {
                row.last_price(runner.last_price);
            }
            if changed.total && self.fields.has(Fields::TRADED_VOLUME) {
                row.volume(runner.total_matched);
            }
            row.end_runner(runner);
        }
        row.end_runners();
        if delta.total && self.fields.has(Fields::TRADED_VOLUME) {
            row.total();
        }
        (row.out.len() > begun).then(|| row.end())
    }
}

impl MarketShape {
    fn whole_runner(&self, row: &mut Row<'_>, runner: &PublicRunner) {
        row.begin_runner();
        if self.fields.has(Fields::ALL_OFFERS) {
            row.ladder("atb", &runner.to_back);
            row.ladder("atl", &runner.to_lay);
        }
        if self.fields.has(Fields::BEST_OFFERS) {
            row.offers("batb", &runner.best_to_back, self.levels);
            row.offers("batl", &runner.best_to_lay, self.levels);
        }
        if self.fields.has(Fields::BEST_OFFERS_DISPLAYED) {
            row.offers("bdatb", &runner.shown_to_back, self.levels);
            row.offers("bdatl", &runner.shown_to_lay, self.levels);
        }
        if self.fields.has(Fields::TRADED) {
            row.ladder("trd", &runner.traded);
        }
        if self.fields.has(Fields::SP_TRADED) {
            row.ladder("spl", &runner.sp_backs);
            row.ladder("spb", &runner.sp_lays);
        }
        if self.fields.has(Fields::SP_PROJECTED) {
            row.projected("spn", runner.near);
            row.projected("spf", runner.far);
        }
        if self.fields.has(Fields::LAST_PRICE) {
            row.last_price(runner.last_price);
        }
        if self.fields.has(Fields::TRADED_VOLUME) && !runner.total_matched.is_zero() {
            row.volume(runner.total_matched);
        }
        row.end_runner(runner);
    }
}

/// A row that is being written. Whatever turns out to be empty is taken back.
struct Row<'m> {
    market: &'m PublicMarket,
    out: Vec<u8>,
    /// Where the list of runners began, once there is one.
    runners_at: Option<usize>,
    /// Where the present runner began.
    runner_at: usize,
    runners: usize,
}

/// Most rows are smaller.
const ROOM_BYTES: usize = 160;

impl<'m> Row<'m> {
    fn new(market: &'m PublicMarket) -> Row<'m> {
        let mut out = Vec::with_capacity(ROOM_BYTES);
        out.extend_from_slice(b"{\"id\":\"");
        out.extend_from_slice(market.id().to_string().as_bytes());
        out.push(b'"');
        Row { market, out, runners_at: None, runner_at: 0, runners: 0 }
    }

    fn definition(&mut self) {
        self.out.extend_from_slice(b",\"marketDefinition\":");
        definition::push(&mut self.out, self.market);
    }

    fn begin_runner(&mut self) {
        if self.runners_at.is_none() {
            self.runners_at = Some(self.out.len());
            self.out.extend_from_slice(b",\"rc\":[");
        }
        self.runner_at = self.out.len();
        if self.runners > 0 {
            self.out.push(b',');
        }
        self.out.push(b'{');
    }

    fn end_runner(&mut self, runner: &PublicRunner) {
        let opened = if self.runners > 0 { 2 } else { 1 };
        if self.out.len() == self.runner_at + opened {
            self.out.truncate(self.runner_at);
            return;
        }
        self.runners += 1;
        self.out.extend_from_slice(b"\"id\":");
        push_integer(&mut self.out, runner.runner.selection.0);
        if runner.runner.handicap != 0 {
            self.out.extend_from_slice(b",\"hc\":");
            push_hundredths(&mut self.out, i64::from(runner.runner.handicap));
        }
        self.out.push(b'}');
    }

    fn end_runners(&mut self) {
        match self.runners_at {
            Some(at) if self.runners == 0 => self.out.truncate(at),
            Some(_) => self.out.push(b']'),
            None => {}
        }
    }

    fn key(&mut self, key: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn list<T>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = T>,
        push: impl Fn(&mut Vec<u8>, T),
    ) {
        self.key(key);
        self.out.push(b'[');
        let begun = self.out.len();
        for item in items {
            if self.out.len() > begun {
                self.out.push(b',');
            }
            push(&mut self.out, item);
        }
        self.out.extend_from_slice(b"],");
    }

    fn ladder<P: Odds>(&mut self, key: &str, ladder: &Ladder<P>) {
        if !ladder.is_empty() {
            self.list(key, ladder.iter(), |out, (price, size)| push_pair(out, *price, *size));
        }
    }

    fn offers(&mut self, key: &str, offers: &[(Price, Pence)], levels: usize) {
        if !offers.is_empty() {
            let shown = offers.iter().take(levels).enumerate();
            self.list(key, shown, |out, (level, offer)| push_level(out, level, *offer));
        }
    }

    /// What stands now at the prices that changed; nothing is a zero.
    fn prices<P: Odds>(&mut self, key: &str, changed: &[P], ladder: &Ladder<P>) {
        if !changed.is_empty() {
            self.list(key, changed.iter(), |out, price| {
                push_pair(out, *price, ladder.get(price).copied().unwrap_or_default());
            });
        }
    }

    /// What stands now at the levels that changed; a change below them is an empty list.
    fn levels(&mut self, key: &str, changed: Levels, offers: &[(Price, Pence)], levels: usize) {
        if changed.is_touched() {
            let within = changed.within(levels.min(DEPTH_MAX));
            self.list(key, within, |out, level| {
                let nothing = (Price(0), Pence::ZERO);
                push_level(out, level, offers.get(level).copied().unwrap_or(nothing));
            });
        }
    }

    fn projected(&mut self, key: &str, price: Option<StartingPrice>) {
        let Some(price) = price else { return };
        self.key(key);
        push_starting_price(&mut self.out, price);
        self.out.push(b',');
    }

    fn last_price(&mut self, price: Option<Price>) {
        if let Some(price) = price {
            self.key("ltp");
            push_price(&mut self.out, price);
            self.out.push(b',');
        }
    }

    fn volume(&mut self, volume: Pence) {
        self.key("tv");
        push_money(&mut self.out, volume);
        self.out.push(b',');
    }

    fn total(&mut self) {
        self.out.extend_from_slice(b",\"tv\":");
        push_money(&mut self.out, self.market.total_matched);
    }

    fn end(mut self) -> Bytes {
        self.out.push(b'}');
        Bytes::from(self.out)
    }
}

/// Odds of either kind, as they are written.
trait Odds: Ord + Copy {
    fn push(self, out: &mut Vec<u8>);
}

impl Odds for Price {
    fn push(self, out: &mut Vec<u8>) {
        push_price(out, self);
    }
}

impl Odds for ExactPrice {
    fn push(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.to_string().as_bytes());
    }
}

fn push_pair<P: Odds>(out: &mut Vec<u8>, price: P, size: Pence) {
    out.push(b'[');
    price.push(out);
    out.push(b',');
    push_money(out, size);
    out.push(b']');
}

/// A number, or the text that says why there is none.
pub(super) fn push_starting_price(out: &mut Vec<u8>, price: StartingPrice) {
    match price {
        StartingPrice::At(price) => price.push(out),
        StartingPrice::NotANumber => out.extend_from_slice(b"\"NaN\""),
        StartingPrice::Infinity => out.extend_from_slice(b"\"Infinity\""),
    }
}

fn push_level(out: &mut Vec<u8>, level: usize, (price, size): (Price, Pence)) {
    out.push(b'[');
    push_integer(out, level as u64);
    out.push(b',');
    push_price(out, price);
    out.push(b',');
    push_money(out, size);
    out.push(b']');
}
