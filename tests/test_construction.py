"""Constructions in one process: what stands in the books, whoever is interrupted, and whatever a server tries."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewise.cli.main import main
from edgewise.common.errors import EdgewiseError
from edgewise.common.plain import to_plain
from edgewise.construction.agent import Agent
from edgewise.construction.arrival import agents, current_agent
from edgewise.construction.books import Books
from edgewise.construction.cloud import Cloud
from edgewise.construction.commands import cloud as command
from edgewise.construction.contract import energy, price, quality
from edgewise.construction.curve import Curve, measure
from edgewise.construction.demo import write_edge
from edgewise.construction.edge import EdgeServer
from edgewise.construction.edge_config import EdgeConfig, data_of
from edgewise.construction.kind import MODULES, register_module
from edgewise.construction.menu import Menu
from edgewise.construction.parcels import Action, Nearby, Parcel, canonical
from edgewise.construction.terms import TYPICAL, Terms
from edgewise.systems.dynamic_contract.files import load_instance
from toy_module import TOY


@pytest.fixture(scope="module", autouse=True)
def _toy() -> Iterator[None]:
    """A kind of module that is quick to build, for this file alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULES, "_registered", {**MODULES._registered})
        register_module("toy", TOY)
        yield


NAME = "city"
MENU = price(dataclasses.replace(TYPICAL, servers=3), ((27, 45), ((24, 45), (35, 45))), "always")
TYPES = ((17.5, 22.5), (22.5, 17.5), (22.5, 22.5))
APPS = (("mail", "maps", "shop"), ("post",), ("bus", "taxi"), ("bank",))

TIMELY = {"received", "energy_measured", "bytes_up", "bytes_down", "digest", "told"}
"""Columns that depend on the time that things have taken."""


@cache
def curve() -> Curve:
    """Qualities of the toy after rounds of honest work."""
    return measure("toy", [(apps, "en") for apps in APPS], rounds=(0, 20, 30, 40, 50), examples=200, hidden=200)


def build(
    folder: Path,
    behaviours: Mapping[str, str] | None = None,
    types: Sequence[tuple[float, float]] = TYPES,
    menu: Menu = MENU,
    patience: float = 5.0,
) -> dict[str, EdgeServer]:
    """Folders of a cloud server and of edge servers; the edge servers by name."""
    instance = dataclasses.replace(TYPICAL, servers=len(types))
    terms = Terms(("toy",), instance, examples=200, tasks=4, curves=(curve(),), patience_s=patience, gather_s=1.0)
    (folder / "cloud").mkdir(parents=True, exist_ok=True)
    books = Books(folder / "cloud")
    books.begin(NAME, to_plain(terms), menu)
    books.close()
    servers = {}
    for number, willingness in enumerate(types):
        name = f"es{number}"
        behaviour = (behaviours or {}).get(name, "honest")
        write_edge(folder / name, EdgeConfig(name, willingness, examples=200, seed=number, behaviour=behaviour))
        servers[name] = EdgeServer(folder / name)
    return servers


def near(servers: Mapping[str, EdgeServer]) -> Nearby:
    return Nearby({address: server.answer for address, server in enumerate(servers.values())})


def carry_out(folder: Path, servers: Mapping[str, EdgeServer], transport: Nearby | None = None) -> list[dict[str, Any]]:
    Cloud(folder / "cloud", NAME, transport or near(servers)).run()
    return kept(folder)


def kept(folder: Path) -> list[dict[str, Any]]:
    """The rows of the books but for what depends on time and keys, which are drawn."""
    rows = Books(folder / "cloud").rows(NAME)
    return [{name: value for name, value in row.items() if name not in TIMELY | {"edge"}} for row in rows]


