"""Penaltyblog 1.13.1 beside `laybook bench pricing`, in one interleaved run.

    pip install penaltyblog==1.13.1
    python tests/e2e/bench_penaltyblog.py target/release/laybook [rounds]

Both are given the same seasons of Laybook's generator. Each round runs Laybook's benchmark once and then
penaltyblog's counterpart of every figure, on one thread (OMP_NUM_THREADS=1); medians and spread over the rounds
are printed with the ratio. A book is 317 selections there and the 241 values that penaltyblog knows here.
"""

import csv
import io
import json
import os
import statistics
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import penaltyblog as pb  # noqa: E402


def results(program, seasons):
    text = subprocess.run(
        [program, "bench", "pricing", "--results-csv", str(seasons)],
        check=True, capture_output=True, text=True,
    ).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = [[int(row[name]) for row in rows] for name in ("home_goals", "away_goals")]
    return columns + [[row[name] for row in rows] for name in ("home", "away")]


def timed(task, least=1):
    """Microseconds of processor time a call, for at least 0.2 s."""
    began, calls = time.process_time(), 0
    while calls < least or time.process_time() - began < 0.2:
        task()
        calls += 1
    return (time.process_time() - began) * 1e6 / calls


def book(grid):
    """The 241 values that penaltyblog derives from a grid."""
    values = [grid.home_win, grid.draw, grid.away_win, grid.btts_yes, grid.btts_no]
    quarter = [0.5 + step / 4 for step in range(34)]
    for line in quarter:
        values.append(grid.totals(line))
    for step in range(-12, 13):
        values.append(grid.asian_handicap_probs("home", step / 4))
    for home in range(6):
        for away in range(6):
            values.append(grid.exact_score(home, away))
    return values


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    one, ten = results(program, 1), results(program, 10)

    def fit(model, data):
        return lambda: model(*data).fit()

    dixon_coles = pb.models.DixonColesGoalModel
    fitted = dixon_coles(*one)
    fitted.fit()
    home, away = one[2][0], one[3][0]
    grid = fitted.predict(home, away, max_goals=16)
    odds = [grid.home_win, grid.draw, grid.away_win]
    tasks = {
        "book": lambda: book(fitted.predict(home, away, max_goals=16)),
        "odds to goal expectancies": lambda: pb.models.goal_expectancy(*odds),
        "Poisson fit, 1 season": fit(pb.models.PoissonGoalsModel, one),
        "Poisson fit, 10 seasons": fit(pb.models.PoissonGoalsModel, ten),
        "Dixon-Coles fit, 1 season": fit(dixon_coles, one),
        "Dixon-Coles fit, 10 seasons": fit(dixon_coles, ten),
    }
    ours, theirs = {name: [] for name in tasks}, {name: [] for name in tasks}
    for _ in range(rounds):
        report = json.loads(subprocess.run(
            [program, "bench", "pricing", "--rounds", "1", "--json"],
            check=True, capture_output=True, text=True,
        ).stdout)
        rows = {row["what"]: row["median us"] for row in report["tables"][0]["rows"]}
        for name, task in tasks.items():
            ours[name].append(rows[name])
            theirs[name].append(timed(task))
    print(f"penaltyblog {pb.__version__}, {rounds} rounds, us a call: median (least - most)")
    for name in tasks:
        def shown(values):
            return f"{statistics.median(values):12.2f} ({min(values):.2f} - {max(values):.2f})"
        ratio = statistics.median(theirs[name]) / statistics.median(ours[name])
        print(f"{name:30} laybook {shown(ours[name])}  penaltyblog {shown(theirs[name])}  {ratio:8.0f}x")


if __name__ == "__main__":
    main()
