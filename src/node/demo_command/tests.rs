//! A demo on its fastest clock: quotes, goals, results, and deaths in between.

use super::*;
use crate::operator::ledger;

const WITHIN: Duration = Duration::from_secs(120);
const SEED: u64 = 3;

/// Looks until it is so.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let looked = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(WITHIN, looked).await {
        Ok(seen) => seen,
        Err(_) => panic!("never: {what} (seed {SEED})"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_moves_and_heals() {
    let directory = TemporaryDirectory::new("laybook-demo-test").unwrap();
    let flags = [
        ("data.directory", directory.path().display().to_string()),
        ("http.listen", "127.0.0.1:0".to_owned()),
        ("admin.listen", "127.0.0.1:0".to_owned()),
        ("stream.listen", "off".to_owned()),
    ];
    let settings = Settings::read_from(None, config::Map::new(), &flags).unwrap();
    let running = Running::start(settings).await.unwrap();
    running.ready().await.unwrap();
    let node = running.node.clone();
    let args = DemoArgs { http: String::new(), admin: String::new(), seed: SEED, speed: 30.0 };
    begin(&node, &args).await.unwrap();

    let quoted = async |market: MarketId| {
        let view = view(&node, market).await?;
        let both = |runner: &actors::market::RunnerLadders| {
            !runner.available_to_back.is_empty() && !runner.available_to_lay.is_empty()
        };
        (view.runners.len() == 3 && view.runners.iter().all(both)).then_some(view)
    };
    let first = until("a match is listed", async || game_of(&node, 0).await).await;
    until("every runner is quoted", async || quoted(first.market).await).await;
    until("a punter bets", async || {
        view(&node, first.market).await.filter(|view| view.total_matched > Pence::ZERO)
    })
    .await;

    // A trader, the maker, all quoters, accounts and sessions die; the market is quoted again by others of them.
    let victims = node.registry.loads().into_iter().map(|(address, _)| address);
    let dies = |address: &Address| {
        use Address::{Entity, Maker, Quoter, Session, Trader};
        let account = matches!(address, Entity(_, EntityId::Account(_)));
        account || matches!(address, Trader(0) | Maker(_) | Quoter(..) | Session(_))
    };
    let victims: Vec<_> = victims.filter(dies).collect();
    for victim in victims {
        node.registry.control(victim, Control::Panic);
    }

    until("the market is settled", async || {
        view(&node, first.market).await.filter(|view| view.status == MarketStatus::Closed)
    })
    .await;
    let next = until("the next match is listed", async || {
        game_of(&node, 0).await.filter(|game| game.market != first.market)
    })
    .await;
    assert_ne!(next.name, first.name);
    until("the next match is quoted", async || quoted(next.market).await).await;
    let ledger = ledger::read(&node).await.unwrap();
    assert_eq!(ledger["difference"], "0.00", "{ledger}");
    running.stop().await.unwrap();
}
