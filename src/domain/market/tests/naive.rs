//! The same market written so that it is obviously right: one list of orders, searched and sorted anew for
//! every match, fill or kill penny by penny. Too slow for anything but being believed.

use super::*;
use crate::price::StartingPrice;
use crate::record::ClosedBet;

#[derive(Debug, Clone)]
pub(super) struct NaiveOrder {
    pub(super) account: u64,
    n: u64,
    pub(super) order: NewOrder,
    pub(super) remaining: i64,
    /// Counts up when the order joins a queue; `None` while it waits for the bet delay.
    pub(super) joined: Option<u64>,
    /// Counts up when the order comes to wait for the starting price.
    pub(super) closing: Option<u64>,
}

#[derive(Debug, Clone)]
struct NaiveWaiting {
    account: u64,
    n: u64,
    until: UtcMillis,
    bets: Vec<BetId>,
    conditions: Conditions,
    /// The cancel half of a replacement.
    cancelled: Option<Vec<Result<CancelledOrder, InstructionFault>>>,
}

#[derive(Debug, Default)]
pub(super) struct Naive {
    pub(super) orders: Vec<NaiveOrder>,
    waiting: Vec<NaiveWaiting>,
    pub(super) count: u64,
    pub(super) reconciled: bool,
    pub(super) removed: Vec<Runner>,
    pub(super) prices: Vec<(Runner, StartingPrice)>,
    /// What accounts are told of their bets at the starting price.
    pub(super) closed: Vec<(u64, ClosedBet)>,
    pub(super) status: MarketStatus,
    pub(super) in_play: bool,
    passive: bool,
    pub(super) last_material: u64,
    pub(super) answers: BTreeMap<(u64, u64), Answer>,
    /// Account, bet, price, size: of the resting side, as told.
    pub(super) filled: Vec<(u64, u64, u32, i64)>,
    pub(super) lapsed: Vec<(u64, u64, i64, LapseReason)>,
    pub(super) matched: i64,
}

const DELAY_MS: i64 = 5_000;

/// Handles are the real market's business.
const HANDLE: Handle = Handle { slot: 0, generation: 0 };

impl Naive {
    pub(super) fn open(version: u64, passive: bool) -> Naive {
        Naive { status: MarketStatus::Open, last_material: version, passive, ..Naive::default() }
    }

    fn find(&self, bet: BetId) -> Option<usize> {
        self.orders.iter().position(|order| order.order.bet == bet)
    }

    /// Who could be met by an order, in the order of meeting.
    fn opposite(&self, order: &NewOrder) -> Vec<usize> {
        let mut found: Vec<usize> = (0..self.orders.len())
            .filter(|at| {
                let other = &self.orders[*at];
                other.joined.is_some()
                    && other.order.runner == order.runner
                    && other.order.side != order.side
            })
            .collect();
        found.sort_by_key(|at| {
            let other = &self.orders[*at];
            let price = i64::from(other.order.price.0);
            let badness = if order.side == Side::Back { -price } else { price };
            (badness, other.joined)
        });
        found
    }

    fn worse(order: &NewOrder, price: Price) -> bool {
        match order.side {
            Side::Back => price < order.price,
            Side::Lay => price > order.price,
        }
    }

    /// Penny by penny until the target is reached: with whom, how often in a row, and the stake that is left.
    fn meet_target(&self, order: &NewOrder, target: Pence) -> (Vec<(usize, i64)>, i64) {
        let profit = matches!(order.kind, OrderKind::BackersProfit(_));
        let yields = |price: Price| i64::from(price.0) - if profit { 100 } else { 0 };
        let (mut met, mut needed) = (vec![], 100 * target.0);
        for at in self.opposite(order) {
            let other = &self.orders[at];
            if Naive::worse(order, other.order.price) {
                break;
            }
            let mut size = 0;
            while size < other.remaining && needed >= yields(other.order.price) {
                (size, needed) = (size + 1, needed - yields(other.order.price));
            }
            if size > 0 {
                met.push((at, size));
            }
            if needed < yields(other.order.price) {
                return (met, 0);
            }
        }
        (met, needed / yields(order.price))
    }

