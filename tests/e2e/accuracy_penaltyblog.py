"""How well Laybook's ratings foretell matches, beside penaltyblog 1.13.1's Dixon-Coles: the same matches, walked forward.

    pip install penaltyblog==1.13.1
    python tests/e2e/accuracy_penaltyblog.py target/release/laybook --from 2022-07-01 --to 2024-06-30 RESULTS.csv...

Each file is a league's results (Date, HomeTeam, AwayTeam, FTHG, FTAG). For every day with matches both learn from
earlier days only: Laybook by `laybook backtest`, penaltyblog from the 1,095 days before, a match that is d days old
weighing exp(-0.002 d). Matches of a team that penaltyblog has not seen in its window are left out for both. Printed are
log loss and RPS of the 1X2, pooled, and the difference with the span of 19 in 20 paired resamples.
"""

import argparse
import csv
import datetime
import math
import os
import random
import subprocess
import sys
import tempfile

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import penaltyblog as pb  # noqa: E402

WINDOW_DAYS = 1_095
FORGET = 0.002
RESAMPLES = 2_000


def day(text):
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y"):
        try:
            return datetime.datetime.strptime(text, form).date()
        except ValueError:
            pass
    raise ValueError(f"no date: {text}")


def read(path):
    rows = []
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row.get("Date") and row.get("FTHG"):
                rows.append((day(row["Date"]), row["HomeTeam"], row["AwayTeam"], int(row["FTHG"]), int(row["FTAG"])))
    return sorted(rows)


def ours(program, path, since, until):
    """The three probabilities of each match, by day and teams."""
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "out.csv")
        dates = ["--from", str(since), "--to", str(until), "--out", out]
        subprocess.run([program, "backtest", "--results", path, *dates], check=True, capture_output=True)
        with open(out, newline="", encoding="utf-8") as file:
            return {
                (day(row["date"]), row["home"], row["away"]): [float(row[p]) for p in ("p_home", "p_draw", "p_away")]
                for row in csv.DictReader(file)
            }


def theirs(rows, since, until):
    found = {}
    for today in sorted({row[0] for row in rows if since <= row[0] <= until}):
        past = [row for row in rows if today - datetime.timedelta(WINDOW_DAYS) <= row[0] < today]
        weights = [math.exp(-FORGET * (today - row[0]).days) for row in past]
        known = {team for row in past for team in row[1:3]}
        columns = [[row[at] for row in past] for at in (3, 4, 1, 2)]
        model = pb.models.DixonColesGoalModel(*columns, weights)
        model.fit()
        for _, home, away, _, _ in (row for row in rows if row[0] == today):
            if home in known and away in known:
                grid = model.predict(home, away)
                found[today, home, away] = [grid.home_win, grid.draw, grid.away_win]
    return found


def losses(p, outcome):
    rps = sum((sum(p[: k + 1]) - (outcome <= k)) ** 2 for k in range(2)) / 2
    return -math.log(max(p[outcome], 1e-12)), rps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--from", dest="since", type=day, required=True)
    parser.add_argument("--to", dest="until", type=day, required=True)
    parser.add_argument("results", nargs="+")
    args = parser.parse_args()
    pairs = []
    for path in args.results:
        rows = read(path)
        mine, other = ours(args.program, path, args.since, args.until), theirs(rows, args.since, args.until)
        for today, home, away, goals, against in rows:
            match = (today, home, away)
            if match in mine and match in other:
                outcome = 0 if goals > against else 1 if goals == against else 2
                pairs.append((losses(mine[match], outcome), losses(other[match], outcome)))
        print(f"{os.path.basename(path)}: {len(pairs)} matches so far", file=sys.stderr)
    if not pairs:
        sys.exit("no match was foretold by both")
    draw = random.Random(1)
    resamples = [draw.choices(pairs, k=len(pairs)) for _ in range(RESAMPLES)]
    print(f"{len(pairs)} matches, {args.since} to {args.until}, {len(args.results)} leagues; penaltyblog {pb.__version__}")
    for at, name in enumerate(("log loss", "RPS")):
        mean = lambda sample, whose: sum(pair[whose][at] for pair in sample) / len(sample)  # noqa: E731
        gaps = sorted(mean(sample, 0) - mean(sample, 1) for sample in resamples)
        low, high = gaps[RESAMPLES // 40], gaps[-RESAMPLES // 40]
        us, them = mean(pairs, 0), mean(pairs, 1)
        print(f"{name:8}  laybook {us:.5f}  penaltyblog {them:.5f}  gap {us - them:+.5f} [{low:+.5f}, {high:+.5f}]")


if __name__ == "__main__":
    main()
