//! A recorded market's life: what its definitions ask an operator to do, and when in a message.
//!
//! Pure. What opens a market is done before the orders of its message, what shuts it after them, since a
//! suspension carries the trades and cancels that led to it. In play the market is given no bet delay, whatever
//! was recorded: the recording's orders have waited already when they show.
//!
//! A runner that is removed before the recording begins is not listed. One that is removed later is removed from the
//! market, by its chance as defined: its bets are void and those on the others are reduced, the mirror's own orders
//! too, which therefore looks at them anew.

use super::recorded::{RecordedDefinition, RunnerStatus};
use domain::act::{MarketAct, Verdict};
use domain::definition::MarketStatus;
use domain::home::{NewEvent, NewMarket, NewRunner};
use domain::ids::{EventId, Runner};
use std::collections::BTreeSet;

#[derive(Debug)]
pub struct Life {
    status: MarketStatus,
    in_play: bool,
    turns_in_play: bool,
    places: u16,
    complete: bool,
    listed: Vec<Runner>,
    removed: BTreeSet<Runner>,
    /// What was played otherwise than recorded, for people.
    notes: Vec<String>,
}

/// What a definition asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    pub before: Vec<MarketAct>,
    pub after: Vec<MarketAct>,
    /// Orders that do not persist go with `before`.
    pub turns_in_play: bool,
    /// The market's own rules take or change orders with `before`.
    pub removes: bool,
}

impl Life {
    /// By the first definition of a recording.
    pub fn new(first: &RecordedDefinition) -> Life {
        let is_listed = |runner: &&_| !is_removed(runner);
        let mut life = Life {
            status: if opens(first) { MarketStatus::Open } else { MarketStatus::Inactive },
            in_play: false,
            turns_in_play: first.turn_in_play || first.in_play,
            places: first.number_of_winners,
            complete: first.complete,
            listed: first.runners.iter().filter(is_listed).map(|runner| runner.runner).collect(),
            removed: BTreeSet::new(),
            notes: Vec::new(),
        };
        for runner in first.runners.iter().filter(|runner| is_removed(runner)) {
            let id = runner.runner.selection;
            life.notes.push(format!("runner {id} was removed before: not listed"));
        }
        if first.in_play || first.bet_delay_s > 0 {
            life.notes.push(NO_DELAY.to_owned());
        }
        life
    }

    pub fn runners(&self) -> &[Runner] {
        &self.listed
    }

    pub fn status(&self) -> MarketStatus {
        self.status
    }

    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What must be done for the market to be as defined.
    pub fn take(&mut self, definition: &RecordedDefinition) -> Turn {
        let mut turn = Turn::default();
        if self.status == MarketStatus::Closed {
            return turn;
        }
        turn.before = self.removals(definition);
        turn.removes = !turn.before.is_empty();
        match definition.status {
            MarketStatus::Open => {
                let turns = definition.in_play && !self.in_play && self.turns_in_play;
                if self.status == MarketStatus::Inactive
                    || (!turns && self.status != MarketStatus::Open)
                {
                    turn.before.push(MarketAct::Open);
                }
                if turns {
                    turn.before.push(MarketAct::TurnInPlay { bet_delay_s: Some(0) });
                    turn.turns_in_play = true;
                    self.in_play = true;
                    self.note(definition.bet_delay_s > 0, NO_DELAY);
                }
                self.status = MarketStatus::Open;
            }
            MarketStatus::Suspended | MarketStatus::Inactive => {
                if self.status == MarketStatus::Open {
                    turn.after.push(MarketAct::Suspend { lapse: false, reason: None });
                    self.status = MarketStatus::Suspended;
                }
            }
            MarketStatus::Closed => {
                turn.after.push(self.end(definition));
                self.status = MarketStatus::Closed;
            }
        }
        turn
    }

