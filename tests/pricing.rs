//! Do the pricing commands say what the models say, from files as people have them, and refuse clearly?

use crate::harness::Scratch;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn laybook(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_laybook")).args(arguments).output().unwrap()
}

pub(crate) fn succeeds(arguments: &[&str]) -> String {
    let output = laybook(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn fails(arguments: &[&str], reason: &str) {
    let output = laybook(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} went through");
    assert!(errors.contains(reason), "{arguments:?}: {errors}");
}

/// Two leagues in one file, two seasons each: who comes first in a league wins more.
pub(crate) fn results(scratch: &Scratch) -> PathBuf {
    let mut text = "Date,HomeTeam,AwayTeam,FTHG,FTAG,HST,AST\n".to_owned();
    for season in 0..2 {
        for league in ["North", "South"] {
            for home in 0..8_i32 {
                for away in (0..8_i32).filter(|away| *away != home) {
                    let day = (home * 3 + away * 5) % 28 + 1;
                    let month = (home + away) % 9 + 1;
                    let (goals, conceded) =
                        ((away - home).max(0) / 2 + 1, (home - away).max(0) / 2);
                    text += &format!(
                        "{}-{month:02}-{day:02},{league} {home},{league} {away},{goals},{conceded},{},{}\n",
                        2023 + season,
                        2 * goals + 2,
                        2 * conceded + 2,
                    );
                }
            }
        }
    }
    let path = scratch.path().join("results.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn number(row: &[String], at: usize) -> f64 {
    row[at].parse().unwrap()
}

#[test]
fn a_book_is_priced_from_expected_goals() {
    let shown =
        succeeds(&["price", "--lambda", "1.53", "--mu", "1.21", "--rho", "-0.06", "--json"]);
    let book: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let markets = book["markets"].as_array().unwrap();
    assert!(markets.len() >= 109);
    let market = |code: &str, line: Option<f64>| {
        let is = |market: &&serde_json::Value| {
            market["code"] == code && line.is_none_or(|line| market["line"] == line)
        };
        markets.iter().find(is).unwrap_or_else(|| panic!("no {code}"))["selections"].clone()
    };
    let close = |actual: &serde_json::Value, expected: f64| {
        let actual = actual.as_f64().unwrap();
        assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
    };
    let odds = market("MATCH_ODDS", None);
    for (at, (name, p)) in
        [("Home", 0.439666125732), ("Draw", 0.266579802673), ("Away", 0.293754071595)]
            .into_iter()
            .enumerate()
    {
        assert_eq!(odds[at]["name"], name);
        close(&odds[at]["probability"], p);
        let (fair, price) =
            (odds[at]["fair"].as_f64().unwrap(), odds[at]["price"].as_f64().unwrap());
        close(&odds[at]["fair"], 1.0 / odds[at]["probability"].as_f64().unwrap());
        assert!(price <= fair && price > fair * 0.97, "{price} is not the price below {fair}");
    }
    let over = market("OVER_UNDER", Some(2.25));
    assert_eq!((&over[0]["name"], &over[1]["name"]), (&"Over".into(), &"Under".into()));
    close(&over[0]["fair"], 1.0 + 0.359099008972 / 0.516122734447);
    assert_eq!(market("CORRECT_SCORE", None)[6]["name"], "1-0");
    let table = succeeds(&["price", "--lambda", "1.53", "--mu", "1.21"]);
    assert!(table.contains("MATCH_ODDS") && table.contains("Home/Home"), "{table}");
}

#[test]
fn a_backtest_predicts_from_earlier_days_only_and_each_league_by_itself() {
    let scratch = Scratch::new("backtest");
    let file = results(&scratch);
    let (all, one) = (scratch.path().join("all.csv"), scratch.path().join("one.csv"));
    let run = |results: &Path, out: &Path| {
        let (results, out) = (results.to_str().unwrap(), out.to_str().unwrap());
        let window = ["--from", "2024-01-01", "--to", "2024-12-31", "--out", out];
        succeeds(&[&["backtest", "--results", results], &window[..]].concat())
    };
    let shown = run(&file, &all);
    assert!(shown.contains("112 matches that have ended"), "{shown}");
    let predicted = rows(&all);
    let columns = "date,home,away,p_home,p_draw,p_away,p_over25,p_btts,lambda_home,lambda_away";
    assert_eq!(predicted[0].join(","), columns);
    assert_eq!(predicted.len(), 113);
    for row in &predicted[1..] {
        assert!((number(row, 3) + number(row, 4) + number(row, 5) - 1.0).abs() < 1e-8, "{row:?}");
        assert!((3..8).all(|at| number(row, at) > 0.0 && number(row, at) < 1.0), "{row:?}");
    }
    let strong = predicted.iter().find(|row| row[1] == "North 0" && row[2] == "North 7").unwrap();
    assert!(number(strong, 3) > 0.6, "{strong:?}");

    // Without what came later, and without the other league, the same is predicted.
    let text = std::fs::read_to_string(&file).unwrap();
    let earlier = |line: &&str| {
        line.starts_with("Date") || (line.contains("North") && &line[..10] < "2024-05-01")
    };
    let cut: String = text.lines().filter(earlier).map(|line| format!("{line}\n")).collect();
    let less = scratch.path().join("less.csv");
    std::fs::write(&less, cut).unwrap();
    run(&less, &one);
    let again = rows(&one);
    assert!(again.len() > 10);
    for row in &again[1..] {
        let before = predicted.iter().find(|other| other[..3] == row[..3]).unwrap();
        for at in 3..10 {
            assert!((number(row, at) - number(before, at)).abs() < 1e-5, "{row:?} {before:?}");
        }
    }
}

#[test]
fn prices_of_a_match_drive_its_prediction() {
    let scratch = Scratch::new("backtest-odds");
    let file = results(&scratch);
    let odds = scratch.path().join("odds.csv");
    std::fs::write(
        &odds,
        "Date,HomeTeam,AwayTeam,AvgCH,AvgCD,AvgCA,AvgC>2.5,AvgC<2.5\n2024-02-25,North 0,North 1,9.0,5.0,1.4,1.9,1.9\n",
    )
    .unwrap();
    let day = rows(&file)
        .into_iter()
        .find(|row| row[0].starts_with("2024") && row[1] == "North 0" && row[2] == "North 1");
    let day = day.unwrap()[0].clone();
    let text = std::fs::read_to_string(&odds).unwrap().replace("2024-02-25", &day);
    std::fs::write(&odds, text).unwrap();
    let out = scratch.path().join("out.csv");
    let paths = [&file, &odds, &out].map(|path| path.to_str().unwrap());
    let shown = succeeds(&[
        "backtest",
        "--results",
        paths[0],
        "--odds",
        paths[1],
        "--from",
        &day,
        "--to",
        &day,
        "--out",
        paths[2],
    ]);
    assert!(shown.contains("predicted from prices         1"), "{shown}");
    let predicted = rows(&out);
    let row = predicted.iter().find(|row| row[1] == "North 0" && row[2] == "North 1").unwrap();
    assert!(number(row, 5) > 0.6, "the market has away as the favourite: {row:?}");
}

#[test]
fn when_goals_fall_is_fitted_to_earlier_matches_and_measured_on_later_ones() {
    let scratch = Scratch::new("inplay-fit");
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let (events, lambdas, out) = (path("events.csv"), path("lambdas.csv"), path("out.csv"));
    let mut goals = "date,home,away,minute,side\n".to_owned();
    let mut matches = "Date,HomeTeam,AwayTeam,lh,la\n".to_owned();
    for number in 0..300 {
        let day = format!("{}-01-{:02}", if number < 250 { 2019 } else { 2020 }, 1 + number % 28);
        let (home, away) = (format!("Home {number}"), format!("Away {number}"));
        matches.push_str(&format!("{day},{home},{away},1.5,1.2\n"));
        // Two of three goals fall in the second half.
        for minute in [1 + number % 45, 46 + number % 45, 46 + (number + 22) % 45] {
            goals.push_str(&format!("{day},{home},{away},{minute},H\n"));
        }
    }
    std::fs::write(&events, goals).unwrap();
    std::fs::write(&lambdas, matches).unwrap();
    let asked = ["inplay", "--events", &events, "--lambdas", &lambdas, "--out", &out];
    let shown = succeeds(&[&asked[..], &["--fit-to", "2019-12-31"]].concat());
    assert!(shown.contains("fitted to 250 of them"), "{shown}");
    assert!(shown.contains("log loss over 50 matches"), "{shown}");
    let row = shown.lines().find(|line| line.trim_start().starts_with("75 ")).unwrap();
    let figures: Vec<f64> = row.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (ours, even) = (figures[4], figures[5]);
    assert!(ours < even - 0.05, "another goal is likelier than an even clock says: {row}");
    fails(&[&asked[..], &["--fit-to", "2018-12-31"]].concat(), "0 goals until then");
}

#[test]
fn every_minute_of_a_match_is_priced() {
    let scratch = Scratch::new("inplay");
    let path = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let (events, lambdas, out) = (path("events.csv"), path("lambdas.csv"), path("out.csv"));
    std::fs::write(
        &events,
        "date,home,away,minute,side\n2019-01-01,Manchester United,Fulham,16,H\n\
         2019-01-01,Manchester United,Fulham,90+2,A\n",
    )
    .unwrap();
    std::fs::write(
        &lambdas,
        "Date,HomeTeam,AwayTeam,lh,la\n2019-01-01,Man United,Fulham,1.8,0.7\n2019-01-01,Wolves,\"A, B\",1,1\n",
    )
    .unwrap();
    succeeds(&["inplay", "--events", &events, "--lambdas", &lambdas, "--out", &out]);
    let minutes = rows(Path::new(&out));
    assert_eq!(minutes.len(), 1 + 2 * 91);
    let united = &minutes[1..92];
    assert_eq!((united[15][4].as_str(), united[16][4].as_str()), ("0", "1"));
    assert!(number(&united[16], 6) > number(&united[15], 6) + 0.1);
    assert_eq!((number(&united[90], 6), number(&united[90], 7)), (0.0, 1.0), "it ended 1-1");
    assert_eq!(number(&united[90], 12), 1.0, "and nothing more falls");
    for row in united {
        let sum: f64 = (10..13).map(|at| number(row, at)).sum();
        assert!((sum - 1.0).abs() < 1e-8, "{row:?}");
    }
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("Wolves,\"A, B\",0,"), "names are quoted where they must be");
}

#[test]
fn ratings_are_printed_strongest_first() {
    let scratch = Scratch::new("fit");
    let file = results(&scratch);
    let shown = succeeds(&["fit", "--results", file.to_str().unwrap(), "--json"]);
    let first: serde_json::Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    let names: Vec<&str> = first["teams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|team| team["name"].as_str().unwrap())
        .collect();
    assert_eq!((names[0], names[7]), ("North 0", "North 7"));
    let file = file.to_str().unwrap();
    let book = succeeds(&["price", "--home", "north 0", "--away", "North 7", "--results", file]);
    assert!(book.contains("MATCH_ODDS"), "{book}");
}

#[test]
fn what_cannot_be_priced_is_refused_by_name() {
    let scratch = Scratch::new("pricing-refusals");
    let file = results(&scratch);
    let file = file.to_str().unwrap();
    let path = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let out = scratch.path().join("out.csv");
    let out = out.to_str().unwrap();
    fails(&["price", "--lambda", "NaN", "--mu", "1"], "--lambda");
    fails(&["price", "--lambda", "1", "--mu", "900"], "--mu");
    fails(&["price", "--lambda", "1", "--mu", "1", "--rho", "0.5"], "--rho");
    fails(&["price"], "--lambda");
    fails(&["price", "--home", "Nobody", "--away", "North 1", "--results", file], "`Nobody`");
    fails(&["price", "--home", "North 0", "--away", "South 1", "--results", file], "never met");
    let back = |results: &str, from: &str, to: &str, reason: &str| {
        fails(
            &["backtest", "--results", results, "--from", from, "--to", to, "--out", out],
            reason,
        );
    };
    back(file, "2024-01-02", "2024-01-01", "--from");
    back(file, "2031-01-01", "2031-12-31", "no match from 2031-01-01");
    back(file, "yesterday", "2024-01-01", "no date");
    back(&path("empty.csv", ""), "2024-01-01", "2024-12-31", "empty.csv: empty");
    back(&path("header.csv", "a,b\n1,2\n"), "2024-01-01", "2024-12-31", "no column Date");
    let bad = "Date,HomeTeam,AwayTeam,FTHG,FTAG\n2024-01-01,A,B,1,0\n2024-01-08,B,A,x,0\n";
    back(&path("bad.csv", bad), "2024-01-01", "2024-12-31", "bad.csv:3: FTHG");
    fails(&["inplay", "--events", file, "--lambdas", file, "--out", out], "no column lh");
}

/// Figures of `penaltyblog` and of a fit by hand, which agree to the digits shown.
#[test]
fn the_season_that_ships_is_as_likely_as_others_find_it() {
    let scratch = Scratch::new("fit-shipped");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/football/premier-league.csv");
    let text = std::fs::read_to_string(shipped).unwrap();
    let is_of_it = |line: &&str| line.starts_with("Season") || line.starts_with("2324");
    let season: Vec<&str> = text.lines().filter(is_of_it).collect();
    assert_eq!(season.len(), 381);
    let file = scratch.path().join("season.csv");
    std::fs::write(&file, season.join("\n")).unwrap();
    for (model, likelihood, rho) in
        [("plain-poisson", -1_135.285_4, 0.0), ("plain", -1_135.251_0, -0.020_1)]
    {
        let file = file.to_str().unwrap();
        let shown = succeeds(&["fit", "--results", file, "--model", model, "--json"]);
        let fitted: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let near = |name: &str, expected: f64, by: f64| {
            let found = fitted[name].as_f64().unwrap();
            assert!((found - expected).abs() < by, "{model}: {name} is {found}, not {expected}");
        };
        near("logLikelihood", likelihood, 5e-4);
        near("homeAdvantage", 0.196_7, 5e-4);
        near("rho", rho, 5e-4);
    }
}
