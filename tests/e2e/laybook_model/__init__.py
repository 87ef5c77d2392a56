"""A football model of your own for Laybook.

The node runs your program (`[[models]]` in its configuration) and speaks to it over standard input and output:
four bytes of length, big end first, then a MessagePack map with its fields by name. README has the table of
messages. Here that is `run`, and you write a `Model`:

    from laybook_model import Model, goals, run

    class Mine(Model):
        name = "mine"

        def price(self, match, state):
            return goals(1.5, 1.2)

    run(Mine())

What your program prints goes to its standard error, and so to the node's log. An exception in `price` makes the
node price that match itself; so does an answer that is too late or makes no sense.
"""

import os
import struct
import sys
import traceback

import msgpack

__all__ = ["Cannot", "Model", "goals", "grid", "prices", "run"]

PROTOCOL = 1
HEAD = struct.Struct(">I")


class Cannot(Exception):
    """Raised by `price` for a match that the model does not price; its text goes to the node's log."""


class Model:
    """What you write. Only `price` must be there."""

    name = "model"
    # Names of the competitions that it prices; None prices any that it is asked of.
    competitions = None

    def fit(self, competition, results):
        """All results of a competition, oldest first: `day` (since 1970), `home`, `away`, `home_goals`,
        `away_goals`, `shots` ([home, away] on target, or None), `neutral`."""

    def price(self, match, state):
        """`goals`, `grid` or `prices` of a match in its present state; raises `Cannot` if it has none."""
        raise Cannot("price is not written")

    def event(self, match, state):
        """Something happened in a match, by its id. For models that keep account of matches."""


def goals(home, away, rho=0.0):
    """Goals expected of the whole match, 0.05 to 7 each, and Dixon and Coles' factor, -0.2 to 0.1. The node makes
    every market of it, and lets it run down with the clock."""
    return {"lambda": float(home), "mu": float(away), "rho": float(rho)}


def grid(rows):
    """`rows[h][a]`: the probability that the match ends h-a; 1 in all, nothing at scores that are past."""
    return {"grid": [[float(p) for p in row] for row in rows]}


def prices(markets):
    """`(code, line, odds)` of some markets: fair decimal odds in the order of the book; line is None without one."""
    told = [{"code": code, "line": line, "odds": [float(one) for one in odds]} for code, line, odds in markets]
    return {"prices": told}


def run(model):
    """Serves the node until it goes away."""
    asked = sys.stdin.buffer
    # Whatever prints from here on prints to the log: the answers' way is ours alone.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while (message := _hear(asked)) is not None:
        answer = _answer(model, message)
        if answer is not None:
            body = msgpack.packb(answer)
            answers.write(HEAD.pack(len(body)) + body)
            answers.flush()


def _hear(asked):
    head = asked.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    return msgpack.unpackb(asked.read(length))


def _answer(model, message):
    kind, known = message["type"], {"id": message.get("id")}
    try:
        if kind == "hello":
            hello = {"type": "hello", "protocol": PROTOCOL, "name": model.name}
            return hello if model.competitions is None else hello | {"competitions": model.competitions}
        if kind == "fit":
            model.fit(message["competition"], message["results"])
            return known | {"type": "fitted"}
        if kind == "price":
            return known | {"type": "price"} | model.price(message["match"], message["state"])
        if kind == "event":
            model.event(message["match"], message["state"])
        if kind == "error":
            print(f"the node refuses answer {known['id']}: {message['field']} {message['message']}")
    except Cannot as error:
        return known | {"type": "error", "message": str(error)}
    except Exception as error:
        traceback.print_exc()
        if kind in ("fit", "price"):
            return known | {"type": "error", "message": repr(error)}
    return None
