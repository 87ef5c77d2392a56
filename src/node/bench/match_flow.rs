//! The seeded flows that matching is measured with: the same orders for every engine.
//!
//! One million operations on one runner's ladder (350 prices), drawn by splitmix64 from a fixed seed around
//! a middle at index 175 that steps by -1, 0 or +1 every 1,000 operations:
//! - 60 %: an order that does not cross, at a distance of 1 + min(u40, u40) from the middle, size 1..=100
//! - 30 %: cancels an order drawn uniformly from all that rest at that moment
//! - 10 %: an order 0..=5 steps through the opposite best price; what is not matched rests
//!
//! *Shallow* crosses with sizes 1..=1,000 and keeps about a thousand orders on the book, *deep* with
//! 1..=300 and lets it grow past a hundred thousand. To know what rests, the flow plays itself through a
//! plain book of its own (queues of numbers, no cleverness), whose trades and volume every engine is then
//! held to.
//!
//! In the flows *in blocks*, kind, side and account are drawn once for 50 operations that follow each
//! other, so that they may share a command as a market maker's do.

use domain::order::Side;
use domain::price::LADDER_LEN;
use std::collections::VecDeque;

pub(super) const OPERATIONS: usize = 1_000_000;
pub(super) const SEED: u64 = 0x0B1E_55ED;
/// How many accounts the orders come from.
pub(super) const ACCOUNTS: u8 = 8;
/// Operations in one block.
pub(super) const BLOCK: usize = 50;

/// Sebastiano Vigna's splitmix64.
#[derive(Debug, Clone)]
pub(super) struct Splitmix(pub(super) u64);

impl Splitmix {
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `bound` - 1. The bias of the remainder is far below anything measured here.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }
}

/// One operation: `order` is the number of the order that it places or cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) order: u32,
    /// 0 to `ACCOUNTS` - 1.
    pub(super) account: u8,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Place { side: Side, index: u16, size: u32 },
    Cancel,
}

/// What an engine must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) trades: u64,
    pub(super) volume: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Shallow,
    Deep,
}

/// A whole flow in memory.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) name: &'static str,
    /// How many operations share a command: 1 or [`BLOCK`].
    pub(super) together: usize,
    pub(super) operations: Vec<Operation>,
    pub(super) totals: Totals,
    /// Orders ever placed.
    pub(super) orders: u32,
    pub(super) resting_mean: u64,
    pub(super) resting_at_end: u64,
}

impl Flow {
    /// `together` divides `operations`.
    pub(super) fn generate(depth: Depth, together: usize, operations: usize) -> Flow {
        let mut generator = Generator::new(depth, together);
        let mut resting: u64 = 0;
        while generator.operations.len() < operations {
            generator.block();
            resting += generator.book.resting.iter().map(Vec::len).sum::<usize>() as u64;
        }
        let blocks = (operations / together) as u64;
        Flow {
            name: match (depth, together) {
                (Depth::Shallow, 1) => "shallow",
                (Depth::Deep, 1) => "deep",
                (Depth::Shallow, _) => "shallow, in blocks",
                (Depth::Deep, _) => "deep, in blocks",
            },
            together,
            totals: generator.book.totals,
            orders: generator.book.orders.len() as u32,
            resting_mean: resting / blocks.max(1),
            resting_at_end: generator.book.resting.iter().map(Vec::len).sum::<usize>() as u64,
            operations: generator.operations,
        }
    }

    /// The operations that travel together, in order.
    pub(super) fn commands(&self) -> impl Iterator<Item = &[Operation]> {
        self.operations.chunks(self.together)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rest,
    Cancel,
    Cross,
}

struct Generator {
    random: Splitmix,
    book: PlainBook,
    middle: i32,
    cross_size_max: u64,
    together: usize,
    operations: Vec<Operation>,
}

impl Generator {
    fn new(depth: Depth, together: usize) -> Self {
        // Blocks cancel within their account, single operations anywhere.
        let groups = if together == 1 { 1 } else { usize::from(ACCOUNTS) };
        Generator {
            random: Splitmix(SEED),
            book: PlainBook::new(groups),
            middle: 175,
            cross_size_max: match depth {
                Depth::Shallow => 1_000,
                Depth::Deep => 300,
            },
            together,
            operations: Vec::with_capacity(OPERATIONS),
        }
    }

    fn block(&mut self) {
        let done = self.operations.len();
        if done.is_multiple_of(1_000) {
            self.middle += self.random.below(3) as i32 - 1;
        }
        let account = (done / self.together % usize::from(ACCOUNTS)) as u8;
        let group = if self.together == 1 { 0 } else { usize::from(account) };
        let kind = match self.random.below(100) {
            0..60 => Kind::Rest,
            60..90 if self.book.resting[group].len() >= self.together => Kind::Cancel,
            60..90 => Kind::Rest,
            _ => Kind::Cross,
        };
        let side = match kind {
            Kind::Cancel => Side::Back,
            Kind::Rest | Kind::Cross if self.random.below(2) == 0 => Side::Back,
            Kind::Rest | Kind::Cross => Side::Lay,
        };
        for _ in 0..self.together {
            let operation = match kind {
                Kind::Cancel => self.cancel(group),
                Kind::Rest => self.rest(side, account, group),
                Kind::Cross => self.cross(side, account, group),
            };
            self.operations.push(operation);
        }
    }

    fn cancel(&mut self, group: usize) -> Operation {
        let among = self.book.resting[group].len() as u64;
        let order = self.book.resting[group][self.random.below(among) as usize];
        self.book.remove(order);
        let account = self.book.orders[order as usize].account;
        Operation { order, account, what: What::Cancel }
    }