    fn end(&mut self, definition: &RecordedDefinition) -> MarketAct {
        let won = |runner: &&_| is_winner(runner) && self.listed.contains(&runner.runner);
        let winners: Vec<Runner> =
            definition.runners.iter().filter(won).map(|runner| runner.runner).collect();
        let named = u16::try_from(winners.len()).unwrap_or(u16::MAX);
        if named == 0 || (named < self.places && self.complete) {
            let note = format!("voided: {named} winners recorded for {} places", self.places);
            self.note(true, &note);
            return MarketAct::Void;
        }
        let dead_heat = named > self.places;
        self.note(dead_heat, "more winners than places: settled as a dead heat");
        MarketAct::Settle(Verdict { dead_heat, ..Verdict::won_by(winners) })
    }

    /// Runners of the market that have gone since.
    fn removals(&mut self, definition: &RecordedDefinition) -> Vec<MarketAct> {
        let gone = definition.runners.iter().filter(|runner| is_removed(runner));
        let new = gone
            .filter(|gone| self.listed.contains(&gone.runner) && self.removed.insert(gone.runner));
        new.map(|gone| MarketAct::RemoveRunner {
            runner: gone.runner,
            factor: gone.adjustment_factor.filter(|factor| *factor <= WHOLE),
        })
        .collect()
    }

    fn note(&mut self, when: bool, note: &str) {
        if when && !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }
}

/// All of a chance, in hundredths of a percent.
const WHOLE: u32 = 10_000;

const NO_DELAY: &str = "played without the recorded bet delay: recorded orders have waited already";

/// The event of a recording; `file` names it where the recording does not.
pub fn event(first: &RecordedDefinition, file: &str) -> NewEvent {
    let named = first.event_name.clone().or_else(|| first.venue.clone());
    NewEvent {
        event_type: first.event_type,
        name: named.unwrap_or_else(|| format!("Recorded {file}")),
        competition: None,
        country: first.country.clone(),
        venue: first.venue.clone(),
        open_date: first.open_date,
        timezone: first.timezone.clone(),
    }
}

/// The market of a recording: without starting prices and cross matching, which cannot be played.
pub fn market(first: &RecordedDefinition, event: EventId) -> NewMarket {
    let name = first.market_name.as_deref().unwrap_or(&first.market_type);
    let mut names = BTreeSet::new();
    let runner = |runner: &super::recorded::DefinedRunner| {
        let id = runner.runner.selection;
        let named = runner.name.clone().filter(|name| names.insert(name.clone()));
        NewRunner {
            name: named.unwrap_or_else(|| format!("Selection {id}")),
            selection: Some(id),
            handicap: runner.runner.handicap,
            sort_priority: Some(runner.sort_priority),
            adjustment_factor: runner.adjustment_factor,
        }
    };
    let listed = first.runners.iter().filter(|runner| !is_removed(runner));
    NewMarket {
        runners: listed.map(runner).collect(),
        number_of_winners: first.number_of_winners,
        turn_in_play: first.turn_in_play || first.in_play,
        persistence: first.persistence,
        complete: first.complete,
        discount_allowed: first.discount_allowed,
        base_rate: first.base_rate,
        open: opens(first),
        ..NewMarket::of(event, name, &first.market_type, first.start_time)
    }
}

fn opens(first: &RecordedDefinition) -> bool {
    first.status == MarketStatus::Open
}

fn is_removed(runner: &super::recorded::DefinedRunner) -> bool {
    runner.status == RunnerStatus::Removed
}

fn is_winner(runner: &super::recorded::DefinedRunner) -> bool {
    runner.status == RunnerStatus::Winner
}

#[cfg(test)]
mod tests {
    use super::super::recorded::DefinedRunner;
    use super::*;
    use domain::ids::{EventTypeId, SelectionId};
    use domain::time::UtcMillis;

    fn definition(
        status: MarketStatus,
        in_play: bool,
        runners: &[RunnerStatus],
    ) -> RecordedDefinition {
        let runner = |(id, status): (u64, &RunnerStatus)| DefinedRunner {
            runner: Runner::plain(SelectionId(id)),
            name: Some("Same".to_owned()),
            sort_priority: 1,
            adjustment_factor: None,
            status: *status,
        };
        RecordedDefinition {
            event: None,
            event_type: EventTypeId(7),
            event_name: None,
            market_name: None,
            market_type: "WIN".to_owned(),
            start_time: UtcMillis(1),
            open_date: UtcMillis(1),
            timezone: "GMT".to_owned(),
            country: None,
            venue: None,
            status,
            in_play,
            turn_in_play: true,
            persistence: true,
            complete: true,
            discount_allowed: true,
            base_rate: 500,
            bet_delay_s: 0,
            number_of_winners: 1,
            runners: (1..).zip(runners).map(runner).collect(),
        }
    }

