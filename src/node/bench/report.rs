//! How a benchmark says what it found: workload, machine, tables, remarks; for people or as JSON.
//!
//! Owns the layout and nothing that is measured.

use super::machine::Machine;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Everything that one run prints.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) name: &'static str,
    /// What was done, sentence by sentence.
    pub(super) workload: Vec<String>,
    pub(super) machine: Machine,
    pub(super) tables: Vec<Table>,
    /// What the reader must know to judge the figures.
    pub(super) remarks: Vec<String>,
}

/// Figures under one heading. Units stand in the column names.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone)]
pub(super) enum Cell {
    Text(String),
    Count(u64),
    /// A value and how many decimals of it mean anything.
    Number(f64, usize),
    /// Not measured.
    None,
}

impl Report {
    pub(super) fn write(&self, json: bool, out: &mut impl Write) -> io::Result<()> {
        if json { self.write_json(out) } else { self.write_text(out) }
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "laybook bench {}", self.name)?;
        writeln!(out, "machine: {}", self.machine.line())?;
        for sentence in &self.workload {
            writeln!(out, "workload: {sentence}")?;
        }
        for table in &self.tables {
            writeln!(out)?;
            table.write_text(out)?;
        }
        if !self.remarks.is_empty() {
            writeln!(out)?;
        }
        for remark in &self.remarks {
            writeln!(out, "{remark}")?;
        }
        out.flush()
    }

    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        let tables: Vec<Value> = self.tables.iter().map(Table::json).collect();
        let report = json!({
            "bench": self.name,
            "machine": self.machine,
            "workload": self.workload,
            "tables": tables,
            "remarks": self.remarks,
        });
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
        out.flush()
    }
}

impl Table {
    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let text: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(Cell::text).collect()).collect();
        let width = |column: usize| {
            let cells = text.iter().filter_map(|row| row.get(column)).map(|cell| cell.len());
            cells.chain([self.columns[column].len()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        writeln!(out, "{}", self.title)?;
        let heads: Vec<String> = self.columns.iter().map(|head| (*head).to_owned()).collect();
        for row in std::iter::once(&heads).chain(&text) {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Names to the left, figures to the right.
                match at {
                    0 => line.push_str(&format!("  {cell:<width$}")),
                    _ => line.push_str(&format!("  {cell:>width$}")),
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let row = |cells: &Vec<Cell>| -> Value {
            let pairs = self.columns.iter().zip(cells);
            pairs
                .map(|(name, cell)| ((*name).to_owned(), cell.json()))
                .collect::<Map<_, _>>()
                .into()
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({ "title": self.title, "rows": rows })
    }
}

impl Cell {
    pub(super) fn text_of(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    fn text(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => thousands(*count),
            Cell::Number(value, 0) if *value >= 0.0 => thousands(value.round() as u64),
            Cell::Number(value, decimals) => format!("{value:.decimals$}"),
            Cell::None => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Cell::Text(text) => json!(text),
            Cell::Count(count) => json!(count),
            Cell::Number(value, _) => json!(value),
            Cell::None => Value::Null,
        }
    }
}

/// `12345678` as `12,345,678`.
pub(super) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |name: &str, count| vec![Cell::text_of(name), Cell::Count(count), Cell::None];
        let rows = vec![row("a", 7), row("longer", 1_234)];
        Table { title: "figures".to_owned(), columns: &["name", "count", "more"], rows }
    }

    #[test]
    fn columns_line_up() {
        let mut out = Vec::new();
        table().write_text(&mut out).unwrap();
        let expected =
            "figures\n  name    count  more\n  a           7     -\n  longer  1,234     -\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn json_names_each_figure() {
        let expected = json!({
            "title": "figures",
            "rows": [
                { "name": "a", "count": 7, "more": null },
                { "name": "longer", "count": 1234, "more": null },
            ],
        });
        assert_eq!(table().json(), expected);
    }

    #[test]
    fn thousands_are_set_apart() {
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(thousands(count), text);
        }
    }
}
