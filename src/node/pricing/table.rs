//! A CSV file with a header: columns by name in any case, cells by column, errors that name where.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

/// What a file may hold: more is another mistake than a long table.
const BYTES_MAX: u64 = 1 << 30;

/// Something a file says that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It cannot be read at all.
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
    /// The header lacks a column; `names` are those that would do.
    #[error("{file}: no column {names}; there are {found}")]
    Column { file: String, names: String, found: String },
    /// A cell says something impossible.
    #[error("{file}:{line}: {column}: {reason}")]
    Cell { file: String, line: u64, column: String, reason: String },
    /// A whole row does.
    #[error("{file}:{line}: {reason}")]
    Row { file: String, line: u64, reason: String },
}

/// A column that was found, under one of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(usize);

/// A whole file.
#[derive(Debug)]
pub struct Table {
    file: String,
    header: Vec<String>,
    columns: HashMap<String, usize>,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// One row, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    line: u64,
    cells: &'a csv::StringRecord,
}

impl Table {
    /// Reads a file. Rows that are wholly empty are left out.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let file = path.display().to_string();
        let unreadable = |reason: String| TableError::File { file: file.clone(), reason };
        let opened = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let mut bytes = Vec::new();
        let read = opened.take(BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(unreadable(format!("larger than {BYTES_MAX} bytes")));
        }
        Self::of(file, &bytes)
    }

    /// Reads what came of a file; `file` is what its errors call it.
    pub fn of(file: String, bytes: &[u8]) -> Result<Self, TableError> {
        // A mark of the byte order, which spreadsheets put first, is no part of the first name.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let unreadable = |reason: String| TableError::File { file: file.clone(), reason };
        let header = reader.headers().map_err(|error| unreadable(error.to_string()))?;
        let header: Vec<String> = header.iter().map(str::to_owned).collect();
        if header.iter().all(String::is_empty) {
            return Err(unreadable("empty, not even a header".to_owned()));
        }
        let mut columns = HashMap::new();
        for (at, name) in header.iter().enumerate() {
            columns.entry(name.to_ascii_lowercase()).or_insert(at);
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| unreadable(error.to_string()))?;
            if record.iter().any(|cell| !cell.is_empty()) {
                rows.push((record.position().map_or(0, csv::Position::line), record));
            }
        }
        Ok(Table { file, header, columns, rows })
    }

    /// The column of the first of these names that the header has.
    pub fn find(&self, names: &[&str]) -> Option<Column> {
        let place = |name: &&str| self.columns.get(&name.to_ascii_lowercase()).copied();
        names.iter().find_map(place).map(Column)
    }

    /// The same, when the file is of no use without it.
    pub fn need(&self, names: &[&str]) -> Result<Column, TableError> {
        self.find(names).ok_or_else(|| TableError::Column {
            file: self.file.clone(),
            names: names.join(" or "),
            found: self.header.join(", "),
        })
    }

    /// Its rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, cells)| Row { table: self, line: *line, cells })
    }
}

impl<'a> Row<'a> {
    /// What a cell says; nothing when it is empty or not there.
    pub fn text(&self, column: Column) -> Option<&'a str> {
        self.cells.get(column.0).filter(|text| !text.is_empty())
    }

    /// The same, when the row is of no use without it.
    pub fn need(&self, column: Column) -> Result<&'a str, TableError> {
        self.text(column).ok_or_else(|| self.fault(column, "empty"))
    }

    /// A cell as a value; nothing when it is empty.
    pub fn value<T: FromStr>(&self, column: Column) -> Result<Option<T>, TableError> {
        let read = |text: &str| {
            text.parse().map_err(|_| self.fault(column, format!("`{text}` cannot be read")))
        };
        self.text(column).map(read).transpose()
    }

    /// A count of goals or shots: whole, though some files write `2.0`.
    pub fn count(&self, column: Column) -> Result<Option<u8>, TableError> {
        let Some(count) = self.value::<f64>(column)? else { return Ok(None) };
        match count.fract() == 0.0 && (0.0..=99.0).contains(&count) {
            true => Ok(Some(count as u8)),
            false => Err(self.fault(column, format!("`{count}` is no count from 0 to 99"))),
        }
    }

    /// What is wrong with a cell.
    pub fn fault(&self, column: Column, reason: impl fmt::Display) -> TableError {
        TableError::Cell {
            file: self.table.file.clone(),
            line: self.line,
            column: self.table.header[column.0].clone(),
            reason: reason.to_string(),
        }
    }

    /// What is wrong with the row.
    pub fn fault_of_row(&self, reason: impl fmt::Display) -> TableError {
        let file = self.table.file.clone();
        TableError::Row { file, line: self.line, reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table, TableError> {
        Table::of("goals.csv".to_owned(), text.as_bytes())
    }

    #[test]
    fn columns_are_found_by_any_of_their_names_in_any_case() {
        let table = table("date,HomeTeam,\"FTHG\"\n2024-01-01,A,2.0\n,,\n2024-01-02,B,x\n");
        let table = table.expect("a table");
        let goals = table.need(&["home_score", "fthg"]).expect("by its second name");
        let rows: Vec<_> = table.rows().collect();
        assert_eq!(rows.len(), 2, "a row of nothing is none");
        assert_eq!(rows[0].count(goals).expect("whole"), Some(2));
        let error = rows[1].count(goals).expect_err("no number").to_string();
        assert_eq!(error, "goals.csv:4: FTHG: `x` cannot be read");
        let error = table.need(&["AwayTeam", "away"]).expect_err("missing").to_string();
        assert_eq!(error, "goals.csv: no column AwayTeam or away; there are date, HomeTeam, FTHG");
    }

    #[test]
    fn counts_are_whole_and_small() {
        let table = table("n\n-1\n2.5\n100\nNaN\n1e3\n").expect("a table");
        let n = table.need(&["n"]).expect("there");
        assert!(table.rows().all(|row| row.count(n).is_err()));
    }

    #[test]
    fn nothing_is_no_table() {
        for text in ["", "\n\n", " , ,\n"] {
            assert!(table(text).is_err(), "{text:?}");
        }
        assert!(Table::read(Path::new("there/is/no/such.csv")).is_err());
    }
}
