//! What a client is told, from outcomes to bytes.

use domain::order::{ExecutionError, InstructionError};
use domain::request::{CancelReport, Outcome, PlacedBet, PlacedEnd};

use super::message::Fault;
use super::pack::Writer;
use super::words::{self, Word};

const ERROR: u64 = 0;
const PLACED: u64 = 1;
const CANCELLED: u64 = 2;
const REPLACED: u64 = 3;
const UPDATED: u64 = 4;
const WELCOME: u64 = 5;

/// `[5, id, credits]`
pub(super) fn welcome(id: Option<u64>, credits: usize, out: &mut Vec<u8>) {
    let mut writer = Writer(out);
    writer.array(3).unsigned(WELCOME);
    name(&mut writer, id).amount(credits);
}

/// `[0, id, code, field, reason]`
pub(super) fn fault(fault: &Fault, out: &mut Vec<u8>) {
    error(fault.id, (fault.code, fault.field), &fault.reason, out);
}

/// `[0, id, code, field, reason]`
pub(super) fn error(id: Option<u64>, (code, field): Word, reason: &str, out: &mut Vec<u8>) {
    let mut writer = Writer(out);
    writer.array(5).unsigned(ERROR);
    name(&mut writer, id).text(code);
    match field {
        Some(field) => writer.text(field),
        None => writer.nil(),
    };
    writer.text(reason);
}

/// The answer to one command, which had one instruction or was a cancel.
pub(super) fn outcome(id: u64, outcome: &Outcome, out: &mut Vec<u8>) {
    match outcome {
        Outcome::Placed(done) => match done.reports.first() {
            Some(Ok(bet)) => {
                let mut writer = Writer(out);
                writer.array(7).unsigned(PLACED).unsigned(id);
                placed(&mut writer, bet);
            }
            Some(Err(error)) => refused(id, done.error, Some(*error), out),
            None => refused(id, done.error, None, out),
        },
        Outcome::Cancelled(done) => match (&done.error, done.reports.is_empty()) {
            (Some(error), true) => refused(id, Some(*error), None, out),
            _ => cancelled(id, &done.reports, out),
        },
        Outcome::Replaced(done) => match done.reports.first() {
            Some(line) => {
                let Ok(gone) = line.cancel.result else {
                    return refused(id, done.error, line.cancel.result.err(), out);
                };
                let mut writer = Writer(out);
                match line.place.as_ref().map(|place| &place.report) {
                    Some(Ok(bet)) => {
                        writer.array(8).unsigned(REPLACED).unsigned(id).amount(gone.size.0);
                        placed(&mut writer, bet);
                    }
                    failed => {
                        let failed = failed.and_then(|report| report.as_ref().err().copied());
                        let error = failed.or(line.error);
                        let (code, _) = words::of_instruction(
                            error.unwrap_or(InstructionError::CancelledNotPlaced),
                        );
                        writer.array(4).unsigned(REPLACED).unsigned(id).amount(gone.size.0);
                        writer.text(code);
                    }
                }
            }
            None => refused(id, done.error, None, out),
        },
        Outcome::Updated(done) => match done.reports.first() {
            Some(Ok(bet)) => {
                Writer(out).array(3).unsigned(UPDATED).unsigned(id).unsigned(bet.0);
            }
            Some(Err((_, error))) => refused(id, done.error, Some(*error), out),
            None => refused(id, done.error, None, out),
        },
    }
}

/// The instruction's own error says more than the whole's.
fn refused(
    id: u64,
    whole: Option<ExecutionError>,
    own: Option<InstructionError>,
    out: &mut Vec<u8>,
) {
    let own = own.filter(|own| *own != InstructionError::ErrorInOrder);
    let word = match (own, whole) {
        (Some(own), _) => words::of_instruction(own),
        (None, Some(whole)) => words::of_execution(whole),
        (None, None) => words::of_execution(ExecutionError::ErrorInMatcher),
    };
    error(Some(id), word, "", out);
}

