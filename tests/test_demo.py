"""The demonstration of a construction: what its edge servers build, what they keep, and the phone on which their agent works."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewise.agent.modules.learned.memory import PHONE_MEMORY
from edgewise.agent.modules.learned.moments import NAMES, draw_moments, templates_of
from edgewise.agent.phone.core import Open, draw_phone, step
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.tasks.suites import SUITES
from edgewise.construction import demo
from edgewise.construction.agent import integrate, write_agent
from edgewise.construction.arrival import AGENTS, set_current
from edgewise.construction.artefact import describe, pack, unpack
from edgewise.construction.building import part_of
from edgewise.construction.commands.demo import Demo
from edgewise.construction.edge_config import EdgeConfig, data_of
from edgewise.construction.ground import GROUNDS
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES
from edgewise.construction.terms import TYPICAL
from edgewise.construction.verdicts import remembered
from toy_module import TOY


def test_a_demonstration_builds_modules_for_the_phone_unless_it_is_told_otherwise() -> None:
    assert Demo().kinds == ()
    assert Demo().page
    assert {MODULES.find(kind).ground for kind in demo.KINDS} == {"phone"}
    assert demo.ground_for(demo.KINDS) == "phone-simple"
    assert demo.ground_for(demo.SYNTHETIC_KINDS) == "synthetic"
    ground = GROUNDS.find("phone-simple")
    tasks = ground.draw_tasks(ground.most_tasks, 1)
    assert {task.suite for task in tasks} == {"simple"}
    assert len({task.name for task in tasks}) == len(SUITES["simple"])


def test_each_edge_server_of_a_demonstration_lacks_an_app_of_its_own() -> None:
    found = demo.edge_configs(TYPICAL, 3, {"es02": "lazy"}, None, demo.ground_for(demo.KINDS), demo.KINDS).values()
    lacking = [set(NAMES) - set(each.apps) for each in found]
    assert sorted(map(len, lacking)) == [1, 1, 1, 1]
    assert len(set.union(*lacking)) == 4
    assert [each.behaviour for each in found] == ["honest", "lazy", "honest", "honest"]
    for each in found:
        assert {one in SUITES["simple"] for one in templates_of(each.apps)} == {True}


def test_an_agent_does_its_task_on_the_phone_that_the_page_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = list[Any]()

    def show(session: Session, port: int, said: Callable[[], str]) -> str:
        shown.extend((session, port, said))
        return "http://127.0.0.1:4711"

    monkeypatch.setattr("edgewise.agent.modules.learned.stage.PAUSE_S", 0.0)
    monkeypatch.setattr("edgewise.agent.modules.learned.stage.show_page", show)
    key = make_key()
    module = unpack(pack(describe("phone-memory", PHONE_MEMORY, 0), PHONE_MEMORY.initial(0), key))
    write_agent(tmp_path / AGENTS / "first", integrate([module], key))
    set_current(tmp_path, "first")
    stage = GROUNDS.find("phone-simple").stage(2, 0)
    session, port, said = shown
    asked, where = stage.told.split("\n")
    instruction = asked.split('"', 1)[1].removesuffix('"')
    assert (port, where) == (0, "http://127.0.0.1:4711 shows the phone")
    assert said().startswith(f"{instruction}\n")
    assert "is being built" in said()
    before = session.state
    assert stage.play(tmp_path).startswith(f'"{instruction}": done, ')
    assert session.gestures > 0
    assert session.state != before
    assert "end: success" in said()
    printed = capsys.readouterr().out
    assert "with memory as edge servers have built them" in printed
    assert "planning, decision" in printed
    assert GROUNDS.find("phone-simple").stage(2, None).told == asked


def test_data_that_are_not_renewed_are_drawn_once(tmp_path: Path) -> None:
    config = EdgeConfig("one", (17.5, 22.5), examples=20, renewed=False)
    first = data_of(config, TOY, 1, tmp_path)
    [kept] = (tmp_path / "data").iterdir()
    written = kept.stat().st_mtime_ns
    again = data_of(config, TOY, 2, tmp_path)
    assert kept.stat().st_mtime_ns == written
    renewed = data_of(dataclasses.replace(config, renewed=True), TOY, 2, tmp_path)
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array)
        assert (renewed[name] != array).any()


def test_a_round_passes_over_as_many_examples_as_it_shall() -> None:
    data = TOY.draw_data(("mail",), 50, 0, "en")
    assert part_of(data, None, 1) is data
    assert part_of(data, 50, 1) is data
    one, same, other = (part_of(data, 10, seed) for seed in (1, 1, 2))
    assert len(one["answer"]) == 10
    np.testing.assert_array_equal(one["point"], same["point"])
    assert (one["point"] != other["point"]).any()
    known = {tuple(point): answer for point, answer in zip(data["point"], data["answer"], strict=True)}
    assert [known[tuple(point)] for point in one["point"]] == list(one["answer"])


def test_an_agent_of_the_same_modules_is_tested_once() -> None:
    key, asked = make_key(), list[Any]()
    first, second = (unpack(pack(describe("toy", TOY, 0), TOY.initial(seed), key)) for seed in (0, 1))

    def test(agent: Any, tasks: Any) -> np.ndarray:
        asked.append(agent)
        return np.ones(len(tasks), bool)

    tested = remembered(test)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULES, "_registered", {**MODULES._registered, "toy": TOY})
        for module in (first, first, second):
            tested(integrate([module], make_key()), range(3))
    assert len(asked) == 2


def test_tasks_in_which_nothing_is_typed_are_not_drawn_for_what_learns_from_texts() -> None:
    typed = templates_of(("simple", *NAMES), typing=True)
    assert {each.__name__ for each in typed} == {"send_message", "add_note"}
    moments = draw_moments(("simple", *NAMES), 1, typing=True)
    assert {next(moments).task for _ in range(20)} <= {"send-message", "add-note"}


def test_a_phone_keeps_its_hash_but_not_in_what_is_pickled() -> None:
    one, same = draw_phone(3, "en"), draw_phone(3, "en")
    assert hash(one) == hash(same)
    assert one == same
    assert hash(step(one, Open("notes"))) != hash(one)
    assert "_hash" in vars(one)
    other = pickle.loads(pickle.dumps(one))
    assert "_hash" not in vars(other)
    assert "_hash" not in vars(other.world)
    assert hash(other) == hash(one)