    /// Penny by penny: with whom, and how often in a row.
    fn meet(&self, order: &NewOrder) -> Vec<(usize, i64)> {
        let mut met: Vec<(usize, i64)> = vec![];
        let (mut pence, mut priced) = (0, 0);
        for at in self.opposite(order) {
            let other = &self.orders[at];
            let price = other.order.price;
            let mut size = 0;
            while size < other.remaining && pence < order.size.0 {
                let average = (priced + i64::from(price.0), (pence + 1) * i64::from(order.price.0));
                let allowed = match (order.time_in_force, order.side) {
                    (TimeInForce::Rest, _) => !Naive::worse(order, price),
                    (_, Side::Back) => average.0 >= average.1,
                    (_, Side::Lay) => average.0 <= average.1,
                };
                if !allowed {
                    break;
                }
                (size, pence, priced) = (size + 1, pence + 1, priced + i64::from(price.0));
            }
            if size > 0 {
                met.push((at, size));
            }
        }
        met
    }

    /// `held`: it has waited, and its place in the list is there.
    fn take(
        &mut self,
        account: u64,
        n: u64,
        mut order: NewOrder,
        conditions: &Conditions,
    ) -> PlacedOrder {
        let bet = order.bet;
        if order.kind.is_on_close() {
            self.count += 1;
            let (remaining, closing) = (order.size.0, Some(self.count));
            self.orders.push(NaiveOrder { account, n, order, remaining, joined: None, closing });
            let remainder = Remainder::Rests { handle: HANDLE, size: order.size };
            return PlacedOrder { bet, matched: vec![], remainder };
        }
        let size = order.size;
        let gone = |size, reason| PlacedOrder {
            bet,
            matched: vec![],
            remainder: Remainder::Gone { size, reason },
        };
        let best = self.opposite(&order).first().map(|at| self.orders[*at].order.price);
        let improves = best.is_some_and(|best| best != order.price && !Naive::worse(&order, best));
        if improves && !conditions.best_execution {
            return gone(size, LapseReason::PriceImprovementTooLarge);
        }
        let met = match order.kind.target() {
            None => self.meet(&order),
            Some(target) => {
                let (met, left) = self.meet_target(&order, target);
                order.size = Pence(met.iter().map(|(_, size)| *size).sum::<i64>() + left);
                met
            }
        };
        if !conditions.self_match && met.iter().any(|(at, _)| self.orders[*at].account == account) {
            return gone(order.size, LapseReason::SelfMatch);
        }
        let all: i64 = met.iter().map(|(_, size)| *size).sum();
        if let TimeInForce::FillOrKill { min_fill } = order.time_in_force
            && all < min_fill.unwrap_or(order.size).0
        {
            return gone(order.size, LapseReason::Killed);
        }
        let mut matched: Vec<Matched> = vec![];
        for (at, size) in met {
            let other = &mut self.orders[at];
            other.remaining -= size;
            let price = other.order.price;
            self.filled.push((other.account, other.order.bet.0, price.0, size));
            match matched.iter_mut().find(|matched| matched.price == price) {
                Some(matched) => matched.size += Pence(size),
                None => matched.push(Matched { price, size: Pence(size) }),
            }
        }
        self.matched += all;
        self.orders.retain(|order| order.remaining > 0);
        let left = order.size - Pence(all);
        let remainder = match (left, order.time_in_force) {
            (Pence::ZERO, _) => Remainder::None,
            (size, TimeInForce::Rest) => {
                self.count += 1;
                let (joined, remaining) = (Some(self.count), size.0);
                self.orders.push(NaiveOrder {
                    account,
                    n,
                    order,
                    remaining,
                    joined,
                    closing: None,
                });
                Remainder::Rests { handle: HANDLE, size }
            }
            (size, _) => Remainder::Gone { size, reason: LapseReason::Killed },
        };
        PlacedOrder { bet, matched, remainder }
    }