    use MarketStatus::{Closed, Inactive, Open, Suspended};
    use RunnerStatus::{Active, Loser, Removed, Winner};

    fn acts(steps: &[(MarketStatus, bool)]) -> Vec<Turn> {
        let mut life = Life::new(&definition(steps[0].0, steps[0].1, &[Active, Active]));
        steps.iter().map(|(s, i)| life.take(&definition(*s, *i, &[Winner, Loser]))).collect()
    }

    #[test]
    fn a_market_opens_before_its_orders_and_shuts_after_them() {
        let steps =
            [(Open, false), (Suspended, false), (Suspended, true), (Open, true), (Open, true)];
        let done = acts(&steps);
        assert_eq!(done[0], Turn::default());
        assert_eq!(done[1].after, [MarketAct::Suspend { lapse: false, reason: None }]);
        assert_eq!(done[2], Turn::default());
        assert_eq!(done[3].before, [MarketAct::TurnInPlay { bet_delay_s: Some(0) }]);
        assert!(done[3].turns_in_play);
        assert_eq!(done[4], Turn::default());
        let done = acts(&[(Inactive, false), (Suspended, false), (Open, true), (Closed, true)]);
        let opened = [MarketAct::Open, MarketAct::TurnInPlay { bet_delay_s: Some(0) }];
        assert_eq!((&done[1], done[2].before.as_slice()), (&Turn::default(), opened.as_slice()));
        let winners = vec![Runner::plain(SelectionId(1))];
        assert_eq!(done[3].after, [MarketAct::Settle(Verdict::won_by(winners))]);
    }

    fn end(first: &[RunnerStatus], last: &[RunnerStatus]) -> (MarketAct, Vec<String>) {
        let mut life = Life::new(&definition(Open, false, first));
        let mut turn = life.take(&definition(Closed, false, last));
        (turn.after.remove(0), life.notes().to_vec())
    }

    #[test]
    fn ends_are_honest() {
        let one = |id| Runner::plain(SelectionId(id));
        let (act, notes) = end(&[Active, Active, Active], &[Winner, Winner, Loser]);
        let heat = Verdict { dead_heat: true, ..Verdict::won_by(vec![one(1), one(2)]) };
        assert_eq!(act, MarketAct::Settle(heat));
        assert_eq!(notes.len(), 1);
        assert_eq!(end(&[Active, Active], &[Active, Active]).0, MarketAct::Void);
        let (act, notes) = end(&[Active, Active, Active], &[Winner, Loser, Removed]);
        assert_eq!((act, notes.len()), (MarketAct::Settle(Verdict::won_by(vec![one(1)])), 0));
        let (act, notes) = end(&[Active, Active, Removed], &[Loser, Winner, Removed]);
        assert_eq!(act, MarketAct::Settle(Verdict::won_by(vec![one(2)])));
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn a_runner_that_goes_is_removed_once_before_the_orders_of_its_message() {
        let first = definition(Open, false, &[Active, Active, Active]);
        let mut gone = definition(Suspended, false, &[Active, Active, Removed]);
        gone.runners[2].adjustment_factor = Some(1_250);
        let mut life = Life::new(&first);
        let turn = life.take(&gone);
        let runner = Runner::plain(SelectionId(3));
        let removal = MarketAct::RemoveRunner { runner, factor: Some(1_250) };
        assert_eq!((turn.before, turn.removes), (vec![removal], true));
        assert_eq!(turn.after, [MarketAct::Suspend { lapse: false, reason: None }]);
        assert_eq!(life.take(&gone), Turn::default());
    }

    #[test]
    fn runners_of_one_name_are_told_apart() {
        let listed = market(&definition(Open, false, &[Active, Removed, Active]), EventId(1));
        let names: Vec<_> = listed.runners.iter().map(|runner| runner.name.as_str()).collect();
        assert_eq!(names, ["Same", "Selection 3"]);
    }
}
