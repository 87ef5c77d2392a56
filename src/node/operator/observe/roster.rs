//! Who is in the tree, page by page: children, counts by kind, search, and where somebody is.
//!
//! Owns nothing: the tree is the fold of the supervision events, the figures are the gauges'. No supervisor and no
//! actor is asked, so a page costs the same whoever hangs.
//!
//! A row is made, and its figures are read, for those on the page only. Of the rest of a branch it is looked at what
//! they are at, and who had something to do lately ([`super::pace::Livelies`]): counts and orders by figures are as
//! of the last reading.
//!
//! Bounds   [`PAGE_MAX`] rows in a page, [`FOUND_MAX`] in a search.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use actors::registry::Address;
use serde::Serialize;
use supervision::history::{History, Node, Tree};

use super::aside::aside;
use super::labels;
use super::pace::Lively;
use super::row::{LoadNow, Row, warmth};
use crate::operator::watch::Watch;

/// Rows of one page.
pub const PAGE_MAX: usize = 1_000;
/// Rows that a search answers.
pub const FOUND_MAX: usize = 200;

/// What children are wanted.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Whose; the root's when empty.
    pub of: String,
    /// How many of them are left out.
    pub offset: usize,
    /// How many at most.
    pub limit: usize,
    /// Only of this kind.
    pub kind: Option<String>,
    /// In which order.
    pub sort: Sort,
    /// The page that this child is on, instead of `offset`.
    pub around: Option<String>,
}

/// The order of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Start order; by id below a dynamic supervisor.
    #[default]
    Id,
    /// Most messages that wait first.
    Mailbox,
    /// Busiest first.
    Busy,
    /// Most often started again first.
    Restarts,
    /// Hottest first.
    Heat,
}

impl Sort {
    /// Of its word; start order when it is none.
    pub fn of(word: &str) -> Sort {
        match word {
            "mailbox" => Sort::Mailbox,
            "busy" => Sort::Busy,
            "restarts" => Sort::Restarts,
            "heat" => Sort::Heat,
            _ => Sort::Id,
        }
    }
}

/// Children of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Which.
    pub kind: String,
    /// How many.
    pub count: usize,
    /// How many of them are warm or hot.
    pub amber: usize,
    /// How many of them are on fire.
    pub red: usize,
}

/// One page.
#[derive(Debug, Clone, Serialize)]
pub struct Children {
    /// Whose.
    pub of: Row,
    /// All of them, before paging.
    pub total: usize,
    /// Where the page begins.
    pub offset: usize,
    /// By kind, before paging and filtering.
    pub classes: Vec<Class>,
    /// The page.
    pub children: Vec<Row>,
}

impl Children {
    /// All of them, before filtering.
    pub fn total_of_all(&self) -> usize {
        self.classes.iter().map(|class| class.count).sum()
    }
}

/// A row and the way to it.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Who.
    #[serde(flatten)]
    pub row: Row,
    /// Ids from the root's to its own.
    pub path: Vec<String>,
}

/// The wall clock.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// A page of the living tree; `None` when there is no such supervisor.
pub async fn children(watch: &Watch, page: &Page) -> Option<Children> {
    watch.pace.keep_up(&watch.node.registry);
    let lively = watch.pace.lively();
    let look = || watch.events.look(|history| pick(history.present(), page, now_ms(), &lively));
    let mut children = aside(look)?;
    let loads = Loads::new(watch);
    for row in &mut children.children {
        *row = row.clone().with_load(loads.of(&row.id, &row.kind));
    }
    labels::fill(&watch.node, &mut children.children).await;
    let mut of = [children.of];
    labels::fill(&watch.node, &mut of).await;
    let [of] = of;
    Some(Children { of, ..children })
}

/// Gauges by printed id, looked up as they are asked for.
struct Loads<'a> {
    watch: &'a Watch,
}

impl<'a> Loads<'a> {
    fn new(watch: &'a Watch) -> Self {
        Loads { watch }
    }

    fn of(&self, id: &str, kind: &str) -> Option<LoadNow> {
        if kind == "supervisor" {
            return None;
        }
        let address = self.watch.node.registry.address_of(id)?;
        self.watch.pace.load(&self.watch.node.registry, address)
    }
}

/// What is looked at of everybody in a branch.
struct Seen<'a> {
    id: &'a str,
    node: &'a Node,
    heat: u8,
    lively: Lively,
}