    fn check_open(&self, conditions: &Conditions, count: usize) -> Result<(), Refusal> {
        match self.status {
            MarketStatus::Suspended => {
                return Err(Refusal::whole(ExecutionError::MarketSuspended, count));
            }
            MarketStatus::Closed => {
                return Err(Refusal::whole(ExecutionError::MarketNotOpenForBetting, count));
            }
            _ => {}
        }
        match conditions.market_version {
            Some(version) if version < self.last_material => Err(Refusal {
                error: ExecutionError::BetActionError,
                instructions: vec![InstructionError::BetTakenOrLapsed; count],
            }),
            _ => Ok(()),
        }
    }

    fn takes(&self, persistence: Persistence) -> bool {
        match persistence {
            Persistence::Lapse => true,
            Persistence::Persist => !self.passive,
            Persistence::MarketOnClose => self.awaits_start(),
        }
    }

    fn check(
        &self,
        account: u64,
        orders: &[NewOrder],
        conditions: &Conditions,
    ) -> Result<(), (usize, InstructionError)> {
        for (at, order) in orders.iter().enumerate() {
            if self.removed.contains(&order.runner) {
                return Err((at, InstructionError::RunnerRemoved));
            }
            if order.kind.is_on_close() && !self.awaits_start() {
                return Err((at, InstructionError::MarketNotOpenForBspBetting));
            }
            if order.price.index().is_none() {
                return Err((at, InstructionError::InvalidOdds));
            }
            if order.kind.is_on_close() {
                continue;
            }
            if order.time_in_force == TimeInForce::Rest && !self.takes(order.persistence) {
                return Err((at, InstructionError::InvalidPersistenceType));
            }
            if let TimeInForce::FillOrKill { min_fill: Some(least) } = order.time_in_force
                && (least <= Pence::ZERO || least > order.size)
            {
                return Err((at, InstructionError::InvalidMinFillSize));
            }
        }
        for (at, order) in orders.iter().enumerate() {
            let crosses = orders[..at].iter().any(|before| {
                before.runner == order.runner
                    && match (before.side, order.side) {
                        (Side::Back, Side::Lay) => order.price >= before.price,
                        (Side::Lay, Side::Back) => order.price <= before.price,
                        _ => false,
                    }
            });
            if crosses {
                return Err((at, InstructionError::InvalidBackLayCombination));
            }
        }
        if conditions.self_match || self.waits() {
            return Ok(());
        }
        for (at, order) in orders.iter().enumerate() {
            if order.kind.is_on_close() {
                continue;
            }
            let alike = orders[..=at].iter().filter(|o| !o.kind.is_on_close());
            let alike = alike.filter(|o| o.runner == order.runner && o.side == order.side);
            let mut wanted: i64 = alike.map(|order| order.largest_stake().0).sum();
            for other in self.opposite(order) {
                let other = &self.orders[other];
                let out = order.time_in_force == TimeInForce::Rest
                    && Naive::worse(order, other.order.price);
                if wanted <= 0 || out {
                    break;
                }
                if other.account == account {
                    return Err((at, InstructionError::InvalidBackLayCombination));
                }
                wanted -= other.remaining;
            }
        }
        Ok(())
    }

    /// Nothing of it would be matched at once.
    fn passes(&self, orders: &[NewOrder]) -> bool {
        let rests = |order: &NewOrder| {
            let plain = order.kind == OrderKind::Limit
                && order.time_in_force == TimeInForce::Rest
                && order.persistence == Persistence::Lapse;
            let met = self.opposite(order).into_iter().next();
            plain && met.is_none_or(|at| Naive::worse(order, self.orders[at].order.price))
        };
        self.passive && orders.iter().all(rests)
    }

    fn waits(&self) -> bool {
        self.in_play
    }

    pub(super) fn awaits_start(&self) -> bool {
        !self.reconciled && !self.in_play
    }

