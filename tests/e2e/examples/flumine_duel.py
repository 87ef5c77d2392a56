"""Two flumine strategies of two customers that trade with each other, and a blotter that must be right.

    python flumine_duel.py --http http://127.0.0.1:8080 --stream 127.0.0.1:8443 --market 1.100000001 \\
        --maker maker:password:key --taker taker:password:key --orders 500

The maker quotes, moves, cuts and takes back lays around two prices; the taker backs against them. When so
many orders were placed everything that rests is cancelled, and what each strategy believes about its orders
is held against what the exchange lists: the same bets, and the same amounts of each.

Printed at the end, as one line of JSON: how many orders, how many of them matched, what was different
(nothing), and how many errors were logged. With `--until-closed` it says `traded`, goes on until the market
is settled, and also prints each customer's profit: by the fills, by the cleared orders that flumine found for
its own, and by the exchange's list of them.
"""

import argparse
import json
import logging
import time
from collections import Counter

import betfairlightweight
from betfairlightweight import filters
from flumine import BaseStrategy, Flumine, clients
from flumine.events.events import TerminationEvent
from flumine.order.order import OrderStatus
from flumine.order.ordertype import LimitOrder
from flumine.order.trade import Trade
from flumine.streams.betfairmarketstream import BetfairMarketStream
from flumine.worker import BackgroundWorker, poll_market_closure

import laybook_target

PRICES = [2.0, 2.02, 2.04, 2.06]


class Errors(logging.Handler):
    """Counts what flumine logs, by level, and keeps what was said."""

    def __init__(self):
        super().__init__(level=logging.ERROR)
        self.said = []

    def emit(self, record):
        extra = {key: str(record.__dict__[key]) for key in ("error_code", "response") if key in record.__dict__}
        self.said.append((record.levelname, record.getMessage(), extra, str(record.exc_info and record.exc_info[1])))


class Duelist(BaseStrategy):
    """Places `quota` orders on the first runner, whenever the market or an order of its own moves."""

    def __init__(self, username, quota, **more):
        super().__init__(
            max_selection_exposure=1e6, max_order_exposure=1e6, max_live_trade_count=10_000, **more
        )
        self.username = username
        self.quota = quota
        self.placed = 0
        self.did = Counter()

    def check_market_book(self, market, market_book):
        return market_book.status == "OPEN"

    def process_market_book(self, market, market_book):
        self.move(market)

    def process_orders(self, market, orders):
        if market.market_book and market.market_book.status == "OPEN":
            self.move(market)

    def own(self, market):
        return [order for order in market.blotter.strategy_orders(self)]

    def place(self, market, side, price, size, persistence="LAPSE"):
        runner = market.market_book.runners[0]
        trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
        order = trade.create_order(
            side=side, order_type=LimitOrder(price=price, size=size, persistence_type=persistence)
        )
        client = next(it for it in self.clients if it.username == self.username)
        if market.place_order(order, client=client):
            self.placed += 1
            self.did["place"] += 1


class Maker(Duelist):
    """Lays, and never leaves a quote alone for long."""

    def move(self, market):
        resting = [order for order in self.own(market) if order.status == OrderStatus.EXECUTABLE]
        pending = [order for order in self.own(market) if order.status == OrderStatus.PENDING]
        for turn, order in enumerate(resting[:4], self.did["turn"]):
            self.did["turn"] += 1
            if turn % 7 == 0 and order.size_remaining > 1:
                self.did["cancel"] += market.cancel_order(order)
            elif turn % 7 == 3 and self.context["replaces"]:
                price = PRICES[turn % len(PRICES)]
                if price != order.order_type.price:
                    self.did["replace"] += market.replace_order(order, price)
            elif turn % 7 == 5 and order.order_type.persistence_type == "LAPSE":
                self.did["update"] += market.update_order(order, "PERSIST")
            elif turn % 7 == 6 and order.size_remaining > 3:
                self.did["reduce"] += market.cancel_order(order, 1.0)
        while self.placed < self.quota and len(resting) + len(pending) < 6:
            self.place(market, "LAY", PRICES[self.placed % len(PRICES)], 2 + self.placed % 4)
            pending.append(None)


class Taker(Duelist):
    """Backs whatever there is to back, a little at a time, and asks for more where there is nothing."""

    def move(self, market):
        pending = [order for order in self.own(market) if order.status == OrderStatus.PENDING]
        best = market.market_book.runners[0].ex.available_to_back
        price = best[0]["price"] if best else PRICES[-1]
        if not pending and self.placed < self.quota:
            self.place(market, "BACK", price, 1 + self.placed % 3)