/// A page of any tree, living or past; its rows have no figures yet.
pub fn pick(
    tree: &Tree,
    page: &Page,
    at_ms: u64,
    lively: &HashMap<String, Lively>,
) -> Option<Children> {
    let path = if page.of.is_empty() { root(tree)? } else { path_of(tree, &page.of)? };
    let node = tree.node(&path)?;
    let (above, id) = split(&path);
    let of = Row::new(above, id, node, tree.child_count(&path), at_ms);
    let children = tree.children(&path);
    let seen = |(id, node): &(&'_ std::sync::Arc<str>, &'_ Node)| {
        let lively = match lively.is_empty() {
            true => Lively::default(),
            false => lively.get(&***id).copied().unwrap_or_default(),
        };
        let used = node.budget(at_ms).map_or(0, |budget| budget.used);
        (warmth(node.status, used, (lively.depth, lively.busy_pct)), lively)
    };
    let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
    let mut wanted: Vec<Seen<'_>> = Vec::new();
    for child in &children {
        let (heat, lively) = seen(child);
        let (id, node) = *child;
        // By a look-up first: a kind's name is made once.
        if !classes.contains_key(&*node.kind) {
            let new = Class { kind: node.kind.to_string(), count: 0, amber: 0, red: 0 };
            classes.insert(&node.kind, new);
        }
        if let Some(class) = classes.get_mut(&*node.kind) {
            class.count += 1;
            class.amber += usize::from(matches!(heat, 1 | 2));
            class.red += usize::from(heat >= 3);
        }
        if page.kind.as_ref().is_none_or(|kind| **kind == *node.kind) {
            wanted.push(Seen { id, node, heat, lively });
        }
    }
    order(&mut wanted, page.sort);
    let total = wanted.len();
    let limit = page.limit.clamp(1, PAGE_MAX);
    let around = page.around.as_ref().and_then(|id| wanted.iter().position(|seen| seen.id == *id));
    let offset = around.map_or(page.offset, |at| at - at % limit);
    let rows = wanted.iter().skip(offset).take(limit).map(|seen| {
        let below = match seen.node.strategy {
            Some(_) => tree.child_count(&format!("{path}/{}", seen.id)),
            None => 0,
        };
        Row::new(&path, seen.id, seen.node, below, at_ms)
    });
    let children = rows.collect();
    Some(Children { of, total, offset, classes: classes.into_values().collect(), children })
}

fn order(seen: &mut [Seen<'_>], sort: Sort) {
    // Stable, so what is alike stays in its place.
    match sort {
        Sort::Id => {}
        Sort::Mailbox => seen.sort_by_key(|it| std::cmp::Reverse(it.lively.depth)),
        Sort::Busy => seen.sort_by(|a, b| b.lively.busy_pct.total_cmp(&a.lively.busy_pct)),
        Sort::Restarts => seen.sort_by_key(|it| std::cmp::Reverse(it.node.restarts())),
        Sort::Heat => {
            seen.sort_by_key(|it| std::cmp::Reverse((it.heat, it.lively.depth, it.node.restarts())))
        }
    }
}

/// Those whose id, kind or label contains the text.
pub async fn search(watch: &Watch, text: &str, limit: usize) -> (usize, Vec<Found>) {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return (0, Vec::new());
    }
    let limit = limit.clamp(1, FOUND_MAX);
    let named: HashSet<String> = labels::find(&watch.node, &text).await.into_iter().collect();
    let look = |history: &History| {
        let (tree, at_ms) = (history.present(), now_ms());
        let (mut total, mut rows, mut paths) = (0, Vec::new(), Vec::new());
        for (path, id, node) in tree.all() {
            // Ids and kinds are in small letters.
            let is_named = || !named.is_empty() && named.contains(&**id);
            if !(id.contains(&text) || node.kind.contains(&text) || is_named()) {
                continue;
            }
            total += 1;
            if rows.len() < limit {
                let whole = join(path, id);
                rows.push(Row::new(path, id, node, tree.child_count(&whole), at_ms));
                paths.push(ids(&whole));
            }
        }
        (total, rows, paths)
    };
    let (total, mut rows, paths) = aside(|| watch.events.look(look));
    let loads = Loads::new(watch);
    for row in &mut rows {
        *row = row.clone().with_load(loads.of(&row.id, &row.kind));
    }
    labels::fill(&watch.node, &mut rows).await;
    (total, rows.into_iter().zip(paths).map(|(row, path)| Found { row, path }).collect())
}

/// One row of the living tree and the way to it.
pub async fn find(watch: &Watch, id: &str) -> Option<Found> {
    let (row, path) = watch.events.look(|history| {
        let tree = history.present();
        let path = path_of(tree, id)?;
        let (above, id) = split(&path);
        let row = Row::new(above, id, tree.node(&path)?, tree.child_count(&path), now_ms());
        Some((row, ids(&path)))
    })?;
    let load = Loads::new(watch).of(&row.id, &row.kind);
    let mut rows = [row.with_load(load)];
    labels::fill(&watch.node, &mut rows).await;
    let [row] = rows;
    Some(Found { row, path })
}