    fn rest(&mut self, side: Side, account: u8, group: usize) -> Operation {
        let distance = 1 + self.random.below(40).min(self.random.below(40)) as i32;
        let size = 1 + self.random.below(100) as u32;
        // The middle may have walked past orders that still rest: stay behind them.
        let opposite = self.book.best(side.opposite()).map(i32::from);
        let index = match side {
            Side::Lay => (self.middle - distance).min(opposite.map_or(i32::MAX, |best| best - 1)),
            Side::Back => (self.middle + distance).max(opposite.map_or(i32::MIN, |best| best + 1)),
        };
        self.place(side, index, size, account, group)
    }

    fn cross(&mut self, side: Side, account: u8, group: usize) -> Operation {
        let Some(best) = self.book.best(side.opposite()).map(i32::from) else {
            return self.rest(side, account, group);
        };
        let through = self.random.below(6) as i32;
        let size = 1 + self.random.below(self.cross_size_max) as u32;
        let index = match side {
            Side::Lay => best + through,
            Side::Back => best - through,
        };
        self.place(side, index, size, account, group)
    }

    fn place(&mut self, side: Side, index: i32, size: u32, account: u8, group: usize) -> Operation {
        let index = index.clamp(0, LADDER_LEN as i32 - 1) as u16;
        let order = self.book.place(side, index, size, account, group);
        Operation { order, account, what: What::Place { side, index, size } }
    }
}

struct PlainOrder {
    side: Side,
    index: u16,
    left: u32,
    account: u8,
    group: usize,
    /// Where it stands in its group's `resting`.
    place: u32,
}

/// Price, then time, by the letter. Orders that went stay in their queue until somebody meets them.
struct PlainBook {
    orders: Vec<PlainOrder>,
    /// By side and price: numbers of orders, and how many of them still rest.
    queues: [Vec<VecDeque<u32>>; 2],
    counts: [Vec<u32>; 2],
    /// By group: what may be cancelled, in no order.
    resting: Vec<Vec<u32>>,
    totals: Totals,
}

impl PlainBook {
    fn new(groups: usize) -> Self {
        let queues = || vec![VecDeque::new(); LADDER_LEN];
        PlainBook {
            orders: Vec::new(),
            queues: [queues(), queues()],
            counts: [vec![0; LADDER_LEN], vec![0; LADDER_LEN]],
            resting: vec![Vec::new(); groups],
            totals: Totals::default(),
        }
    }

    /// Backs are best at the bottom, lays at the top.
    fn best(&self, side: Side) -> Option<u16> {
        let counts = &self.counts[side as usize];
        let found = match side {
            Side::Back => counts.iter().position(|count| *count > 0),
            Side::Lay => counts.iter().rposition(|count| *count > 0),
        };
        found.map(|index| index as u16)
    }

    fn place(&mut self, side: Side, index: u16, size: u32, account: u8, group: usize) -> u32 {
        let mut left = size;
        while let Some(best) = self.best(side.opposite()).filter(|_| left > 0) {
            let meets = match side {
                Side::Back => best >= index,
                Side::Lay => best <= index,
            };
            if !meets {
                break;
            }
            left -= self.meet(side.opposite(), best, left);
        }
        let order = self.orders.len() as u32;
        let place = self.resting[group].len() as u32;
        self.orders.push(PlainOrder { side, index, left, account, group, place });
        if left > 0 {
            self.queues[side as usize][usize::from(index)].push_back(order);
            self.counts[side as usize][usize::from(index)] += 1;
            self.resting[group].push(order);
        }
        order
    }

    /// Fills the first order there, says how much of it.
    fn meet(&mut self, side: Side, index: u16, wanted: u32) -> u32 {
        let queue = &mut self.queues[side as usize][usize::from(index)];
        while let Some(first) = queue.front().copied() {
            let order = &mut self.orders[first as usize];
            if order.left == 0 {
                queue.pop_front();
                continue;
            }
            let size = wanted.min(order.left);
            self.totals.trades += 1;
            self.totals.volume += u64::from(size);
            if size == order.left {
                self.remove(first);
            } else {
                order.left -= size;
            }
            return size;
        }
        unreachable!("a price that is counted as held has an order")
    }

    fn remove(&mut self, number: u32) {
        let order = &mut self.orders[number as usize];
        order.left = 0;
        self.counts[order.side as usize][usize::from(order.index)] -= 1;
        let (group, place) = (order.group, order.place as usize);
        self.resting[group].swap_remove(place);
        if let Some(moved) = self.resting[group].get(place) {
            self.orders[*moved as usize].place = place as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_flow() {
        let first = Flow::generate(Depth::Shallow, 1, 10_000);
        let second = Flow::generate(Depth::Shallow, 1, 10_000);
        assert_eq!(first.operations, second.operations);
        assert_eq!(first.totals, second.totals);
        assert!(first.totals.trades > 0 && first.resting_at_end > 0);
    }

    #[test]
    fn splitmix_draws_what_its_author_says() {
        let mut random = Splitmix(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.draw()).collect();
        let expected =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(drawn, expected);
    }

    #[test]
    fn what_shares_a_command_has_one_kind_and_one_account() {
        let flow = Flow::generate(Depth::Deep, BLOCK, 20_000);
        for command in flow.commands() {
            assert_eq!(command.len(), BLOCK);
            let first = command[0];
            let alike = |other: &Operation| match (first.what, other.what) {
                (What::Cancel, What::Cancel) => true,
                (What::Place { side: a, .. }, What::Place { side: b, .. }) => a == b,
                _ => false,
            };
            assert!(command.iter().all(|other| other.account == first.account && alike(other)));
        }
    }
}
