//! What a history reached, as labels: a simulation that never settles a market proves nothing about it.

use super::oracle::NaiveMarket;
use super::world::{Entry, World};
use domain::ids::AccountId;
use domain::order::{Side, TimeInForce};
use domain::record::{AccountEvent, AtClose, Event, MarketEvent, Notice, Resolution, Taken};
use std::collections::BTreeSet;

/// One label for each thing that happened, as often as it did.
pub(super) fn labels(world: &World) -> Vec<String> {
    let mut labels = Vec::new();
    let mut delayed = BTreeSet::new();
    for entry in &world.log {
        let Entry::Record(record) = entry else { continue };
        if let Event::Market(MarketEvent::Delayed { command, .. }) = &record.event {
            delayed.insert((record.entity, command.account, command.n));
        }
        if let Event::Market(MarketEvent::Placed { command, orders }) = &record.event {
            let waited = delayed.contains(&(record.entity, command.account, command.n));
            if waited && orders.iter().any(|taken| taken.crossed.is_some()) {
                labels.push("cross matched after the delay".to_owned());
            }
        }
        match &record.event {
            Event::Market(event) => of_market(event, &mut labels),
            Event::Account(event) => of_account(event, &mut labels),
            Event::Home(_) | Event::Football(_) => {}
        }
    }
    if world.oracle.markets.values().any(NaiveMarket::has_void_matches) {
        labels.push("matched on a removed runner".to_owned());
    }
    labels
}

fn of_market(event: &MarketEvent, labels: &mut Vec<String>) {
    use MarketEvent as E;
    let mut say = |label: &str| labels.push(label.to_owned());
    match event {
        E::Created { .. } => {}
        E::ActRefused { error, .. } => say(&format!("act refused: {error:?}")),
        E::StatusChanged(change) => {
            say(&format!("market {:?}, in play {}", change.status, change.in_play));
            if change.n.is_none() {
                say("suspended after an outage");
            }
            if !change.lapsed.is_empty() {
                say("lapsed");
            }
        }
        E::Placed { command, orders } => {
            for taken in orders {
                of_crossed(command.account, taken, &mut say);
                if !taken.fills.is_empty() {
                    say("matched");
                }
                if taken.fills.iter().any(|fill| fill.price != taken.order.price) {
                    say("matched at a better price");
                }
                if taken.order.kind.target().is_some() && !taken.fills.is_empty() {
                    say("matched towards a target");
                }
                if let Some(reason) = taken.gone {
                    say(&format!("gone: {reason:?}"));
                }
            }
        }
        E::Reconciled(made) => {
            say("starting prices made");
            for AtClose { closed, .. } in &made.orders {
                let met = !closed.matched.is_zero();
                match (closed.liability.is_zero(), met) {
                    (true, true) => say("the book met the starting price"),
                    (false, true) => say("matched at the starting price"),
                    _ => say(&format!("gone: {:?}", closed.reason)),
                }
                if met && !closed.lapsed.is_zero() {
                    say("matched in part at the starting price");
                }
            }
        }
        E::Prepared(_) => say("prepared"),
        E::KeyLine { .. } => say("key line"),
        E::RunnerRemoved(removal) => {
            say("runner removed");
            if !removal.lapsed.is_empty() {
                say("lapsed with a runner");
            }
            if !removal.adjusted.is_empty() {
                say("stays at a reduced price");
            }
        }
        E::Delayed { .. } => say("delayed"),
        E::Cancelled { orders, .. } => {
            for line in orders {
                say(if line.is_ok() { "cancelled" } else { "cancelled too late" });
            }
        }
        E::Replaced { orders, .. } => {
            for line in orders {
                match &line.placed {
                    Some(Ok(taken)) if taken.crossed.is_some() => {
                        say("replaced, then cross matched")
                    }
                    Some(Ok(_)) => say("replaced"),
                    Some(Err(_)) => say("replacement refused"),
                    None => say("replaced too late"),
                }
            }
        }
        E::Updated { .. } => say("updated"),
        E::Refused { refusal, .. } => say(&format!("refused: {:?}", refusal.error)),
        E::Withdrawn { lapsed, .. } => {
            say(if lapsed.is_empty() { "withdrawn unseen" } else { "withdrawn from the book" });
        }
        E::Acknowledged { .. } => say("acknowledged"),
        E::Resolved { resolution, .. } => match resolution {
            Resolution::Settled(_) => say("settled"),
            Resolution::Voided => say("voided"),
            Resolution::Unsettled => say("unsettled"),
        },
        E::LapsedAhead { .. } => say("lapsed in several records"),
        E::ResolutionSent { .. } | E::ResolutionPaid { .. } => {}
        E::ResolutionClosed { rounding, crossed, .. } => {
            match crossed.0 {
                1.. => say("the house was paid"),
                0 => {}
                _ => say("the house paid back"),
            }
            if !rounding.is_zero() {
                say("rounded");
            }
        }
    }
}

fn of_crossed(own: AccountId, taken: &Taken, say: &mut impl FnMut(&str)) {
    let Some(crossed) = &taken.crossed else { return };
    say(match taken.order.side {
        Side::Back => "cross matched a back",
        Side::Lay => "cross matched a lay",
    });
    if crossed.0.len() > 1 {
        say("cross matched at several prices");
    }
    if !taken.fills.is_empty() {
        say("cross matched beside the book");
    }
    if taken.rests.is_some() {
        say("cross matched in part");
    }
    if taken.order.time_in_force != TimeInForce::Rest {
        say("cross matched at once or not at all");
    }
    let mut legs = crossed.0.iter().flat_map(|crossed| &crossed.fills);
    if legs.any(|leg| leg.account == own) {
        say("cross matched with its own bets");
    }
}

fn of_account(event: &AccountEvent, labels: &mut Vec<String>) {
    let mut say = |label: &str| labels.push(label.to_owned());
    match event {
        AccountEvent::ActRefused { error, .. } => say(&format!("act refused: {error:?}")),
        AccountEvent::Ordered(ordered) => {
            if ordered.more {
                say("cancelled in several markets");
            }
            if !ordered.withdraws.is_empty() {
                say("withdrew with a cancel");
            }
            if !ordered.faults.is_empty() {
                say("ordered in part");
            }
        }
        AccountEvent::Noticed(noticed) => {
            if !noticed.reduced.is_empty() {
                say("reduced");
            }
            if let Some(payment) = &noticed.payment {
                let paid = !payment.net.is_zero();
                say(if paid { "paid" } else { "resolved without a payment" });
                if !payment.commission.is_zero() {
                    say("took commission");
                }
                if payment.profits.len() > 1 && matches!(noticed.notice, Notice::Resolved { .. }) {
                    say("paid several bets");
                }
            }
        }
        _ => {}
    }
}