/// The hottest of all, with their figures.
pub async fn hottest(watch: &Watch, count: usize, sort: Sort) -> Vec<Row> {
    watch.pace.keep_up(&watch.node.registry);
    let loads: HashMap<Address, LoadNow> = watch.pace.loads(&watch.node.registry);
    let mut loads: Vec<_> = loads.into_iter().collect();
    let key = |load: &LoadNow| match sort {
        Sort::Mailbox => (load.depth as f64, load.busy_pct),
        _ => (load.busy_pct, load.per_s),
    };
    aside(|| {
        loads.sort_by(|(_, a), (_, b)| {
            key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal)
        });
    });
    let busiest: Vec<_> = loads.into_iter().take(count * 4).collect();
    let mut rows: Vec<Row> = watch.events.look(|history| {
        let tree = history.present();
        let row = |(address, load): &(Address, LoadNow)| {
            let id = address.to_string();
            let path = path_of(tree, &id)?;
            let (above, id) = split(&path);
            Some(Row::new(above, id, tree.node(&path)?, 0, now_ms()).with_load(Some(*load)))
        };
        busiest.iter().filter_map(row).collect()
    });
    match sort {
        Sort::Restarts => rows.sort_by_key(|row| std::cmp::Reverse(row.restarts)),
        Sort::Heat => {
            let depth = |row: &Row| row.load.map_or(0, |load| load.depth);
            rows.sort_by_key(|row| std::cmp::Reverse((row.heat, depth(row), row.restarts)));
        }
        // In order already, and nobody's start order is of interest here.
        Sort::Id | Sort::Busy | Sort::Mailbox => {}
    }
    rows.truncate(count);
    labels::fill(&watch.node, &mut rows).await;
    rows
}

fn root(tree: &Tree) -> Option<String> {
    tree.children("").first().map(|(id, _)| (**id).to_string())
}

/// Where somebody of this id is: ids joined by `/`, its own at the end.
pub fn path_of(tree: &Tree, id: &str) -> Option<String> {
    // Most are right below one of the crowds, whose paths are few.
    tree.place_of(id).map(|path| join(path, id))
}

fn join(path: &str, id: &str) -> String {
    if path.is_empty() { id.to_owned() } else { format!("{path}/{id}") }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn ids(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Instant;

    use supervision::history::History;
    use supervision::{Restart, Strategy, SupervisionEvent, What};

    use super::*;

    const CROWD: usize = 50_000;

    /// A root with one dynamic supervisor and a crowd below it.
    fn crowd() -> History {
        let mut history = History::default();
        let mut seq = 0;
        let mut spawned = |supervisor: &str, child: &str, kind: &'static str, strategy| {
            seq += 1;
            history.push(&SupervisionEvent {
                seq,
                at_ms: 1_000,
                supervisor: supervisor.into(),
                child: child.into(),
                kind: kind.into(),
                what: What::Spawned {
                    incarnation: 1,
                    restart: Restart::Permanent,
                    strategy,
                    budget: None,
                },
                lost_before: 0,
            });
        };
        spawned("", "laybook", "supervisor", Some(Strategy::OneForOne));
        spawned("laybook", "markets-0", "supervisor", Some(Strategy::Dynamic));
        for n in 0..CROWD {
            let kind = if n % 10 == 0 { "account" } else { "market" };
            spawned("laybook/markets-0", &format!("market-1.{:09}", 100_000 + n), kind, None);
        }
        history
    }

    #[test]
    fn a_page_of_a_crowd_is_the_page_of_all_its_rows_and_costs_a_page() {
        let history = crowd();
        let tree = history.present();
        let lively: HashMap<String, Lively> = (0..40)
            .map(|n| {
                let id = format!("market-1.{:09}", 100_000 + n * 1_000 + 7);
                (id, Lively { depth: n * 400, busy_pct: n as f64 })
            })
            .collect();
        let page = |sort: Sort, kind: Option<&str>, offset: usize| Page {
            of: "markets-0".to_owned(),
            offset,
            limit: 200,
            kind: kind.map(str::to_owned),
            sort,
            around: None,
        };
        let picked = |page: &Page| pick(tree, page, 2_000, &lively).expect("the branch");
        let began = Instant::now();
        let all = picked(&page(Sort::Id, None, 49_900));
        println!("a page of {CROWD}: {:?}", began.elapsed());
        assert_eq!((all.total, all.children.len()), (CROWD, 100));
        assert_eq!(all.children[99].id, "market-1.000149999");
        let counts: Vec<(&str, usize)> =
            all.classes.iter().map(|class| (class.kind.as_str(), class.count)).collect();
        assert_eq!(counts, [("account", 5_000), ("market", 45_000)]);
        // Mailboxes of 100 and more are warm, of 10,000 and more on fire.
        let warm: usize = all.classes.iter().map(|class| class.amber + class.red).sum();
        let fire: usize = all.classes.iter().map(|class| class.red).sum();
        assert_eq!((warm, fire), (39, 15));
        let hottest = picked(&page(Sort::Heat, Some("market"), 0));
        assert_eq!(hottest.children[0].id, "market-1.000139007");
        assert_eq!(hottest.total, 45_000);
        let around = Page { around: Some("market-1.000120001".into()), ..page(Sort::Id, None, 0) };
        let around = picked(&around);
        assert_eq!(around.offset, 20_000);
        assert!(around.children.iter().any(|row| row.id == "market-1.000120001"));
    }
}
