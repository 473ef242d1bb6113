"""Nothing is lost: a server that is killed goes on where it was, in SQLite and in PostgreSQL."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import served
from edgewise.common.client import Client
from edgewise.serving.checkpoints import Checkpoints
from edgewise.serving.rows import in_order
from edgewise.serving.store import DECISIONS, AnswerRow, Change, DecisionRow, SessionRow, Store
from running import Running, postgres

KILLS = 3
SLOTS = 24


def rows(name: str, version: int, key: str | None = None) -> Change:
    session = SessionRow(name, "town", "small", version, b"state %d" % version, 1.0 + version)
    decision = DecisionRow(
        f"{name}-{version}", 1.0, name, "town", "small", "d" * 64, "r", "i" * 64, b"seen", b"done", False, "", 0.5
    )
    answer = None if key is None else AnswerRow("/there", key, "i" * 64, 200, b"{}", 1.0)
    return Change(session, decision if version else None, answer)


def test_earlier_states_are_kept_if_they_shall_be(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}", every_state=True)
    store.commit([rows("a", 0), rows("b", 0)])
    store.commit([rows("a", 1)])
    store.commit([rows("b", 2)])  # was not kept: the version before it is another one
    assert (store.versions("a"), store.versions("b"), store.versions("c")) == (range(2), range(1), range(0))
    assert [store.state("a", version) for version in range(3)] == [b"state 0", b"state 1", None]
    assert [row.id for row in store.latest(1)] == ["a"]
    store.commit([Change(rows("a", 2).session, removed=True)])
    assert (store.versions("a"), store.versions("b")) == (range(0), range(1))
    store.close()


def test_the_log_begins_anew_at_each_checkpoint_and_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    store = Store(f"sqlite:///{file}")
    checkpoints = Checkpoints(store._engine, threading.Lock())
    sizes = []
    for part in range(4):
        for number in range(50):
            store.commit([Change(SessionRow(f"{part} {number}", "s", "m", 0, b"x" * 4000, 1.0))])
        checkpoints.make()
        sizes.append(Path(f"{file}-wal").stat().st_size)
    checkpoints.close()
    assert len(set(sizes[1:])) == 1, sizes
    killed = tmp_path / "killed.sqlite"  # the file alone, without its log
    killed.write_bytes(file.read_bytes())
    assert Store(f"sqlite:///{killed}").sessions() == 200
    store.close()


def test_names_of_later_decisions_come_later() -> None:
    names = [in_order(time) for time in (0.0, 1e-3, 1.7e9, 1.7e9 + 1e-3, 4e9)]
    assert names == sorted(names)
    assert {len(name) for name in names} == {32}
    assert in_order(1.0) != in_order(1.0)


def check_store(store: Store) -> None:
    assert store.commit([rows("a", 0), rows("b", 0)]) == [True, True]
    assert store.commit([rows("a", 1, "one"), rows("b", 2, "two")]) == [True, False]
    found = store.session("a")
    assert found is not None
    assert (found.version, found.state) == (1, b"state 1")
    assert store.version("b") == 0
    assert store.answer("/there", "one") is not None
    assert store.answer("/there", "two") is None
    assert store.commit([rows("a", 0), rows("c", 0)]) == [False, True]
    assert store.sessions() == 3
    assert store.commit([Change(rows("c", 1).session, removed=True)]) == [True]
    assert store.session("c") is None
    with store._engine.connect() as connection:
        assert [row.id for row in connection.execute(DECISIONS.select())] == ["a-1"]
    store.prune(2.0)
    assert store.answer("/there", "one") is None
    store.close()


def test_a_change_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    check_store(Store(f"sqlite:///{tmp_path / 'store.sqlite'}"))


@pytest.mark.slow
def test_postgresql_keeps_the_same() -> None:
    with postgres() as url:
        store = Store(url)
        assert store.shared
        check_store(store)


def drive(address: str, name: str, told: list[Any]) -> None:
    """A session from its beginning to its end, whatever happens to the server."""
    with Client(address, patience_s=120) as client:
        client.post(served.SESSIONS, {"units": served.UNITS}, session=name)
        for number in range(SLOTS):
            told.append(client.post(f"{served.SESSIONS}/{name}/slots", served.slot(number)))
            time.sleep(0.05)


@pytest.mark.slow
def test_a_server_that_is_killed_under_load_goes_on_where_it_was(tmp_path: Path) -> None:
    model = str(served.save_small_policy(tmp_path / "small"))
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    words = ["--sizes", "3x2", "--database", url, "--deadline-ms", "60000", "--log", "warning"]
    server = Running([model, *words], tmp_path)
    told: dict[str, list[Any]] = {"one": [], "two": []}
    chance = random.Random(0)
    with server:
        threads = [threading.Thread(target=drive, args=(server.address, *each)) for each in told.items()]
        for thread in threads:
            thread.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 0.8))
            server.kill()
            server.start()
        for thread in threads:
            thread.join()
        undisturbed: list[Any] = []
        drive(server.address, "quiet", undisturbed)
        assert server.stop() == 0
    store = Store(url)
    with store._engine.connect() as connection:
        kept = {row.id for row in connection.execute(DECISIONS.select())}
    assert len(kept) == 3 * SLOTS
    for answers in told.values():
        assert [each["answer"] for each in answers] == [each["answer"] for each in undisturbed]
        assert {each["decision_id"] for each in answers} <= kept
    states = {name: store.session(name) for name in ("one", "two", "quiet")}
    assert len({row.state for row in states.values() if row is not None}) == 1
    store.close()
