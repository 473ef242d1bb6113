"""An edge server: chooses an item, builds a module on data of its own, and keeps its own book. It answers parcels.

Everything that it does is kept in its folder under the order that it is for, so that an order which comes again, because
somebody was killed in between, is answered with what was built, and a module that was begun is gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewise.common import packed
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import make_folder, replace_file
from edgewise.common.plain import from_plain
from edgewise.construction.arrival import take_agent
from edgewise.construction.artefact import Manifest
from edgewise.construction.building import carry_out, place_of
from edgewise.construction.edge_book import EdgeBook
from edgewise.construction.edge_config import load_edge_config
from edgewise.construction.keys import Key, load_key, make_key
from edgewise.construction.kind import Weights
from edgewise.construction.menu import UNIT, Costs, Item, Menu, choose_first, choose_second, read_menu
from edgewise.construction.misbehaviour import twisted_choice, twisted_module
from edgewise.construction.order import Order
from edgewise.construction.parcels import Action, Parcel, canonical, digest

KEY_FILE = "key.pem"
CHOICE = b"edgewise choice 2\n"
"""Begins everything that is signed as a choice."""


def choice_text(said: dict[str, Any], menu: object) -> bytes:
    """What is signed as a choice: the item, and the menu from which it was taken, with the terms of its settlement.

    Args:
        said: construction, period and item.
        menu: plain values.
    """
    return CHOICE + canonical({**said, "menu": digest(canonical(menu))})


class EdgeServer:
    """An edge server in a folder, which holds its settings and its key.

    Args:
        folder: of the server; its key is made if there is none.

    Raises:
        EdgewiseError: if settings or key cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = load_edge_config(folder)
        path = folder / KEY_FILE
        self.key: Key = load_key(path) if path.exists() else make_key(path)
        self.book = EdgeBook(folder)

    def answer(self, action: Action, parcel: Parcel) -> Parcel:
        """Do what is asked for.

        Raises:
            ConfigurationError: if the parcel is not what it must be.
        """
        steps: dict[Action, Callable[[Parcel], Parcel]] = {
            "offer": self.choose,
            "build": self.build,
            "settle": self.settle,
        }
        return steps[action](parcel)

    def costs(self, menu: Menu) -> Costs:
        """Its own c and E."""
        config, costs = self.config, menu.costs
        return Costs(
            costs.round if config.round_cost is None else config.round_cost,
            costs.fixed if config.fixed_cost is None else config.fixed_cost,
        )

    def choose(self, parcel: Parcel) -> Parcel:
        """Stages I and IV: the item that is best for it, signed; the first choice of a period stands."""
        facts = parcel.facts
        construction, period, menu = facts["construction"], facts["period"], read_menu(facts["menu"])
        row = self.book.row(construction, period)
        if row is None:
            theta = self.config.willingness[period - 1]
            before = None if period == 1 else self.book.row(construction, 1)
            branch = None if before is None else before["item"]
            chosen = self._choice(menu, period, branch, theta)
            item = Item(0, 0) if chosen is None else menu.items(period, branch)[chosen]
            terms = {"rounds_promised": item.rounds, "reward_promised": item.reward}
            self.book.write(construction, period, theta=theta, item=chosen, **terms)
            row = self.book.row(construction, period)
            assert row is not None
            replace_file(self.folder / f"menu-{digest(construction.encode())[:16]}.json", canonical(facts["menu"]))
        said = {"construction": construction, "period": period, "item": row["item"]}
        signature = self.key.sign(choice_text(said, facts["menu"]))
        return Parcel({**said, "edge": self.key.public, "name": self.config.name, "signature": signature})

    def _choice(self, menu: Menu, period: int, branch: int | None, theta: float) -> int | None:
        costs = self.costs(menu)
        best = choose_first(menu, theta, costs) if period == 1 else choose_second(menu, branch, theta, costs)
        return twisted_choice(self.config.behaviour, best, len(menu.items(period, branch)))

    def build(self, parcel: Parcel) -> Parcel:
        """Stage II: rounds of training on its own data, kept round by round; the module, signed."""
        order = from_plain(Order, parcel.facts["order"])
        if order.edge != self.key.public:
            raise ConfigurationError("edge", order.edge[:64], f"{self.key.public}, this server's key")
        place = place_of(self.folder, order)
        make_folder(place)
        ready = place / "module"
        if not ready.exists():
            initial, _ = packed.unpack(parcel.payload)
            if digest(parcel.payload) != order.initial:
                raise EdgewiseError(f"order {order.name[:16]}: the initial weights are not those of the order")

            def build(rounds: int) -> tuple[Manifest, Weights]:
                return carry_out(self.config, order, initial, self.folder, rounds)

            content, built, seconds = twisted_module(self.config.behaviour, order, initial, self.key, build)
            self._note(order, content, built, seconds)
            replace_file(ready, content)
        return Parcel({"order": order.name}, ready.read_bytes())

    def _note(self, order: Order, content: bytes, built: int, seconds: float) -> None:
        energy = seconds * self.config.watts
        values = {"rounds_built": built, "cpu_seconds": seconds, "energy_measured": energy, "digest": digest(content)}
        self.book.write(order.construction, order.period, **values)

    def settle(self, parcel: Parcel) -> Parcel:
        """Stages III and V: verdict and payment into its own book, the agent into its folder; its choice of the next period."""
        facts = parcel.facts
        construction, period = facts["construction"], facts["period"]
        row = self.book.row(construction, period)
        if row is not None:
            self.book.write(
                construction, period, verdict=facts["verdict"], paid=facts["paid"], **self._earned(facts, row)
            )
        if parcel.payload:
            take_agent(self.folder, parcel.payload, facts["cloud"])
        told = {"construction": construction, "period": period, "edge": self.key.public}
        if "menu" not in facts:
            return Parcel(told)
        return self.choose(Parcel({**told, "period": period + 1, "menu": facts["menu"]}))

    def _earned(self, facts: dict[str, Any], row: dict[str, Any]) -> dict[str, float]:
        """Its utility by (6) with what was paid and built in truth, and with the energy that was measured."""
        path = self.folder / f"menu-{digest(facts['construction'].encode())[:16]}.json"
        costs = self.costs(read_menu(json.loads(path.read_bytes())))
        built, delivered = row["rounds_built"] or 0, row["digest"] is not None
        spent = costs.fixed + costs.round * built if delivered else 0.0
        gained = row["theta"] * facts["paid"] / UNIT
        measured = facts["unit_cost"] * (row["energy_measured"] or 0.0)
        return {"utility": gained - spent, "utility_measured": gained - measured}