/// Bet, end, matched, price times size, time.
fn placed(writer: &mut Writer<'_>, bet: &PlacedBet) {
    let end = match bet.end {
        PlacedEnd::Executable => 0,
        PlacedEnd::ExecutionComplete => 1,
        PlacedEnd::Expired => 2,
    };
    writer
        .unsigned(bet.bet.0)
        .unsigned(end)
        .amount(bet.size_matched.0)
        .amount(bet.matched_times_price)
        .amount(bet.placed_at.0);
}

fn cancelled(id: u64, lines: &[CancelReport], out: &mut Vec<u8>) {
    let mut writer = Writer(out);
    writer.array(3).unsigned(CANCELLED).unsigned(id).array(lines.len());
    for line in lines {
        match line.result {
            Ok(gone) => writer
                .array(4)
                .unsigned(line.market.0)
                .unsigned(line.bet.0)
                .amount(gone.size.0)
                .amount(gone.at.0),
            Err(error) => writer
                .array(3)
                .unsigned(line.market.0)
                .unsigned(line.bet.0)
                .text(words::of_instruction(error).0),
        };
    }
}

fn name<'w, 'b>(writer: &'w mut Writer<'b>, id: Option<u64>) -> &'w mut Writer<'b> {
    match id {
        Some(id) => writer.unsigned(id),
        None => writer.nil(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pack::Reader;
    use super::*;
    use domain::ids::{BetId, MarketId};
    use domain::money::Pence;
    use domain::request::{CancelledBet, Execution};
    use domain::time::UtcMillis;

    #[test]
    fn a_placed_bet_is_seven_numbers() {
        let bet = PlacedBet {
            bet: BetId(100_000_000_000),
            placed_at: UtcMillis(1_700_000_000_000),
            size_matched: Pence(200),
            matched_times_price: 50_000,
            end: PlacedEnd::ExecutionComplete,
        };
        let mut out = Vec::new();
        let done = Outcome::Placed(Execution { error: None, reports: vec![Ok(bet)] });
        outcome(6, &done, &mut out);
        let mut reader = Reader::new(&out);
        assert_eq!(reader.array(), Ok(7));
        let numbers: Vec<_> = (0..7).map(|_| reader.integer().unwrap()).collect();
        assert_eq!(numbers, [1, 6, 100_000_000_000, 1, 200, 50_000, 1_700_000_000_000]);
        assert!(reader.is_at_end());
    }

    #[test]
    fn a_refusal_says_the_instructions_error_and_its_field() {
        let mut out = Vec::new();
        let error = Some(ExecutionError::BetActionError);
        let reports = vec![Err(InstructionError::InvalidOdds)];
        outcome(6, &Outcome::Placed(Execution { error, reports }), &mut out);
        let mut reader = Reader::new(&out);
        assert_eq!((reader.array(), reader.integer(), reader.integer()), (Ok(5), Ok(0), Ok(6)));
        assert_eq!((reader.text(), reader.text()), (Ok("invalid_price"), Ok("price")));
    }

    #[test]
    fn a_cancel_of_many_has_a_line_for_each() {
        let line = |bet, result| CancelReport { market: MarketId(5), bet: BetId(bet), result };
        let gone = CancelledBet { size: Pence(150), at: UtcMillis(9) };
        let reports = vec![line(1, Ok(gone)), line(2, Err(InstructionError::BetTakenOrLapsed))];
        let error = Some(ExecutionError::ProcessedWithErrors);
        let mut out = Vec::new();
        outcome(6, &Outcome::Cancelled(Execution { error, reports }), &mut out);
        let mut reader = Reader::new(&out);
        assert_eq!((reader.array(), reader.integer(), reader.integer()), (Ok(3), Ok(2), Ok(6)));
        assert_eq!((reader.array(), reader.array()), (Ok(2), Ok(4)));
        let numbers: Vec<_> = (0..4).map(|_| reader.integer().unwrap()).collect();
        assert_eq!(numbers, [5, 1, 150, 9]);
        assert_eq!((reader.array(), reader.integer(), reader.integer()), (Ok(3), Ok(5), Ok(2)));
        assert_eq!(reader.text(), Ok("bet_taken_or_lapsed"));
    }
}
