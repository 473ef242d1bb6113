"""Decisions of a server in files, and another policy that is asked what they were about."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

import served
from edgewise.cli.main import main
from edgewise.common.packed import pack, unpack
from edgewise.serving.application import Server, application
from edgewise.serving.decision_files import read
from edgewise.serving.settings import Settings
from edgewise.serving.store import DECISIONS, Change, DecisionRow, SessionRow, Store

SLOTS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of two sessions, of two and of three vehicles, and the policy that has decided."""
    made = tmp_path_factory.mktemp("decisions")
    model = served.save_small_policy(made / "small")
    server = Server(Settings((str(model),), database=f"sqlite:///{made / 'store.sqlite'}", deadline_ms=60_000))
    with TestClient(application(server)) as client:
        for name, names in (("two", "ab"), ("three", "abc")):
            client.post(served.SESSIONS, params={"session": name}, json={"units": served.UNITS})
            for number in range(SLOTS):
                asked = client.post(f"{served.SESSIONS}/{name}/slots", json=served.slot(number, names))
                assert asked.status_code == 200
    return made


def export(folder: Path, name: str, *words: str, code: int = 0) -> Path:
    out = folder / name
    database = f"sqlite:///{folder / 'store.sqlite'}"
    assert main(["decisions", "export", "--database", database, "--out", str(out), *words]) == code
    return out


def kept(folder: Path) -> list[dict[str, object]]:
    store = Store(f"sqlite:///{folder / 'store.sqlite'}")
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(DECISIONS.select().order_by(DECISIONS.c.time)).mappings()]
    store.close()
    return rows


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_holds_every_decision_whole(folder: Path, ending: str) -> None:
    told = list(read(export(folder, f"all.{ending}")))
    rows = kept(folder)
    assert len(told) == len(rows) == 2 * SLOTS
    for decision, row in zip(told, rows, strict=True):
        assert decision.facts == {name: row[name] for name in decision.facts}
        for part in ("observation", "action"):
            arrays = unpack(row[part])[0]
            found = getattr(decision, part)
            assert set(found) == set(arrays)
            for name, array in arrays.items():
                np.testing.assert_array_equal(found[name].astype(array.dtype), array)


def test_decisions_are_chosen_and_read_by_others(folder: Path) -> None:
    table = pd.read_parquet(export(folder, "two.parquet", "--session", "two"))
    assert len(table) == SLOTS
    assert set(table["session"]) == {"two"}
    assert [sum(there) for there in table["observation/vehicles/mask"]] == [2] * SLOTS
    assert all(map(len, table["action/target"]))
    assert "observation/vehicles/data" in table
    assert len(pd.read_csv(export(folder, "none.csv", "--until", str(time.time())))) == 2 * SLOTS


def test_a_policy_agrees_with_itself_and_not_with_another(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(export(folder, "again.parquet"))
    other = served.save_small_policy(folder / "other", seed=4)
    shares = []
    for policy in (folder / "small", other):
        capsys.readouterr()
        assert main(["evaluate", str(policy), "--decisions", file, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["decisions"] == 2 * SLOTS
        shares.append(told["agreement"])
        assert set(told["parts"]) == {"target", "defence"}
    assert shares[0] == 1 > shares[1]
    assert main(["evaluate", str(other), "--decisions", file]) == 0
    assert "are the same" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_decision_without_an_observation_is_told_and_not_asked_again(
    folder: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(folder / "store.sqlite", tmp_path)
    action = pack({"target": np.array([1, 0], np.int32), "share": np.array([0.5, 0.5])}, {})
    told = {**kept(tmp_path)[0], "id": "0", "time": 0.0, "observation": b"", "action": action, "degraded": True}
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    store.commit([Change(SessionRow("late", "agent-migration", "small", 0, b"", 0.0), DecisionRow(**told))])
    store.close()
    file = export(tmp_path, f"late.{ending}")
    first, second, *_ = read(file)
    assert (first.observation, sorted(first.action)) == ({}, ["share", "target"])
    assert sorted(second.action) == ["defence", "target"]
    capsys.readouterr()
    assert main(["evaluate", str(folder / "small"), "--decisions", str(file), "--json"]) == 0
    agreement = json.loads(capsys.readouterr().out)
    assert (agreement["decisions"], agreement["not_taken"], agreement["agreement"]) == (2 * SLOTS, 1, 1)


def test_what_cannot_be_is_told_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["--session", "nobody"], "no such decisions"),
        (["--out", str(folder / "x.txt")], "ends in .parquet or .csv"),
        (["--database", f"sqlite:///{folder / 'nothing.sqlite'}"], "no such file"),
    ):
        export(folder, "x.parquet", *words, code=2 if said != "no such decisions" else 1)
        assert said in capsys.readouterr().err
    assert not (folder / "x.parquet").exists()
    (folder / "broken.parquet").write_text("nonsense")
    (folder / "other.csv").write_text("a,b\n1,2\n")
    for name in ("broken.parquet", "other.csv", "missing.csv"):
        assert main(["evaluate", str(folder / "small"), "--decisions", str(folder / name)]) == 1
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert name in error
