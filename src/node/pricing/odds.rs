//! Prices from files, and what they say of a match.

use std::collections::HashMap;
use std::path::PathBuf;

use domain::football::implied::{self, MarketQuote, Quoted};
use domain::football::margin::{self, Method};
use domain::football::score_grid::{Expectancy, GoalLine};

use super::RHO;
use super::day::Day;
use super::table::{Column, Row, Table, TableError};
use domain::football::club::plain;

/// Columns of home, draw and away, the most telling first: closing prices before earlier ones, averages
/// before one bookmaker's.
const MATCH_ODDS: [[&str; 3]; 9] = [
    ["AvgCH", "AvgCD", "AvgCA"],
    ["PSCH", "PSCD", "PSCA"],
    ["home_close", "draw_close", "away_close"],
    ["B365CH", "B365CD", "B365CA"],
    ["AvgH", "AvgD", "AvgA"],
    ["BbAvH", "BbAvD", "BbAvA"],
    ["PSH", "PSD", "PSA"],
    ["home_open", "draw_open", "away_open"],
    ["B365H", "B365D", "B365A"],
];
/// Columns of over and under 2.5 goals.
const TOTALS: [[&str; 2]; 9] = [
    ["AvgC>2.5", "AvgC<2.5"],
    ["PC>2.5", "PC<2.5"],
    ["over_2.5_close", "under_2.5_close"],
    ["B365C>2.5", "B365C<2.5"],
    ["Avg>2.5", "Avg<2.5"],
    ["BbAv>2.5", "BbAv<2.5"],
    ["P>2.5", "P<2.5"],
    ["over_2.5_open", "under_2.5_open"],
    ["B365>2.5", "B365<2.5"],
];
const TWO_AND_A_HALF: GoalLine = GoalLine(10);

/// What markets expected, by day and plain names of home and away.
#[derive(Debug, Clone, Default)]
pub struct Odds {
    expected: HashMap<(Day, String, String), Expectancy>,
}

impl Odds {
    /// Reads files of prices. Rows whose prices are missing, or explain no goals, say nothing.
    pub fn read(files: &[PathBuf]) -> Result<Self, TableError> {
        let mut odds = Odds::default();
        for file in files {
            let table = Table::read(file)?;
            let date = table.need(&["Date"])?;
            let (home, away) =
                (table.need(&["HomeTeam", "home"])?, table.need(&["AwayTeam", "away"])?);
            let match_odds: Vec<[Column; 3]> = columns(&table, &MATCH_ODDS);
            let totals: Vec<[Column; 2]> = columns(&table, &TOTALS);
            if match_odds.is_empty() {
                let names: Vec<String> = MATCH_ODDS.iter().map(|names| names.join(", ")).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                table.need(&names)?;
            }
            for row in table.rows() {
                let day = row.need(date)?.parse().map_err(|error| row.fault(date, error))?;
                let names = (plain(row.need(home)?), plain(row.need(away)?));
                if let Some(expected) = expected(&row, &match_odds, &totals)? {
                    odds.expected.insert((day, names.0, names.1), expected);
                }
            }
        }
        Ok(odds)
    }

    /// What the market expected of a match.
    pub fn expected(&self, day: Day, home: &str, away: &str) -> Option<Expectancy> {
        self.expected.get(&(day, plain(home), plain(away))).copied()
    }

    /// Matches with prices.
    pub fn len(&self) -> usize {
        self.expected.len()
    }

    /// No match has any.
    pub fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }
}

fn columns<const N: usize>(table: &Table, sets: &[[&str; N]]) -> Vec<[Column; N]> {
    let whole = |names: &[&str; N]| {
        let found = names.map(|name| table.find(&[name]));
        found.iter().all(Option::is_some).then(|| found.map(|column| column.expect("all are")))
    };
    sets.iter().filter_map(whole).collect()
}

fn expected(
    row: &Row<'_>,
    match_odds: &[[Column; 3]],
    totals: &[[Column; 2]],
) -> Result<Option<Expectancy>, TableError> {
    let Some([home, draw, away]) = first_whole(row, match_odds)? else { return Ok(None) };
    let over = first_whole(row, totals)?.map(|[over, _]| over);
    let found = match over {
        Some(over) => implied::from_match_odds(home, away, TWO_AND_A_HALF, over, RHO),
        None => {
            let quotes = [(Quoted::Home, home), (Quoted::Draw, draw), (Quoted::Away, away)]
                .map(|(quoted, probability)| MarketQuote { quoted, probability, weight: 1.0 });
            implied::from_quotes(&quotes, RHO)
        }
    };
    Ok(found.ok())
}

/// The probabilities of the first set whose prices are all there and are prices.
fn first_whole<const N: usize>(
    row: &Row<'_>,
    sets: &[[Column; N]],
) -> Result<Option<[f64; N]>, TableError> {
    for set in sets {
        let mut prices = [0.0; N];
        let mut whole = true;
        for (price, column) in prices.iter_mut().zip(set) {
            match row.value::<f64>(*column)? {
                Some(value) => *price = value,
                None => whole = false,
            }
        }
        if whole
            && let Ok(p) = margin::remove(&prices, Method::Power)
            && let Ok(p) = <[f64; N]>::try_from(p)
        {
            return Ok(Some(p));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::football::Team;

    #[test]
    fn closing_prices_come_first_and_rows_without_any_say_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("odds.csv");
        let text = "Date,HomeTeam,AwayTeam,B365H,B365D,B365A,PSCH,PSCD,PSCA,PC>2.5,PC<2.5\n\
                    2024-05-19,Man United,Wolves,1.01,50,90,1.8,3.9,4.8,1.7,2.25\n\
                    2024-05-19,A,B,2.0,3.5,4.0,,,,,\n\
                    2024-05-19,C,D,1.0,3.5,4.0,,,,,\n";
        std::fs::write(&path, text).expect("written");
        let odds = Odds::read(&[path]).expect("a file of prices");
        assert_eq!(odds.len(), 2, "a price of 1 is none");
        let day: Day = "2024-05-19".parse().expect("a date");
        let expected = odds.expected(day, "Manchester United FC", "Wolverhampton Wanderers");
        let expected = expected.expect("by another name");
        let (home, away) = (expected.of(Team::Home), expected.of(Team::Away));
        assert!(home > 1.5 && home < 2.4 && away > 0.7 && away < 1.4, "{home} {away}");
        assert!(odds.expected(day, "A", "B").is_some(), "without a total too");
        assert!(odds.expected(day, "C", "D").is_none());
    }
}
