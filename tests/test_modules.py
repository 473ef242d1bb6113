"""Kinds of module: they learn on drawn data, answer requests, and are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.construction.kind import MODULES, NAMES, Data, ModuleKind, learned_kinds
from edgewise.construction.modules.learned import ANSWER, LearnedKind

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")
APPS, UNSEEN = ("mail", "shop"), ("bank", "radio", "notes")
KINDS = learned_kinds()


@pytest.fixture(scope="module", params=KINDS)
def kind(request: Any) -> ModuleKind:
    return MODULES.find(request.param)


@pytest.fixture(scope="module")
def data(kind: ModuleKind) -> Data:
    return kind.draw_data(APPS, 100, 1, "de")


def test_a_kind_takes_a_place_of_an_agent(kind: ModuleKind) -> None:
    assert kind.name in NAMES
    assert kind.inputs["type"] == kind.outputs["type"] == "object"


@pytest.mark.slow
def test_quality_on_unseen_apps_rises_with_rounds(kind: ModuleKind) -> None:
    data, hidden = kind.draw_data(APPS, 1000, 1, "de"), kind.draw_data(UNSEEN, 500, 2, "mixed")
    weights = kind.initial(0)
    qualities = [kind.evaluate(weights, hidden)]
    for number in range(60):
        weights, _ = kind.train_round(weights, data, number)
        if number % 20 == 19:
            qualities.append(kind.evaluate(weights, hidden))
    first, second, _, last = qualities
    assert first < 0.5
    assert second > first
    assert last > first + 0.25


def test_a_round_is_the_same_again_and_leaves_its_weights(kind: ModuleKind, data: Data) -> None:
    start = kind.initial(0)
    before = {name: array.copy() for name, array in start.items()}
    one, figures = kind.train_round(start, data, 5)
    two, _ = kind.train_round(start, data, 5)
    other, _ = kind.train_round(start, data, 6)
    assert figures["examples"] == len(data[ANSWER])
    assert figures["cpu_seconds"] > 0
    for name in start:
        np.testing.assert_array_equal(start[name], before[name])
        np.testing.assert_array_equal(one[name], two[name])
    assert any((one[name] != other[name]).any() for name in one)


def test_servers_have_different_data_and_each_the_same_again(kind: ModuleKind, data: Data) -> None:
    again = kind.draw_data(APPS, 100, 1, "de")
    other = kind.draw_data(UNSEEN, 100, 1, "fr")
    assert all((again[name] == data[name]).all() for name in data)
    assert any((other[name] != data[name]).any() for name in data if name != ANSWER)


def test_padding_changes_no_answer(kind: ModuleKind, data: Data) -> None:
    few = {name: array[:40] for name, array in data.items()}
    weights = kind.initial(0)
    np.testing.assert_allclose(kind.respond(weights, few), kind.respond(weights, data)[:40], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"apps": ()}, "apps"), ({"examples": 0}, "examples"), ({"seed": -1}, "seed"), ({"language": "xx"}, "language")],
)
def test_what_cannot_be_drawn_is_told(change: dict[str, Any], told: str) -> None:
    asked: dict[str, Any] = {"apps": APPS, "examples": 3, "seed": 0, "language": "en"} | change
    with pytest.raises(ConfigurationError, match=told):
        MODULES.find("perception").draw_data(**asked)


def test_weights_of_another_shape_are_refused(kind: ModuleKind, data: Data) -> None:
    weights = kind.initial(0)
    name = next(iter(weights))
    for wrong in ({**weights, name: weights[name][:-1]}, {**weights, "more": weights[name]}, {}):
        with pytest.raises(ConfigurationError, match="weights"):
            kind.respond(wrong, data)


class TestPerception:
    """One kind as it is used."""

    def request(self, data: Data, place: int) -> dict[str, Any]:
        return {"picture": data["picture"][place].tolist()}

    def test_answers_a_request(self) -> None:
        kind = MODULES.find("perception")
        assert isinstance(kind, LearnedKind)
        data = kind.draw_data(APPS, 20, 1, "de")
        weights = kind.initial(0)
        answer = kind.load(weights)(self.request(data, 3))
        assert answer["confidence"] == pytest.approx(kind.respond(weights, data)[3].max(), abs=1e-6)
        for wrong in ({}, {"picture": [[0.5]]}, {"picture": np.full((16, 16), 2.0).tolist()}):
            with pytest.raises(ConfigurationError, match="picture"):
                kind.load(weights)(wrong)

    def test_takes_a_folder_of_examples(self, tmp_path: Path) -> None:
        kind = MODULES.find("perception")
        data = kind.draw_data(APPS, 4, 1, "de")
        rows = [{"request": self.request(data, place), "answer": {"function": "send"}} for place in range(4)]
        (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
        read = kind.data_from(tmp_path)
        np.testing.assert_array_equal(read["picture"], data["picture"])
        assert set(read[ANSWER].ravel()) == {2}
        (tmp_path / "own.jsonl").write_text(json.dumps(rows[0]) + '\n{"request": {}}\n')
        with pytest.raises(EdgewiseError, match=r"own\.jsonl, line 2: .*picture"):
            kind.data_from(tmp_path)
        with pytest.raises(EdgewiseError, match="jsonl"):
            kind.data_from(tmp_path / "nothing")
