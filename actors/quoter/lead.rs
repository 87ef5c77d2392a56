//! What is to be done to a market so that it follows its match: in play at kick-off, suspended before prices move, open
//! again when they stand, settled at the end.
//!
//! Pure. A suspension that somebody else ordered is not undone.

use crate::fixture::View;
use domain::act::MarketAct;
use domain::catalogue::MarketCard;
use domain::definition::MarketStatus;
use domain::football::listed::{Ended, Question};
use domain::football::live::Phase;
use domain::football::pricer::{Priced, Status, Why};
use domain::time::UtcMillis;

/// A market that is found suspended so long after its match was, was left so by a quoter that died.
const LEFT_SUSPENDED_MS: i64 = 300_000;

/// What the markets of a match should be, by its book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    BeforeKickOff,
    InPlay,
    /// Something is not settled.
    Pause,
    Over,
}

impl Stage {
    pub(super) fn of(priced: &Priced) -> Stage {
        match (priced.status, priced.rests.phase) {
            (Status::Over, _) => Stage::Over,
            (_, Phase::Before) => Stage::BeforeKickOff,
            (Status::Open, _) => Stage::InPlay,
            (Status::Suspended | Status::Withheld, _) => Stage::Pause,
        }
    }

    pub(super) fn is_in_play(self) -> bool {
        matches!(self, Stage::InPlay | Stage::Pause)
    }
}

/// Whether a suspension that an incarnation finds as it begins is what one before it left.
pub(super) fn was_left_suspended(view: &View) -> bool {
    let pended = view.dossier.story.pended_at;
    pended.is_some_and(|at: UtcMillis| view.at.since_ms(at) <= LEFT_SUSPENDED_MS)
}

/// The next thing to do; `ours`: a suspension now is our own. `why` the match is not open is told to everybody.
pub(super) fn act(
    stage: Stage,
    why: Option<Why>,
    card: &MarketCard,
    question: &Question,
    ended: Option<&Ended>,
    ours: bool,
) -> Option<MarketAct> {
    let goes_in_play = card.definition.turn_in_play;
    let suspend = || MarketAct::Suspend { lapse: true, reason: why.map(|why| why.to_string()) };
    match (stage, card.status) {
        (_, MarketStatus::Closed | MarketStatus::Inactive) => None,
        (_, MarketStatus::Suspended) if !ours => None,
        // How it ended is not known for certain: somebody must say it, and nobody bets meanwhile.
        (Stage::Over, status) => {
            match ended.and_then(|it| question.verdict(it, &card.definition)) {
                Some(verdict) => Some(verdict),
                None if status == MarketStatus::Open => Some(suspend()),
                None => None,
            }
        }
        (Stage::InPlay | Stage::Pause, MarketStatus::Open) if !goes_in_play => Some(suspend()),
        (Stage::InPlay | Stage::Pause, MarketStatus::Open) if !card.in_play => {
            Some(MarketAct::TurnInPlay { bet_delay_s: None })
        }
        (Stage::Pause, MarketStatus::Open) => Some(suspend()),
        (Stage::InPlay, MarketStatus::Suspended) if goes_in_play => Some(MarketAct::Open),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::definition::MarketDefinition;
    use domain::football::live::Reason;
    use domain::ids::{MarketId, Runner, SelectionId};
    use std::sync::Arc;

    fn card(status: MarketStatus, in_play: bool, turn_in_play: bool) -> MarketCard {
        let runners = (1..=3).map(|id| Runner::plain(SelectionId(id)));
        let mut definition =
            MarketDefinition { turn_in_play, ..MarketDefinition::plain(MarketId(1), runners) };
        for (runner, name) in definition.runners.iter_mut().zip(["Leeds", "Wolves", "The Draw"]) {
            runner.name = name.to_owned();
        }
        MarketCard {
            definition: Arc::new(definition),
            status,
            in_play,
            bet_delay_s: 0,
            version: 1,
            closed_at: None,
            settled_at: None,
        }
    }

    #[test]
    fn a_market_follows_its_match_and_what_others_suspend_stays() {
        use MarketStatus::{Closed, Inactive, Open, Suspended};
        use Stage::{BeforeKickOff, InPlay, Over, Pause};
        let why = Why::Match(Reason::Goal);
        let suspend = || Some(MarketAct::Suspend { lapse: true, reason: Some(why.to_string()) });
        let in_play = Some(MarketAct::TurnInPlay { bet_delay_s: None });
        let question = Question::of(&card(Open, false, true).definition, ["Leeds", "Wolves"]);
        let question = question.expect("understood");
        for (stage, status, is_in_play, goes_in_play, ours, wanted) in [
            (BeforeKickOff, Open, false, true, false, None),
            (InPlay, Open, false, true, false, in_play.clone()),
            (Pause, Open, false, true, false, in_play),
            (InPlay, Open, false, false, false, suspend()),
            (InPlay, Suspended, false, false, true, None),
            (Pause, Open, true, true, false, suspend()),
            (Pause, Suspended, true, true, true, None),
            (InPlay, Suspended, true, true, true, Some(MarketAct::Open)),
            (InPlay, Suspended, true, true, false, None),
            // How it ended is not known: nobody bets, and somebody must say it.
            (Over, Open, true, true, false, suspend()),
            (Over, Suspended, true, true, true, None),
            (InPlay, Inactive, false, true, false, None),
            (Over, Closed, true, true, true, None),
        ] {
            let card = card(status, is_in_play, goes_in_play);
            let act = act(stage, Some(why), &card, &question, None, ours);
            assert_eq!(act, wanted, "{stage:?} {status:?} {is_in_play} {goes_in_play} {ours}");
        }
    }
}
