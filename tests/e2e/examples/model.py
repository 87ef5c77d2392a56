"""A model of one's own: goals scored and conceded of late, pulled towards the league's average.

    pip install msgpack
    PYTHONPATH=tests/e2e python3 tests/e2e/examples/model.py    (as the command of a [[models]] table)
"""

from collections import defaultdict

from laybook_model import Cannot, Model, goals, run

HALF_LIFE_DAYS = 240
PULL = 6  # matches that every team is taken to have played as an average one


class Averages(Model):
    name = "averages"
    leagues = {}

    def fit(self, competition, results):
        scored, conceded, played = (defaultdict(float) for _ in range(3))
        for one in results:
            weight = 0.5 ** ((results[-1]["day"] - one["day"]) / HALF_LIFE_DAYS)
            for team, own, other in [("home", "home_goals", "away_goals"), ("away", "away_goals", "home_goals")]:
                scored[one[team]] += weight * one[own]
                conceded[one[team]] += weight * one[other]
                played[one[team]] += weight
                scored[team] += weight * one[own]  # by all who were at home, or away
                played[team] += weight
        self.leagues[competition] = scored, conceded, played

    def price(self, match, state):
        if match["competition"] not in self.leagues:
            raise Cannot("nothing learned of this competition yet")
        scored, conceded, played = self.leagues[match["competition"]]
        home, away = scored["home"] / played["home"], scored["away"] / played["away"]
        usual = (home + away) / 2
        part = lambda of, team: (of[team] + PULL * usual) / (played[team] + PULL) / usual
        return goals(home * part(scored, match["home"]) * part(conceded, match["away"]),
                     away * part(scored, match["away"]) * part(conceded, match["home"]), -0.05)


run(Averages())