@pytest.fixture(scope="module", autouse=True)
def at_once() -> Iterator[None]:
    """Answers in the same process need no waiting for, and nobody is killed who needs a log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgewise.construction.post.POLL_S", 0.01)
        patch.setattr("edgewise.construction.post.PAUSE_S", 0.0)
        patch.setattr("edgewise.construction.tables.SETTINGS", ("journal_mode=MEMORY", "synchronous=OFF"))
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return carry_out(folder, build(folder))


def test_every_server_takes_its_item_builds_its_rounds_and_is_paid(undisturbed: list[dict[str, Any]]) -> None:
    assert [(row["period"], row["name"], row["item"]) for row in undisturbed] == [
        (1, "es0", 0), (1, "es1", 1), (1, "es2", 1), (2, "es0", 1), (2, "es1", 0), (2, "es2", 1),
    ]  # fmt: skip
    for row in undisturbed:
        assert row["rounds_logged"] == row["rounds_promised"] > 0
        assert (row["verdict"], row["paid"]) == ("accepted", row["reward_promised"])
        assert row["quality_measured"] > 250_000


def test_the_cloud_has_no_willingness_in_its_books(tmp_path: Path) -> None:
    servers = build(tmp_path, types=((17.5, 17.123456789), (22.5, 22.5)))
    carry_out(tmp_path, servers)
    content = b"".join(path.read_bytes() for path in (tmp_path / "cloud").rglob("*") if path.is_file())
    assert b"17.123456789" not in content
    assert servers["es0"].book.row(NAME, 2)["theta"] == 17.123456789  # type: ignore[index]


class Lost(Exception):
    pass


class Interrupted(Nearby):
    """A transport whose cloud server is gone after a number of calls, before or after the call is carried out."""

    def __init__(self, servers: Mapping[str, EdgeServer], calls: int, after: bool) -> None:
        super().__init__({address: server.answer for address, server in enumerate(servers.values())})
        self._left, self._after = calls, after

    def _count(self, carry: Callable[[], Any]) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Lost
        found = carry()
        if self._left == 0:
            raise Lost
        return found

    def push(self, action: Action, parcels: Mapping[int, Parcel], patience: float) -> dict[str, int]:
        send = super().push
        return self._count(lambda: send(action, parcels, patience))

    def pull(self, tickets: Sequence[str]) -> list[tuple[str, Parcel | str]]:
        take = super().pull
        return self._count(lambda: take(tickets)) if tickets else []


@pytest.mark.parametrize("after", [False, True], ids=("before", "after"))
def test_a_cloud_server_that_is_gone_goes_on_to_the_same_books(
    after: bool, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    servers = build(tmp_path)
    lost = 0
    for calls in range(1, 60):
        try:
            rows = carry_out(tmp_path, servers, Interrupted(servers, calls, after))
            break
        except Lost:
            lost += 1
    assert lost > 3
    assert rows == undisturbed


def test_an_edge_server_that_is_gone_goes_on_with_its_rounds(
    undisturbed: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers, trained = build(tmp_path), []
    carried_out = type(TOY).train_round

    def sometimes(self: Any, weights: Any, data: Any, seed: int) -> Any:
        trained.append(seed)
        if len(trained) % 17 == 0:
            raise EdgewiseError("gone")
        return carried_out(self, weights, data, seed)

    monkeypatch.setattr("edgewise.construction.building.KEPT_S", 0.0)
    monkeypatch.setattr(type(TOY), "train_round", sometimes)
    assert carry_out(tmp_path, servers) == undisturbed
    built = sum(row["rounds_promised"] for row in undisturbed)
    assert len(trained) == built + (len(trained) // 17)


def outcome(folder: Path, behaviour: str, types: Sequence[tuple[float, float]] = TYPES) -> tuple[float, dict[str, Any]]:
    """Utility of es1 over both periods if it behaves so, and its row of period 1."""
    servers = build(folder, {"es1": behaviour}, types)
    rows = carry_out(folder, servers)
    total = 0.0
    for period in (1, 2):
        row = servers["es1"].book.row(NAME, period)
        if row is not None:
            total += MENU.beta ** (period - 1) * (row["utility"] or 0.0)
    return total, next(row for row in rows if row["name"] == "es1")


@pytest.mark.parametrize("types", [(a, b) for a in MENU.theta1 for b in MENU.theta2], ids=str)
@pytest.mark.parametrize("lie", ["wrong-type", "declines"])
def test_no_lie_on_the_type_pays(lie: str, types: tuple[float, float], tmp_path: Path) -> None:
    everybody = (TYPES[0], types)
    honest, _ = outcome(tmp_path / "honest", "honest", everybody)
    lied, _ = outcome(tmp_path / "lied", lie, everybody)
    assert lied <= honest


WAYS = {
    "free-rider": "untrained",
    "copy": "copy",
    "poisoned": "quality",
    "malformed": "malformed",
    "unsigned": "author",
}
"""Misbehaviours with the verdict of each."""


@pytest.mark.parametrize("way", WAYS)
def test_cheating_has_a_verdict_of_its_own_and_never_pays(
    way: str, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    if way == "copy":
        carry_out(tmp_path / "first", build(tmp_path / "first"))
        modules = (tmp_path / "first" / "es0" / "orders").glob("*/module")
        place = min(modules, key=lambda path: path.stat().st_mtime_ns)
        behaviour = f"copy:{place}"
    else:
        behaviour = way
    cheated, row = outcome(tmp_path, behaviour)
    assert (row["verdict"], row["paid"]) == (WAYS[way], 0)
    assert cheated < 0
    others = [each for each in kept(tmp_path) if each["name"] != "es1"]
    assert others == [each for each in undisturbed if each["name"] != "es1"]
    agent = Agent.load(tmp_path / "cloud" / "agents" / f"{NAME}-1")
    assert set(agent.modules) == {"memory"}


def test_joining_changes_the_agent_and_neither_verdicts_nor_payments(
    undisturbed: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def averaged(self: Any, parts: Sequence[Any]) -> Any:
        return self, {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}

    monkeypatch.setattr(type(TOY), "joined", averaged)
    monkeypatch.setattr(
        "edgewise.construction.verdicts.best_together", lambda modules, qualities, data: tuple(modules[:2])
    )
    assert carry_out(tmp_path, build(tmp_path)) == undisturbed
    books, names = Books(tmp_path / "cloud"), {}
    for period in (1, 2):
        agent = Agent.load(tmp_path / "cloud" / "agents" / f"{NAME}-{period}")
        assert set(books.parts(NAME, period).values()) == set(agent.lock.parts()["memory"])
        best = sorted(books.rows(NAME, period), key=lambda row: -row["quality_measured"])[:2]
        assert set(books.parts(NAME, period)) == {row["edge"] for row in best}
        names[period] = " and ".join(sorted(row["name"] for row in best))
    assert main(["construct", "books", str(tmp_path / "cloud")]) == 0
    said = capsys.readouterr().out
    assert all(f"it has toy of {told}" in said for told in names.values())


def test_every_edge_server_gets_the_agent_of_each_period(tmp_path: Path) -> None:
    servers = build(tmp_path)
    carry_out(tmp_path, servers)
    for server in servers.values():
        assert len(agents(server.folder)) == 2
        newest = current_agent(server.folder)
        assert newest is not None
        assert Agent.load(newest).lock.name == f"{NAME}-2"


class Recorder(Nearby):
    """A transport that keeps all that edge servers say."""

    def __init__(self, servers: Mapping[str, EdgeServer]) -> None:
        self.said: list[bytes] = []

        def answering(server: EdgeServer) -> Callable[[Action, Parcel], Parcel]:
            def answer(action: Action, parcel: Parcel) -> Parcel:
                answered = server.answer(action, parcel)
                self.said.append(canonical(answered.facts) + answered.payload)
                return answered

            return answer

        super().__init__({address: answering(server) for address, server in enumerate(servers.values())})


def pieces(array: np.ndarray) -> Iterator[bytes]:
    for row in array:
        for kind in (np.float64, np.float32, np.float16):
            yield np.asarray(row, kind).tobytes()
        yield ",".join(str(value) for value in np.atleast_1d(row)).encode()


def test_no_data_leave_an_edge_server(tmp_path: Path) -> None:
    servers = build(tmp_path)
    transport = Recorder(servers)
    carry_out(tmp_path, servers, transport)
    said = b"\n".join(transport.said)
    assert len(said) > 1000
    for server in servers.values():
        for period in (1, 2):
            data = data_of(server.config, TOY, period)
            assert not any(piece in said for piece in pieces(data["point"]))
        for secret in ("17.5", "22.5", str(server.config.watts)):
            assert f'"{secret}"'.encode() not in said
        assert b"theta" not in said


def test_a_choice_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    servers = build(tmp_path, patience=1.0)
    stranger = EdgeServer(servers["es0"].folder)

    def forged(action: Action, parcel: Parcel) -> Parcel:
        answer = stranger.answer(action, parcel)
        return Parcel({**answer.facts, "edge": servers["es1"].key.public}) if action == "offer" else answer

    transport = Nearby({0: servers["es1"].answer, 1: forged, 2: servers["es2"].answer})
    rows = carry_out(tmp_path, servers, transport)
    assert {row["name"] for row in rows} == {"es1", "es2"}


def test_who_is_not_admitted_takes_no_part(tmp_path: Path) -> None:
    servers = build(tmp_path)
    admitted = {servers["es0"].key.public, servers["es2"].key.public}
    Cloud(tmp_path / "cloud", NAME, near(servers), admitted).run()
    assert {row["name"] for row in kept(tmp_path)} == {"es0", "es2"}


def test_without_edge_servers_there_is_no_construction(tmp_path: Path) -> None:
    build(tmp_path)
    with pytest.raises(EdgewiseError, match="no edge server has connected within 1 s"):
        Cloud(tmp_path / "cloud", NAME, Nearby({})).run()


def test_a_server_that_is_not_ready_in_time_is_late_and_unpaid(tmp_path: Path) -> None:
    servers = build(tmp_path, patience=1.0)

    class Slow(Nearby):
        def pull(self, tickets: Sequence[str]) -> list[tuple[str, Parcel | str]]:
            found = super().pull(tickets)
            return [(ticket, answer) for ticket, answer in found if not module_of(answer, servers["es1"])]

    def module_of(answer: Parcel | str, server: EdgeServer) -> bool:
        return isinstance(answer, Parcel) and server.key.public.encode() in answer.payload

    rows = carry_out(tmp_path, servers, Slow({n: server.answer for n, server in enumerate(servers.values())}))
    late = [(row["verdict"], row["paid"]) for row in rows if row["name"] == "es1"]
    assert late == [("late", 0), ("late", 0)]
    assert all(row["verdict"] == "accepted" for row in rows if row["name"] != "es1")


def test_the_books_are_shown_added_up_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(tmp_path, build(tmp_path, {"es1": "malformed"}))
    table, page = tmp_path / "books.csv", tmp_path / "books.html"
    assert main(["construct", "books", str(tmp_path / "cloud"), "--csv", str(table), "--page", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "period 1, es1: malformed: is no file of a module" in shown
    rows = list(csv.DictReader(table.open()))
    [closed, _] = Books(tmp_path / "cloud").periods(NAME)
    paid = sum(Decimal(row["paid"]) for row in rows if row["period"] == "1")
    assert f"{paid:.6f}" in shown
    assert paid * 1_000_000 == closed["paid"]
    assert "malformed" in page.read_text()
    assert main(["construct", "books", str(tmp_path / "cloud"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["periods"][0]["paid"] == closed["paid"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["construct", "build"], "construct = 'build': must be one of demo, keys, cloud, edge, calibrate, books"),
        (["construct", "books", "."], "must be that of a cloud server: there is no books.db"),
        (
            ["construct", "demo", "--misbehave", "es01=sleepy"],
            "behaviour = 'sleepy': must be one of honest, wrong-type",
        ),
        (["construct", "demo", "--misbehave", "es01"], "misbehave = 'es01': must be NAME=BEHAVIOUR"),
        (["construct", "keys", "edge", "here"], "name = '': must be a name"),
        (["construct", "edge", "."], "edge.yaml: cannot be read"),
        (["construct", "cloud", ".", "--host", "0.0.0.0"], "ca.pem: is missing: edgewise construct keys cloud"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_one_line(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) in (1, 2)
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cloud, edge = tmp_path / "cloud", tmp_path / "edge"
    assert main(["construct", "keys", "cloud", str(cloud), "--host", "cloud.example", "192.0.2.7"]) == 0
    assert main(["construct", "keys", "edge", str(edge), "--name", "one"]) == 0
    assert main(["construct", "keys", "admit", str(cloud), "--file", str(edge / "public.json")]) == 0
    assert capsys.readouterr().out.endswith("  one\n")
    for secret in (cloud / "key.pem", cloud / "server-key.pem", edge / "key.pem", edge / "node-key.pem"):
        assert secret.stat().st_mode & 0o777 == 0o600
    for folder, words in ((cloud, ["cloud", str(cloud), "--host", "x"]), (edge, ["edge", str(edge), "--name", "y"])):
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert main(["construct", "keys", *words]) == 1
        assert "a key is never replaced" in capsys.readouterr().err
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_calibrated_instance_has_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--kinds", "toy", "--servers", "2", "--examples", "50", "--watts", "20", "--json"]
    assert main(["construct", "calibrate", *words]) == 0
    [measured] = json.loads(capsys.readouterr().out)["measured"]
    instance = load_instance(tmp_path / "calibrated.yaml")
    assert quality(instance, 10) == pytest.approx(1 - np.exp(-10 * measured["curve"]["rate"]))
    assert energy(instance, 10) - energy(instance, 9) == pytest.approx(20 * measured["round_s"])
    assert instance.hardware.module_bits == 8 * measured["module_bytes"]
    assert (tmp_path / "calibrated.png").exists()
    curves = tmp_path / "calibrated.curves.json"
    options = command.Cloud(tmp_path, kinds=("toy",), curves=curves, round_examples=50)
    assert to_plain(command.terms_of(options).curves[0]) == measured["curve"]