    pub(super) fn command(&mut self, now: UtcMillis, account: u64, n: u64, what: &OrderCommand) {
        let answer = match what {
            OrderCommand::Place { orders, conditions } => {
                self.place(now, account, n, orders, conditions)
            }
            OrderCommand::Cancel { orders, on_close: false } => Some(Answer::Cancelled(
                orders.iter().map(|o| self.cancel(account, o.bet, o.reduction)).collect(),
            )),
            OrderCommand::Cancel { orders, on_close: true } => Some(Answer::Cancelled(
                orders.iter().map(|o| self.take_back(account, o.bet)).collect(),
            )),
            OrderCommand::Replace { orders, conditions } => {
                self.replace(now, account, n, orders, conditions)
            }
            OrderCommand::Update { orders } => Some(Answer::Updated(
                orders.iter().map(|o| self.update(account, o.bet, o.persistence)).collect(),
            )),
        };
        if let Some(answer) = answer {
            self.answers.insert((account, n), answer);
        }
    }

    fn place(
        &mut self,
        now: UtcMillis,
        account: u64,
        n: u64,
        orders: &[NewOrder],
        conditions: &Conditions,
    ) -> Option<Answer> {
        if let Err(refusal) = self.check_open(conditions, orders.len()) {
            return Some(Answer::Refused(refusal));
        }
        let small = orders.iter().position(|order| order.size <= Pence::ZERO);
        let checked = match small {
            Some(at) => Err((at, InstructionError::InvalidBetSize)),
            None => self.check(account, orders, conditions),
        };
        if let Err((at, error)) = checked {
            return Some(Answer::Refused(Refusal::of(at, error, orders.len())));
        }
        if self.waits() && !self.passes(orders) {
            self.wait(now, account, n, orders, conditions, None);
            return None;
        }
        let place = |order: &NewOrder| self.take(account, n, *order, conditions);
        Some(Answer::Placed(orders.iter().map(place).collect()))
    }

    fn wait(
        &mut self,
        now: UtcMillis,
        account: u64,
        n: u64,
        orders: &[NewOrder],
        conditions: &Conditions,
        cancelled: Option<Vec<Result<CancelledOrder, InstructionFault>>>,
    ) {
        for order in orders {
            let (order, remaining) = (*order, order.size.0);
            let (joined, closing) = (None, None);
            self.orders.push(NaiveOrder { account, n, order, remaining, joined, closing });
        }
        let bets = orders.iter().map(|order| order.bet).collect();
        let (until, conditions) = (now.plus_ms(DELAY_MS), *conditions);
        self.waiting.push(NaiveWaiting { account, n, until, bets, conditions, cancelled });
    }

    pub(super) fn due(&mut self, now: UtcMillis) {
        while self.waiting.first().is_some_and(|waiting| waiting.until <= now) {
            let waiting = self.waiting.remove(0);
            let mut placed = vec![];
            for bet in &waiting.bets {
                placed.push(self.release(*bet, &waiting));
            }
            let answer = match waiting.cancelled {
                None => Answer::Placed(placed.into()),
                Some(cancelled) => Answer::Replaced(zip(cancelled, placed.into_iter().map(Ok))),
            };
            self.answers.insert((waiting.account, waiting.n), answer);
        }
    }

    fn release(&mut self, bet: BetId, waiting: &NaiveWaiting) -> PlacedOrder {
        let Some(at) = self.find(bet) else {
            return PlacedOrder { bet, matched: vec![], remainder: Remainder::None };
        };
        let held = self.orders.remove(at);
        let mut order = NewOrder { size: Pence(held.remaining), ..held.order };
        if order.size < held.order.size {
            order.kind = OrderKind::Limit;
        }
        let overtaken =
            waiting.conditions.market_version.is_some_and(|seen| seen < self.last_material);
        let reason = match (self.status, overtaken) {
            (MarketStatus::Open, false) => None,
            (MarketStatus::Open, true) => Some(LapseReason::MarketVersion),
            _ => Some(LapseReason::MarketSuspended),
        };
        match reason {
            Some(reason) => {
                let remainder = Remainder::Gone { size: order.size, reason };
                PlacedOrder { bet, matched: vec![], remainder }
            }
            None => self.take(held.account, held.n, order, &waiting.conditions),
        }
    }

    fn own(&self, account: u64, bet: BetId) -> Result<usize, InstructionFault> {
        let fault = |error| Err(InstructionFault { bet, error });
        match self.find(bet) {
            None => fault(InstructionError::BetTakenOrLapsed),
            Some(at) if self.orders[at].closing.is_some() => {
                fault(InstructionError::BetTakenOrLapsed)
            }
            Some(at) if self.orders[at].account != account => fault(InstructionError::InvalidBetId),
            Some(at) => Ok(at),
        }
    }

