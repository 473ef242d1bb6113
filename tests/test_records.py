"""Input checks, plain values for files, and atomic writing."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edgewise.algorithms.cgdm import CGDMConfig
from edgewise.common.errors import ConfigurationError, EdgewiseError, check_choice, check_integer, check_range
from edgewise.common.files import replace_file
from edgewise.common.plain import from_plain, to_plain
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.training.off_policy import OffPolicyConfig

RECORDS = [
    CGDMConfig(),
    CGDMConfig(hidden=(3,), schedule="cosine", squash=True, actor_rate=1e-30, value_scale="none"),
    OffPolicyConfig(steps=10_000_000, seeds=3),
    AgentMigrationConfig(),
    AgentMigrationConfig(vehicles=3, rsus=2, slots=7),
]


@dataclass(frozen=True)
class Inner:
    rate: float = 1.0

    def __post_init__(self) -> None:
        check_range("rate", self.rate, 0)


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    sizes: tuple[int, ...] = (1, 2)
    label: str | None = None


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_records_survive_a_file(record: Any, kind: str) -> None:
    plain = to_plain(record)
    read = json.loads(json.dumps(plain)) if kind == "json" else yaml.safe_load(yaml.safe_dump(plain))
    assert from_plain(type(record), read) == record


def test_nested_records() -> None:
    record = Outer(Inner(2.5), (), "x")
    assert to_plain(record) == {"inner": {"rate": 2.5}, "sizes": [], "label": "x"}
    assert from_plain(Outer, to_plain(record)) == record
    assert from_plain(Outer, {"inner": {}}) == Outer()


def test_absent_fields_take_defaults() -> None:
    assert from_plain(CGDMConfig, {"hidden": [8, 8]}) == replace(CGDMConfig(), hidden=(8, 8))


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (CGDMConfig, {"hiden": [8]}, r"^hiden = \[8\]: must be left out; known fields are actor_rate, "),
        (CGDMConfig, {"hidden": "big"}, "^hidden = 'big': must be "),
        (CGDMConfig, {"hidden": [8, "big"]}, "^hidden.1 = 'big': must be "),
        (CGDMConfig, {"schedule": "quadratic"}, "^schedule = 'quadratic': must be "),
        (CGDMConfig, {"squash": "perhaps"}, "^squash = 'perhaps': must be "),
        (CGDMConfig, {"discount": 1.0}, r"^discount = 1.0: must be finite and in \[0, 1\)$"),
        (CGDMConfig, {"batch_size": None}, "^batch_size = None: must be "),
        (CGDMConfig, {"batch_size": 2.5}, "^batch_size = 2.5: must be "),
        (CGDMConfig, [1, 2], r"^CGDMConfig = \[1, 2\]: must be a mapping"),
        (OffPolicyConfig, {"steps": 10}, "^steps = 10: must be at least"),
        (Outer, {"inner": {"rate": -1}}, "^rate = -1.0: must be "),
        (Outer, {"inner": {"rate": "fast"}}, "^inner = 'fast': must be |^inner.rate = 'fast'"),
        (Outer, {"inner": 3}, "^inner = 3: must be "),
    ],
)
def test_bad_values_name_their_field(kind: type[Any], values: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        from_plain(kind, values)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, EdgewiseError)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("value", "low", "high", "options", "fine"),
    [
        (0, 0, 1, {}, True),
        (1, 0, 1, {}, True),
        (0, 0, 1, {"open_low": True}, False),
        (1, 0, 1, {"open_high": True}, False),
        (1.0000001, 0, 1, {}, False),
        (-1e-9, 0, 1, {}, False),
        (math.nan, -math.inf, math.inf, {}, False),
        (math.inf, 0, math.inf, {}, False),
        ([0.1, [0.2]], 0, 1, {}, False),
        ([0.1, 0.2], 0, 1, {}, True),
        ([0.1, 1.2], 0, 1, {}, False),
        (np.array([0.5, np.nan]), 0, 1, {}, False),
        ("much", 0, 1, {}, False),
        (None, 0, 1, {}, False),
        ({}, 0, 1, {}, False),
    ],
)
def test_ranges(value: object, low: float, high: float, options: dict[str, bool], fine: bool) -> None:
    if fine:
        check_range("share", value, low, high, **options)
        return
    with pytest.raises(ConfigurationError, match=r"^share = .*: must be finite and in [\[(]") as caught:
        check_range("share", value, low, high, **options)
    assert caught.value.field == "share"


def test_a_range_tells_which_bound_is_open() -> None:
    with pytest.raises(ConfigurationError, match=r"in \(0, 2\]$"):
        check_range("x", 0, 0, 2, open_low=True)
    with pytest.raises(ConfigurationError, match=r"in \[0, 2\)$"):
        check_range("x", 2, 0, 2, open_high=True)


@pytest.mark.parametrize(
    ("value", "fine"),
    [(1, True), (3, True), (np.int32(2), True), (0, False), (4, False), (2.0, False), (True, False), ("2", False)],
)
def test_integers(value: object, fine: bool) -> None:
    if fine:
        check_integer("count", value, 1, 3)
        return
    with pytest.raises(ConfigurationError, match=r"^count = .*: must be an integer in \[1, 3\]$"):
        check_integer("count", value, 1, 3)


def test_choices() -> None:
    check_choice("kind", "a", ("a", "b"))
    with pytest.raises(ConfigurationError, match=r"^kind = 'c': must be one of a, b$"):
        check_choice("kind", "c", ("a", "b"))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "numbers"
    replace_file(path, b"first")
    replace_file(path, b"second")
    assert path.read_bytes() == b"second"

    def refuse(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="disk full"):
        replace_file(path, b"third")
    assert [p.name for p in tmp_path.iterdir()] == ["numbers"]
    assert path.read_bytes() == b"second"