def referee(context, framework):
    """Ends the duel: cancels what rests once both have placed their orders, and stops when nothing moves."""
    duelists, market_id = context["duelists"], context["market"]
    market = framework.markets.markets.get(market_id)
    if time.monotonic() > context["end"]:
        context["late"] = True
        return stop(framework)
    if market is None or any(duelist.placed < duelist.quota for duelist in duelists):
        return
    for client in framework.clients:
        if not context.setdefault(client.username, False):
            client.betting_client.betting.cancel_orders(market_id=market_id)
            context[client.username] = True
    if any(not order.complete for order in market.blotter):
        return
    if context["until_closed"]:
        if not context.setdefault("told", False):
            context["told"] = True
            print("traded", flush=True)
        names = {client.username for client in framework.clients}
        if not (names <= set(market.orders_cleared) and names <= set(market.market_cleared)):
            return
    stop(framework)


def stop(framework):
    framework.handler_queue.put(TerminationEvent(None))


def listed(api, market_id):
    """The exchange's own list of a customer's orders, by bet id."""
    orders, more = {}, True
    while more:
        page = api.betting.list_current_orders(market_ids=[market_id], from_record=len(orders))
        orders.update((order.bet_id, order) for order in page.orders)
        more = page.more_available
    return orders


def differences(market, strategy, theirs):
    """What a strategy believes of its bets and the exchange does not list so."""
    found = []
    mine = {order.bet_id: order for order in market.blotter.strategy_orders(strategy)}
    for bet in sorted(mine.keys() ^ theirs.keys(), key=str):
        found.append(f"{bet}: only {'mine' if bet in mine else 'theirs'}")
    for bet in mine.keys() & theirs.keys():
        for name in ("size_matched", "size_remaining", "size_cancelled", "size_lapsed"):
            one, other = getattr(mine[bet], name), getattr(theirs[bet], name)
            if abs(one - other) > 0.005:
                found.append(f"{bet}: {name} {one} mine, {other} theirs")
    return found


def profit(order):
    """What an order came to, by its own fills and how its runner ended."""
    won = order.runner_status == "WINNER"
    back = order.size_matched * (order.average_price_matched - 1 if won else -1)
    return back if order.side == "BACK" else -back


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--http", default="http://127.0.0.1:8080")
    parser.add_argument("--stream", default="127.0.0.1:8443")
    parser.add_argument("--market", required=True)
    parser.add_argument("--maker", required=True, help="username:password:key")
    parser.add_argument("--taker", required=True, help="username:password:key")
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--until-closed", action="store_true")
    parser.add_argument("--patience", type=float, default=150.0, help="seconds")
    args = parser.parse_args()

    locale = laybook_target.at(args.http, args.stream)
    errors = Errors()
    logging.getLogger().addHandler(errors)
    players = []
    for who in (args.maker, args.taker):
        username, password, key = who.split(":")
        api = betfairlightweight.APIClient(username, password, app_key=key, locale=locale)
        players.append(clients.BetfairClient(api, interactive_login=True, username=username))
    framework = Flumine(players[0])
    framework.add_client(players[1])
    duelists = [
        kind(
            player.username,
            args.orders // 2,
            stream=BetfairMarketStream(
                market_filter=filters.streaming_market_filter(market_ids=[args.market])
            ),
            name=kind.__name__.lower(),
            # flumine finds one cleared order by a reference, and a replaced order shares its with the new one.
            context={"replaces": not args.until_closed},
        )
        for kind, player in zip((Maker, Taker), players)
    ]
    for duelist in duelists:
        framework.add_strategy(duelist)
    context = {
        "duelists": duelists,
        "market": args.market,
        "until_closed": args.until_closed,
        "end": time.monotonic() + args.patience,
    }
    framework.add_worker(BackgroundWorker(framework, referee, interval=0.5, context=context))
    if args.until_closed:
        # flumine's own looks once a minute.
        framework.add_worker(
            BackgroundWorker(framework, poll_market_closure, interval=1, name="closure_at_once")
        )
    framework.run()

    market = framework.markets.markets[args.market]
    different, profits = [], {}
    for duelist, player in zip(duelists, players):
        api = player.betting_client
        api.login_interactive()
        if args.until_closed:
            cleared = api.betting.list_cleared_orders(market_ids=[args.market]).orders
            profits[duelist.name] = [
                round(sum(map(profit, market.blotter.strategy_orders(duelist))), 2),
                round(sum(it.profit for it in market.blotter.strategy_orders(duelist)), 2),
                round(sum(order.profit for order in cleared), 2),
            ]
        else:
            different += differences(market, duelist, listed(api, args.market))
        api.logout()
    print(
        json.dumps(
            {
                "orders": len(market.blotter),
                "matched": sum(1 for order in market.blotter if order.size_matched),
                "did": {duelist.name: dict(duelist.did) for duelist in duelists},
                "different": different,
                "profits": profits,
                "late": context.get("late", False),
                "said": errors.said,
            }
        )
    )


if __name__ == "__main__":
    main()