    fn cancel(
        &mut self,
        account: u64,
        bet: BetId,
        reduction: Option<Pence>,
    ) -> Result<CancelledOrder, InstructionFault> {
        let at = self.own(account, bet)?;
        let order = &mut self.orders[at];
        let size = reduction.map_or(order.remaining, |size| size.0.min(order.remaining));
        if size <= 0 {
            return Err(InstructionFault { bet, error: InstructionError::InvalidBetSize });
        }
        order.remaining -= size;
        self.orders.retain(|order| order.remaining > 0);
        Ok(CancelledOrder { bet, size: Pence(size) })
    }

    /// The whole of it, wherever it waits.
    fn take_back(&mut self, account: u64, bet: BetId) -> Result<CancelledOrder, InstructionFault> {
        let fault = |error| Err(InstructionFault { bet, error });
        match self.find(bet) {
            None => fault(InstructionError::BetTakenOrLapsed),
            Some(at) if self.orders[at].account != account => fault(InstructionError::InvalidBetId),
            Some(at) => {
                let size = self.orders.remove(at).remaining;
                Ok(CancelledOrder { bet, size: Pence(size) })
            }
        }
    }

    fn replace(
        &mut self,
        now: UtcMillis,
        account: u64,
        n: u64,
        orders: &[ReplaceOrder],
        conditions: &Conditions,
    ) -> Option<Answer> {
        if let Err(refusal) = self.check_open(conditions, orders.len()) {
            return Some(Answer::Refused(refusal));
        }
        if (1..orders.len()).any(|at| orders[..at].iter().any(|o| o.bet == orders[at].bet)) {
            let refusal = Refusal::whole(ExecutionError::DuplicateBetIds, orders.len());
            return Some(Answer::Refused(refusal));
        }
        let (mut cancelled, mut successors) = (vec![], vec![]);
        for replace in orders {
            if let Some(at) = self.find(replace.bet).filter(|at| self.orders[*at].closing.is_some())
            {
                let (line, successor) = self.edit(account, at, replace);
                cancelled.push(line);
                successors.extend(successor);
                continue;
            }
            let before = self.own(account, replace.bet).map(|at| self.orders[at].clone());
            cancelled.push(self.cancel(account, replace.bet, None));
            successors.extend(before.ok().map(|before| NewOrder {
                bet: replace.new_bet,
                price: replace.new_price,
                size: Pence(before.remaining),
                kind: OrderKind::Limit,
                ..before.order
            }));
        }
        let of_book: Vec<NewOrder> =
            successors.iter().filter(|order| !order.kind.is_on_close()).copied().collect();
        let checked = self.check(account, &of_book, conditions);
        if checked.is_ok() && self.waits() && !self.passes(&of_book) && !of_book.is_empty() {
            self.wait(now, account, n, &successors, conditions, Some(cancelled));
            return None;
        }
        let mut placed = vec![];
        for order in &successors {
            placed.push(match checked {
                Err((culprit, error)) if !order.kind.is_on_close() => {
                    let innocent = InstructionError::RelatedActionFailed;
                    let named = of_book[culprit].bet;
                    let error = if order.bet == named { error } else { innocent };
                    Err(InstructionFault { bet: order.bet, error })
                }
                _ => Ok(self.take(account, n, *order, conditions)),
            });
        }
        Some(Answer::Replaced(zip(cancelled, placed.into_iter())))
    }

