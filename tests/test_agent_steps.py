"""The agent's steps, and the telephone on which it is tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="the extra `federation` is not installed")

from edgewise.common.errors import ConfigurationError
from edgewise.construction import acceptance
from edgewise.construction.acceptance import SLIP, Task, Telephone, accept, draw_tasks
from edgewise.construction.agent import Agent, integrate
from edgewise.construction.artefact import Refused, describe, pack, unpack
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES, NAMES
from edgewise.construction.modules.decision import DECISION
from edgewise.construction.modules.planning import STEPS, Past
from edgewise.construction.modules.words import FUNCTIONS, TITLES, text_features
from edgewise.construction.steps import After, Move, Seen, Subgoal, View, moves, reflect
from reference import modules as twin

KEY = make_key()
PICTURE = np.full((16, 16), 0.5).tolist()
VIEW = View(
    subgoals=[Subgoal(wish="send it"), Subgoal(wish="pay it", question="how much was bo")],
    elements=[Seen(label="send"), Seen(picture=PICTURE), Seen(label="map", picture=PICTURE)],
    facts=["date bo 17", "amount bo 42"],
)


def scripted(**answers: Any) -> tuple[Agent, dict[str, list[Any]]]:
    """An agent whose modules say what a test wants, and the requests that they get."""
    kinds = {name: MODULES.find(name) for name in answers}
    modules = [unpack(pack(describe(name, kind, 0), kind.initial(0), KEY)) for name, kind in kinds.items()]
    agent, asked = integrate(modules, KEY), dict[str, list[Any]]()

    def module(name: str) -> Any:
        def answer(requests: list[Any]) -> list[Any]:
            asked.setdefault(name, []).extend(requests)
            return [answers[name]] * len(requests)

        return answer

    agent.__dict__["answering"] = {name: module(name) for name in answers}
    return agent, asked


def test_each_module_is_asked_what_it_needs() -> None:
    agent, asked = scripted(
        perception={"function": "pay"},
        planning={"finished": [True, False], "next": 1},
        decision={"element": 1},
        action={"gesture": "type"},
        memory={"fact": 1},
    )
    move = moves(agent, [VIEW])[0]
    assert asked["planning"] == [{"subgoals": ["send it", "pay it"], "history": []}]
    assert asked["perception"] == [{"picture": PICTURE}] * 2
    shown = [{"label": "send", "function": ""}, {"label": "", "function": "pay"}, {"label": "map", "function": "pay"}]
    assert asked["decision"] == [{"wish": "pay it", "elements": shown}]
    assert asked["memory"] == [{"question": "how much was bo", "facts": ["date bo 17", "amount bo 42"]}]
    expected = Move(done=False, finished=[True, False], subgoal=1, element=1, gesture="type", text="42", label="pay")
    assert move == expected


def test_what_is_finished_needs_no_move() -> None:
    agent, asked = scripted(planning={"finished": [True, True], "next": None}, decision={"element": 0})
    assert moves(agent, [VIEW])[0] == Move(done=True, finished=[True, True])
    assert "decision" not in asked


def test_nothing_is_typed_but_by_typing() -> None:
    agent, _ = scripted(planning={"finished": [True, False], "next": 1}, action={"gesture": "tap"}, memory={"fact": 0})
    assert moves(agent, [VIEW])[0].text == ""


def test_rules_stand_in_where_modules_are_missing() -> None:
    agent = integrate([], KEY)
    assert agent.missing == NAMES
    first = moves(agent, [VIEW])[0]
    assert first == Move(done=False, finished=[False, False], subgoal=0, element=0, gesture="tap", label="send")
    later = VIEW.model_copy(update={"history": [Past(label="x", outcome="C"), Past(label="y", outcome="B")]})
    assert moves(agent, [later])[0].done
    assert reflect(agent, [After(label="x", before="a", after="a", change=0)])[0].outcome == "A"


def test_two_modules_for_a_place_are_refused() -> None:
    kind = MODULES.find("action")
    module = unpack(pack(describe("action", kind, 0), kind.initial(0), KEY))
    with pytest.raises(Refused, match="integration: two modules for action"):
        integrate([module, module], KEY)
    strange = replace(module, manifest=replace(module.manifest, kind="nobody's"))
    with pytest.raises(Refused, match="integration: kind"):
        integrate([strange], KEY)
    with pytest.raises(Refused, match="integration: action: cannot be loaded"):
        integrate([replace(module, weights={})], KEY)


class TestTelephone:
    """What moves lead to."""

    @pytest.fixture
    def task(self) -> Task:
        return next(each for each in draw_tasks(("mail",), 40, 2) if any(goal.value for goal in each.goals))

    def phone(self, task: Task, monkeypatch: pytest.MonkeyPatch, slip: float = 0.0) -> Telephone:
        monkeypatch.setattr(acceptance, "SLIP", slip)
        return Telephone(task)

    def move(self, phone: Telephone, place: int, **change: Any) -> Move:
        goal = phone.task.goals[place]
        element = next(n for n, each in enumerate(phone._screen) if each.function == goal.function)
        right = {"element": element, "gesture": goal.gesture, "text": goal.value, "label": "it"}
        return Move(done=False, finished=[], **(right | change))

    def test_the_right_move_finishes_its_subgoal(self, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        phone = self.phone(task, monkeypatch)
        for place, goal in enumerate(task.goals):
            view = phone.view()
            assert [each.wish for each in view.subgoals] == [each.wish for each in task.goals]
            after = phone.make(self.move(phone, place))
            assert after.after == TITLES[task.language][goal.function]
            assert phone.done[place]
        assert all(phone.done)

    def test_a_wrong_gesture_does_nothing(self, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        phone = self.phone(task, monkeypatch)
        phone.view()
        after = phone.make(self.move(phone, 0, gesture="none of them"))
        assert (after.before, any(phone.done)) == (after.after, False)
        assert after.change <= 0.2

    def test_a_wrong_text_leads_elsewhere(self, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        place = next(place for place, goal in enumerate(task.goals) if goal.value)
        phone = self.phone(task, monkeypatch)
        phone.view()
        after = phone.make(self.move(phone, place, text="0"))
        assert after.after != TITLES[task.language][task.goals[place].function]
        assert not any(phone.done)

    def test_an_element_that_nobody_asked_for_leads_to_its_page(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phone = self.phone(task, monkeypatch)
        phone.view()
        wanted = {goal.function for goal in task.goals}
        other = next(n for n, each in enumerate(phone._screen) if each.function not in wanted)
        after = phone.make(self.move(phone, 0, element=other))
        assert after.after == TITLES[task.language][phone._screen[other].function]
        assert not any(phone.done)

    def test_a_part_of_the_moves_slips(self) -> None:
        slipped = 0
        tasks = draw_tasks(("mail",), 150, 5)
        for task in tasks:
            phone = Telephone(task)
            phone.view()
            phone.make(self.move(phone, 0))
            slipped += not phone.done[0]
        assert slipped / len(tasks) == pytest.approx(SLIP, abs=0.1)


class TestAcceptance:
    """The share of tasks that are done when the agent says so."""

    def oracle(self, monkeypatch: pytest.MonkeyPatch, stop_early: bool) -> None:
        """Moves of one who knows the telephone."""
        seen: list[Telephone] = []
        view = Telephone.view

        def looked(phone: Telephone) -> View:
            seen.append(phone)
            return view(phone)

        def choose(agent: Agent, views: list[View]) -> list[Move]:
            phones, chosen = seen[-len(views) :], []
            for phone in phones:
                place = next((place for place, done in enumerate(phone.done) if not done), None)
                finished = place is None or (stop_early and phone.history)
                chosen.append(
                    Move(done=True, finished=[]) if finished else TestTelephone().move(phone, place or 0)
                )  # fmt: skip
            return chosen

        monkeypatch.setattr(Telephone, "view", looked)
        monkeypatch.setattr(acceptance, "moves", choose)

    def test_who_knows_the_way_nearly_always_arrives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.oracle(monkeypatch, stop_early=False)
        assert accept(integrate([], KEY), draw_tasks(("mail",), 50, 1)) > 0.95

    def test_who_says_finished_too_early_has_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.oracle(monkeypatch, stop_early=True)
        assert accept(integrate([], KEY), draw_tasks(("mail",), 50, 1)) == 0

    def test_it_is_the_same_again(self) -> None:
        agent, tasks = integrate([], KEY), draw_tasks(("mail", "shop"), 10, 3)
        assert accept(agent, tasks) == accept(agent, tasks)
        assert draw_tasks(("mail", "shop"), 10, 3) == tasks
        assert draw_tasks(("mail", "shop"), 10, 4) != tasks

    @pytest.mark.parametrize("wrong", [{"apps": ()}, {"count": 0}, {"language": "xx"}])
    def test_tasks_that_cannot_be_drawn_are_told(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            draw_tasks(**({"apps": ("mail",), "count": 2, "seed": 0} | wrong))

    def test_history_that_is_shown_is_bounded(self) -> None:
        phone = Telephone(draw_tasks(("mail",), 1, 1)[0])
        phone.history = [Past(label=FUNCTIONS[0], outcome="C")] * (STEPS + 3)
        assert len(phone.view().history) == STEPS


class TestTwin:
    """Arithmetic against its slow twin."""

    def test_letters(self) -> None:
        for text in ("", "send", "Löschen  bitte", "où est-ce 42"):
            np.testing.assert_allclose(text_features(text), twin.letters(text), rtol=1e-5)

    def test_a_round_of_decision(self) -> None:
        kind = replace(DECISION, width=4, rate=1e-2)
        data, weights = kind.draw_data(("mail",), 70, 3, "de"), kind.initial(1)
        scores = kind.respond(weights, data)
        for row in (0, 33, 69):
            expected = twin.softmax(twin.decision_scores(weights, data, row))
            np.testing.assert_allclose(scores[row, 0], expected, rtol=2e-4, atol=1e-6)
        order = np.random.default_rng(9).permutation(70).tolist()
        expected_weights, loss = twin.decision_pass(weights, data, order, kind.batch, kind.rate)
        trained, figures = kind.train_round(weights, data, 9)
        assert figures["loss"] == pytest.approx(loss, rel=1e-4)
        for name, array in expected_weights.items():
            np.testing.assert_allclose(trained[name], array, rtol=2e-3, atol=2e-4)
