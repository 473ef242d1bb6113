"""The cloud server: stages I to V of a construction, each step written into the books before the next one depends on it.

Whoever is killed, a cloud server that is begun again goes on where the books end. What was ordered is named by its content, so
nothing that was built is built again, and nothing is paid twice.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import make_folder, replace_file
from edgewise.common.plain import from_plain
from edgewise.construction.agent import write_agent
from edgewise.construction.arrival import bundle
from edgewise.construction.books import ACCEPTED, Books, Choice, Delivery, Edge, Judged, Rates, micro
from edgewise.construction.building import initial_weights
from edgewise.construction.contract import energy, quality
from edgewise.construction.edge import KEY_FILE
from edgewise.construction.judging import Delivered, agent_path, judge, logged
from edgewise.construction.keys import Key, load_key, make_key
from edgewise.construction.menu import Item, Menu
from edgewise.construction.order import Order
from edgewise.construction.origin import Begin
from edgewise.construction.parcels import Parcel, Transport, digest
from edgewise.construction.post import Post, signer
from edgewise.construction.terms import PERIODS, Terms, curves_of
from edgewise.systems.dynamic_contract.network import dbm_to_watt

APART = 100_000
"""Between the initial weights of constructions whose seeds follow each other: more than any has orders."""
DECLINED, IDLE, DEAD, LATE = "declined", "idle", "dead", "late"
"""Verdicts of who delivers nothing: has taken no item, has nothing to build by its item, is gone, is there but not ready."""


class Cloud:
    """A cloud server in a folder.

    Args:
        folder: of the books and of what is uploaded.
        name: of the construction, which the books hold already.
        transport: how edge servers are reached.
        allowed: public keys that may take part; None for all.
    """

    def __init__(self, folder: Path, name: str, transport: Transport, allowed: Collection[str] | None = None) -> None:
        self.folder, self.name = folder, name
        self.books = Books(folder)
        plain, self.menu = self.books.terms(name)
        self.terms: Terms = from_plain(Terms, plain)
        hello = Parcel({"construction": name, "period": 1, "menu": self.menu.plain()})
        self.post = Post(transport, hello, allowed)
        path = folder / KEY_FILE
        self.key: Key = load_key(path) if path.exists() else make_key(path)
        self.curves = curves_of(self.terms)
        self.initial = {kind: initial_weights(kind, self.terms.seed) for kind in self.terms.kinds}
        self._digests = dict[tuple[str, int], str]()

    def run(self) -> None:
        """Carry the construction out, or the rest of it.

        Raises:
            EdgewiseError: if no server takes part.
        """
        edges = self._gather()
        for period in PERIODS:
            if period > len(self.books.periods(self.name)):
                self._build(period, edges)
                self._close(period, edges)
            self._tell(period)
        self.books.check(self.name)

    def _gather(self) -> list[Edge]:
        """Stage I: who is there, and what each has chosen for period 1."""
        edges = self.books.edges(self.name)
        if not edges:
            self.post.meet(self.terms.instance.servers, self.terms.gather_s)
            there = sorted(self.post.known, key=lambda edge: (self.post.names[edge], edge))
            if not there:
                raise EdgewiseError(f"no edge server has connected within {self.terms.gather_s:g} s")
            kinds = self.terms.kinds
            found = [
                Edge(edge, self.post.names[edge], kinds[place % len(kinds)])
                for place, edge in enumerate(there[: self.terms.instance.servers])
            ]
            choices = {each.edge: self._choice(1, None, each.kind, self.post.choices[each.edge]) for each in found}
            edges = self.books.enrol(self.name, found, choices)
        return edges

    def _choice(self, period: int, branch: int | None, kind: str, item: int | None) -> Choice:
        """A choice with what the models say of it; an item that there is not counts as none."""
        items = self.menu.items(period, branch)
        return Choice(None) if item is None or not 0 <= item < len(items) else self._modelled(item, items[item], kind)

    def _modelled(self, place: int, item: Item, kind: str) -> Choice:
        instance = self.terms.instance
        if not item.rounds:
            return Choice(place)
        paper, curve = micro(quality(instance, item.rounds)), self.curves.get(kind)
        fitted = None if curve is None else micro(curve.modelled(item.rounds))
        gauge, joules = self.menu.gauge(kind, item.rounds), micro(energy(instance, item.rounds))
        choice = Choice(place, item.rounds, item.reward, paper, fitted, joules)
        return choice if gauge is None else replace(choice, quality_honest=gauge.quality, slope=gauge.slope)

    def _build(self, period: int, edges: list[Edge]) -> None:
        """Stage II: orders to who has something to build, and what they deliver."""
        kinds = {edge.edge: edge.kind for edge in edges}
        rows = {row["edge"]: row for row in self.books.rows(self.name, period)}
        open_ = [edge for edge, row in rows.items() if row["rounds_promised"] and row["digest"] is None]

        def parcel(edge: str) -> Parcel:
            order = self.order(period, edge, kinds[edge], rows[edge]["rounds_promised"])
            return Parcel({"order": vars(order)}, initial_weights(kinds[edge], self._begin(period, edge)))

        for edge, answer in self.post.collect("build", open_, parcel, self.terms.patience_s):
            self._take(period, edge, parcel(edge), answer)

    def order(self, period: int, edge: str, kind: str, rounds: int) -> Order:
        """What a server is asked to build."""
        seed = 1000 * self.terms.seed + period
        began = kind, self._begin(period, edge)
        if began not in self._digests:
            self._digests[began] = digest(initial_weights(*began))
        return Order(self.name, period, edge, kind, rounds, seed, self._digests[began])

    def _begin(self, period: int, edge: str) -> int:
        """Seed of the initial weights of a server's order."""
        if not self.terms.apart:
            return self.terms.seed
        place = [each.edge for each in self.books.edges(self.name)].index(edge)
        return APART * (self.terms.seed + 1) + len(PERIODS) * place + period

    def _take(self, period: int, edge: str, sent: Parcel, answer: Parcel) -> None:
        content = answer.payload
        name = digest(content)
        make_folder(self.folder / "uploads")
        replace_file(self.folder / "uploads" / name, content)
        rounds, seconds = logged(content)
        instance = self.terms.instance
        upload = dbm_to_watt(instance.power_dbm) * 8 * answer.size / (instance.rate_mbps * 1e6)
        measured = None if seconds is None else micro(seconds * self.terms.watts + upload)
        self.books.receive(self.name, period, edge, Delivery(name, rounds, measured, answer.size, sent.size))

    def _close(self, period: int, edges: list[Edge]) -> None:
        """Stages III and V: verdicts, the agent, payments."""
        judged = dict[str, Judged]()
        for row in self.books.rows(self.name, period):
            if row["item"] is None:
                judged[row["edge"]] = Judged(DECLINED)
            elif not row["rounds_promised"]:
                judged[row["edge"]] = Judged(IDLE)
            elif row["digest"] is None:
                judged[row["edge"]] = self._absent(row["edge"])
        by_key = {edge.edge: edge for edge in edges}
        delivered = self._delivered(period, by_key)
        earlier = [each for before in PERIODS[: period - 1] for each in self._delivered(before, by_key, ACCEPTED)]
        begun = [each for before in PERIODS[:period] for each in self._begun(before)] if self.terms.apart else []
        found = judge(self.terms, f"{self.name}-{period}", delivered, earlier, self.initial, self.key, begun)
        if found.agent is not None:
            write_agent(agent_path(self.folder, self.name, period), found.agent)
        instance = self.terms.instance
        rates = Rates(micro(instance.alpha), micro(instance.unit_cost * instance.integration_energy))
        self.books.settle(self.name, period, rates, judged | found.judged, found.integrated)

    def _delivered(self, period: int, edges: dict[str, Edge], verdict: str | None = None) -> list[Delivered]:
        """What has come in a period, in the order in which it came; all of it, or what has got a verdict."""
        rows = [row for row in self.books.rows(self.name, period) if row["digest"] is not None]
        return [
            Delivered(
                edges[row["edge"]],
                self.order(period, row["edge"], row["kind"], row["rounds_promised"]),
                (self.folder / "uploads" / row["digest"]).read_bytes(),
                self._begin(period, row["edge"]),
            )
            for row in sorted(rows, key=lambda row: row["received"])
            if verdict is None or row["verdict"] == verdict
        ]

    def _begun(self, period: int) -> list[Begin]:
        """Initial weights of the orders of a period."""
        return [
            Begin(
                row["edge"],
                self.order(period, row["edge"], row["kind"], row["rounds_promised"]).name,
                row["kind"],
                self._begin(period, row["edge"]),
            )
            for row in self.books.rows(self.name, period)
            if row["rounds_promised"]
        ]

    def _absent(self, edge: str) -> Judged:
        node = self.post.known.get(edge)
        if node is None or node in self.post.errors:
            return Judged(DEAD, self.post.errors.get(node or 0, "is not connected")[:500])
        return Judged(LATE, f"nothing came within {self.terms.patience_s:g} s")

    def _tell(self, period: int) -> None:
        """The verdict to each server, with the agent; who takes part chooses for the next period."""
        rows = {row["edge"]: row for row in self.books.rows(self.name, period)}
        untold = [edge for edge, row in rows.items() if not row["told"]]
        place = agent_path(self.folder, self.name, period)
        agent = bundle(place) if place.exists() else b""
        following = period + 1 if period < len(PERIODS) else None

        def parcel(edge: str) -> Parcel:
            facts: dict[str, Any] = {
                "construction": self.name,
                "period": period,
                "verdict": rows[edge]["verdict"],
                "paid": rows[edge]["paid"],
                "unit_cost": self.terms.instance.unit_cost,
            }
            if following:
                facts["menu"] = self.menu.plain()
            return Parcel({**facts, "cloud": self.key.public}, agent)

        def chosen(edge: str, item: int | None) -> None:
            first = self.books.row(self.name, 1, edge)
            branch = None if first is None else first["item"]
            choice = self._choice(period + 1, branch, rows[edge]["kind"], item)
            self.books.choose(self.name, period + 1, edge, choice)

        for edge, answer in self.post.collect("settle", untold, parcel, self.terms.patience_s):
            if following and signer(answer, self.name, following, self.menu.plain()) == edge:
                chosen(edge, answer.facts["item"])
            self.books.tell(self.name, period, edge)
        for edge in rows if following else ():  # who has not answered takes nothing
            chosen(edge, None)


def read_terms(books: Books, name: str) -> tuple[Terms, Menu]:
    """Terms and menu of a construction.

    Raises:
        EdgewiseError: if there is none of that name.
    """
    plain, menu = books.terms(name)
    return from_plain(Terms, plain), menu