    /// An order on close at another limit: its successor stands behind everybody who is there.
    fn edit(
        &mut self,
        account: u64,
        at: usize,
        replace: &ReplaceOrder,
    ) -> (Result<CancelledOrder, InstructionFault>, Option<NewOrder>) {
        let bet = replace.bet;
        let order = &self.orders[at];
        let easier = match order.order.side {
            Side::Back => replace.new_price < order.order.price,
            Side::Lay => replace.new_price > order.order.price,
        };
        let error = if order.account != account {
            InstructionError::InvalidBetId
        } else if replace.new_price.index().is_none() {
            InstructionError::InvalidOdds
        } else if !easier {
            InstructionError::InvalidPriceEdit
        } else {
            let order = self.orders.remove(at);
            let successor = NewOrder {
                bet: replace.new_bet,
                price: replace.new_price,
                size: Pence(order.remaining),
                kind: OrderKind::LimitOnClose,
                time_in_force: TimeInForce::Rest,
                ..order.order
            };
            return (Ok(CancelledOrder { bet, size: Pence::ZERO }), Some(successor));
        };
        (Err(InstructionFault { bet, error }), None)
    }

    fn update(
        &mut self,
        account: u64,
        bet: BetId,
        persistence: Persistence,
    ) -> Result<BetId, InstructionFault> {
        let at = self.own(account, bet)?;
        let takes = self.takes(persistence);
        let order = &mut self.orders[at].order;
        let error = if order.persistence == persistence {
            InstructionError::NoActionRequired
        } else if !takes {
            InstructionError::InvalidPersistenceType
        } else {
            order.persistence = persistence;
            return Ok(bet);
        };
        Err(InstructionFault { bet, error })
    }

    pub(super) fn lapse(&mut self, reason: LapseReason, goes: impl Fn(Persistence) -> bool) {
        // Who waits for the starting price waits until the end.
        let over = reason == LapseReason::MarketClosed;
        self.lapse_those(reason, |order| {
            (over || order.closing.is_none()) && goes(order.order.persistence)
        });
    }

    pub(super) fn withdraw(&mut self, account: u64, n: u64) {
        self.lapse_those(LapseReason::Withdrawn, |order| order.account == account && order.n == n);
    }

    fn lapse_those(&mut self, reason: LapseReason, goes: impl Fn(&NaiveOrder) -> bool) {
        for order in self.orders.extract_if(.., |order| goes(order)) {
            self.lapsed.push((order.account, order.order.bet.0, order.remaining, reason));
        }
    }

    /// Price and size of what rests, best first.
    pub(super) fn ladder(&self, runner: Runner, side: Side) -> Vec<(u32, i64)> {
        let mut levels: BTreeMap<u32, i64> = BTreeMap::new();
        for order in &self.orders {
            if order.joined.is_some() && order.order.runner == runner && order.order.side == side {
                *levels.entry(order.order.price.0).or_default() += order.remaining;
            }
        }
        let mut levels: Vec<_> = levels.into_iter().collect();
        if side == Side::Lay {
            levels.reverse();
        }
        levels
    }

    /// Bet, account, remainder, whether it waits.
    pub(super) fn unmatched(&self) -> Vec<(u64, u64, i64, bool)> {
        let plain = |order: &NaiveOrder| {
            let waits = order.joined.is_none() && order.closing.is_none();
            (order.order.bet.0, order.account, order.remaining, waits)
        };
        let mut orders: Vec<_> = self.orders.iter().map(plain).collect();
        orders.sort_unstable();
        orders
    }
}

fn zip(
    cancelled: Vec<Result<CancelledOrder, InstructionFault>>,
    mut placed: impl Iterator<Item = Result<PlacedOrder, InstructionFault>>,
) -> Vec<ReplacedOrder> {
    let line = |cancelled: Result<_, _>| ReplacedOrder {
        cancelled,
        placed: if cancelled.is_ok() { placed.next() } else { None },
    };
    cancelled.into_iter().map(line).collect()
}

/// The answer without its handles.
pub(super) fn erased(mut answer: Answer) -> Answer {
    let erase = |placed: &mut PlacedOrder| {
        if let Remainder::Rests { handle, .. } = &mut placed.remainder {
            *handle = HANDLE;
        }
    };
    match &mut answer {
        Answer::Placed(orders) => orders.iter_mut().for_each(erase),
        Answer::Replaced(orders) => {
            let placed = orders.iter_mut().filter_map(|order| order.placed.as_mut());
            placed.filter_map(|placed| placed.as_mut().ok()).for_each(erase);
        }
        _ => {}
    }
    answer
}
