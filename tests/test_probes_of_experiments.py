"""Probes: what an experiment computes beside the cells of its players."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edgewise.common.errors import EdgewiseError
from edgewise.execution.contract import TaskReporter
from edgewise.execution.local import serial
from edgewise.experiments.cell import ProbeResult
from edgewise.experiments.compute import compute
from edgewise.experiments.probe import Probe
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import Results
from edgewise.experiments.store import Store, StoreError
from tiny_experiment import must_not_be_called


@dataclass(frozen=True)
class Thirds(Probe):
    """As many thirds."""

    name = "test: thirds"
    count: int

    def compute(self, folder: Path | None) -> pd.DataFrame:
        values = np.arange(self.count) / 3
        return pd.DataFrame({"label": [str(i) for i in range(self.count)], "x": values, "whole": values % 1 == 0})


@dataclass(frozen=True)
class Timed(Thirds):
    """One that must be alone."""

    name = "test: timed"
    alone = True


def test_a_probe_is_computed_once_and_kept_to_the_last_bit(tmp_path: Path) -> None:
    probe, store = Thirds(5), Store(tmp_path)
    first = compute([], store, serial, [probe, Thirds(5)]).probes[probe.address]
    again = compute([], store, must_not_be_called, [probe]).probes[probe.address]
    pd.testing.assert_frame_equal(first.table, again.table, check_exact=True)
    assert again.table["x"].tolist() == (np.arange(5) / 3).tolist()
    assert again.table["label"].tolist() == ["0", "1", "2", "3", "4"]  # text stays text
    assert again.table["whole"].tolist() == [True, False, False, True, False]


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [0.1, np.nan], "word": ["NA", ""], "n": [1, 2]})
    kept = Store(tmp_path).save_probe(Thirds(1), ProbeResult(table, "code"))
    pd.testing.assert_frame_equal(kept.table, table, check_dtype=False)


def test_an_address_stands_for_the_kind_and_every_field() -> None:
    assert len({Thirds(1).address, Thirds(2).address, Timed(1).address}) == 3
    assert Thirds(1).description == {"probe": "test: thirds", "count": 1}


def test_those_that_want_to_be_alone_come_last_one_by_one(tmp_path: Path) -> None:
    batches: list[list[str]] = []

    def watched(tasks: Sequence[Any], report: TaskReporter) -> Iterator[tuple[Any, Any]]:
        batches.append([task.probe.name for task in tasks])
        return serial(tasks, report)

    compute([], Store(tmp_path), watched, [Timed(1), Thirds(1), Timed(2), Thirds(2)])
    assert batches == [["test: thirds"] * 2, ["test: timed"], ["test: timed"]]


def test_a_stored_probe_that_was_changed_is_refused(tmp_path: Path) -> None:
    probe, store = Thirds(2), Store(tmp_path)
    compute([], store, serial, [probe])
    table = store.cell_folder(probe) / "table.csv"
    table.write_text(table.read_text().replace("0.3", "0.4"))
    with pytest.raises(StoreError, match="a table does not match its checksum"):
        store.load_probe(probe)


def test_a_probe_that_an_experiment_does_not_have_is_named() -> None:
    results = Results(Profile("p", 1, 1, 1, 1), (), {("times", "a"): ProbeResult(pd.DataFrame(), "code")})
    with pytest.raises(EdgewiseError, match=r"no probe 'time' of '': there are \[\('times', 'a'\)\]"):
        results.table("time")
