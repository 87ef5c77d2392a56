//! Rules about rooms: who depends on whom, whose words stand where, and that no file is forgotten.

use super::source::{Source, Workspace, module_lines, words};
use super::{check, none};

// ------------------------------------------------------------------------------------------ dependencies

/// Packages in the order of dependency: each may use those before it.
const ORDER: [&str; 5] = ["domain", "store", "actors", "supervision", "laybook"];

/// Outside crates with a home, and who that is.
const HOMES: &[(&str, &[&str])] = &[
    ("sled", &["store"]),
    ("rmp-serde", &["store"]),
    ("crc32fast", &["store"]),
    ("tokio-postgres", &["store"]),
    ("ractor", &["actors", "supervision"]),
    ("ractor_cluster", &["actors", "supervision"]),
    ("warp", &["laybook"]),
    ("hyper", &["laybook"]),
    ("hyper-util", &["laybook"]),
    ("clap", &["laybook"]),
    ("config", &["laybook"]),
    ("anyhow", &["laybook"]),
    ("mimalloc", &["laybook"]),
];

/// All that the domain may know of the world.
const DOMAIN: [&str; 2] = ["serde", "thiserror"];
const DOMAIN_TESTS: [&str; 1] = ["proptest"];

fn wrong_way(package: &str, dependency: &str, for_tests: bool) -> Option<String> {
    let told = |why: &str| Some(format!("{package} depends on {dependency}: {why}"));
    if package == "domain" {
        let may = DOMAIN.contains(&dependency) || (for_tests && DOMAIN_TESTS.contains(&dependency));
        return if may { None } else { told("the domain is pure") };
    }
    let rank = |name: &str| ORDER.iter().position(|it| *it == name);
    match (rank(package), rank(dependency)) {
        (None, _) => return told("the package has no rank in the order of rooms"),
        (Some(own), Some(other)) if other >= own => return told("against the order of rooms"),
        _ => {}
    }
    let home = HOMES.iter().find(|(name, _)| *name == dependency);
    match home {
        Some((_, homes)) if !homes.contains(&package) => told("that crate's home is another room"),
        _ => None,
    }
}

#[test]
fn rooms_depend_on_each_other_in_one_direction() {
    for (package, dependency, for_tests) in [
        ("domain", "tokio", false),
        ("domain", "proptest", false),
        ("domain", "store", false),
        ("store", "actors", false),
        ("store", "actors", true),
        ("actors", "supervision", false),
        ("actors", "sled", false),
        ("laybook", "ractor", false),
        ("supervision", "warp", false),
        ("helpers", "serde", false),
    ] {
        assert!(wrong_way(package, dependency, for_tests).is_some(), "{package} -> {dependency}");
    }
    for (package, dependency, for_tests) in
        [("domain", "proptest", true), ("store", "sled", false), ("laybook", "domain", false)]
    {
        assert_eq!(wrong_way(package, dependency, for_tests), None);
    }
    let all = &Workspace::get().dependencies;
    for package in ORDER {
        assert!(all.iter().any(|(name, ..)| name == package), "{package} was not found");
    }
    none(all.iter().filter_map(|(a, b, for_tests)| wrong_way(a, b, *for_tests)).collect());
}

// --------------------------------------------------------------------------------------- reachable files

fn forgotten<'a>(files: &'a [String], reached: &[&str]) -> Vec<&'a String> {
    files.iter().filter(|file| !reached.contains(&file.as_str())).collect()
}

#[test]
fn every_file_is_reached_from_a_crate_root() {
    let files = ["a.rs".to_owned(), "b.rs".to_owned()];
    assert_eq!(forgotten(&files, &["a.rs"]), [&files[1]]);
    let lines = module_lines("pub(crate) mod a;\n#[cfg(test)]\nmod tests;\nmod b { }\n");
    assert_eq!(lines, [("a".to_owned(), false), ("tests".to_owned(), true)]);

    let workspace = Workspace::get();
    let reached: Vec<&str> = workspace.sources.iter().map(|source| source.path.as_str()).collect();
    let dead = forgotten(&workspace.files, &reached);
    let dead = dead.into_iter().map(|file| format!("{file} is reached from no crate root"));
    none(workspace.broken.iter().cloned().chain(dead).collect());
}

// ---------------------------------------------------------------------------------------- Betfair's words

/// Names of Betfair's API that mean nothing anywhere else. The operator's own names (`selectionId`,
/// `betDelay`) are not among them.
const BETFAIR: &[&str] = &[
    "availableToBack",
    "availableToLay",
    "tradedVolume",
    "instructionReports",
    "cancelInstructionReport",
    "placeInstructionReport",
    "limitOrder",
    "limitOnCloseOrder",
    "persistenceType",
    "newPersistenceType",
    "timeInForce",
    "sizeRemaining",
    "sizeMatched",
    "sizeLapsed",
    "sizeVoided",
    "sizeReduction",
    "priceSize",
    "bspLiability",
    "averagePriceMatched",
    "customerRef",
    "customerOrderRef",
    "customerStrategyRef",
    "currentOrders",
    "clearedOrders",
    "moreAvailable",
    "betOutcome",
    "priceRequested",
    "priceProjection",
    "marketProjection",
    "orderProjection",
    "availableToBetBalance",
    "retainedCommission",
    "marketDefinition",
    "lastPriceTraded",
    "EX_BEST_OFFERS",
    "EX_ALL_OFFERS",
    "EX_TRADED",
    "FILL_OR_KILL",
    "BET_ACTION_ERROR",
    "INVALID_ODDS",
    "INVALID_BET_SIZE",
    "BET_TAKEN_OR_LAPSED",
    "ERROR_IN_ORDER",
    "listMarketBook",
    "listMarketCatalogue",
    "listCurrentOrders",
    "placeOrders",
    "cancelOrders",
    "SportsAPING",
    "AccountAPING",
    "APINGException",
    "ANGX",
    "DSC-0018",
    "loginStatus",
    "X-Application",
    "X-Authentication",
];

/// Folders that speak Betfair's language, and why.
const SPEAKS_BETFAIR: &[(&str, &str)] = &[
    ("src/node/betfair/", "the door"),
    ("src/node/stream/", "the door that goes on speaking"),
    ("src/node/bench/", "load generators are clients of the door"),
    ("src/node/demo_command.rs", "tells newcomers what to type at the door"),
    ("tests/", "clients of the door"),
];

fn betfair_words(source: &Source) -> Vec<String> {
    if SPEAKS_BETFAIR.iter().any(|(folder, _)| source.path.starts_with(folder)) {
        return vec![];
    }
    let found = BETFAIR.iter().flat_map(|word| {
        let told = format!("`{word}` is Betfair's name, which only its door speaks");
        let here = words(&source.spoken, word).map(move |at| source.complain(at, &told));
        here.collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn only_the_betfair_door_speaks_betfairs_language() {
    let bad = [
        ("src/node/operator/a.rs", "json!({ \"availableToBack\": [] })"),
        ("src/domain/a.rs", "const A: &str = \"BET_ACTION_ERROR\";"),
        ("actors/a.rs", "#[serde(rename = \"sizeRemaining\")]\nstruct A;"),
    ];
    let good = [
        ("src/domain/a.rs", "// Betfair calls this INVALID_ODDS.\nfn a() {}"),
        ("src/node/operator/a.rs", "json!({ \"selectionId\": 1 })"),
        ("src/node/betfair/a.rs", "const A: &str = \"availableToBack\";"),
    ];
    check(betfair_words, &bad, &good);
}
