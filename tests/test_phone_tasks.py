"""Tasks on the simulated phone: the oracle solves each from the exact state, on every look, in few steps."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from edgewise.agent.modules.interfaces import SUBGOALS
from edgewise.agent.phone.core import Gesture, Open, Press, Swipe, Tap, Type, step, view
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.skins import LANGUAGES
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.missing import FOREIGN, KINDS, draw_missing, foreign
from edgewise.agent.phone.tasks.oracle import NoWay, best, shortens, solve
from edgewise.agent.phone.tasks.suites import SUITES, draw_tasks
from edgewise.agent.phone.tasks.task import Subgoal, Task
from edgewise.agent.screen import LONGEST
from edgewise.common.errors import ConfigurationError

STEPS = {"simple": range(2, 6), "complex": range(7, 21), "long": range(12, 36)}


def end_of(way: list[tuple[State, Gesture, int]]) -> State:
    state, gesture, _ = way[-1]
    return step(state, gesture)


def check_solved(task: Task) -> None:
    way = solve(task)
    assert len(way) in STEPS[task.suite], (task.name, len(way))
    last = end_of(way)
    assert task.succeeded(len(task.subgoals), last), task.name
    assert not task.succeeded(task.progress(0, task.start), task.start), f"{task.name} is done before it begins"


@pytest.mark.parametrize("suite", SUITES)
def test_the_oracle_solves_every_kind_of_task(suite: str) -> None:
    tasks = list(draw_tasks(suite, 0, unseen=True))
    assert len({task.name for task in tasks}) == len(SUITES[suite]) >= 15
    for task in tasks[::3]:  # the others are among the slow tests
        check_solved(task)


@pytest.mark.parametrize("unseen", [False, True])
def test_long_tasks_are_several_complex_ones_on_one_phone(unseen: bool) -> None:
    tasks = list(draw_tasks("long", 0, unseen=unseen))
    assert len({task.name for task in tasks}) == len(tasks) == 12
    assert all(len(task.subgoals) <= SUBGOALS and len(task.instruction) <= LONGEST for task in tasks)
    looked = [[(each.app, each.arguments) for each in task.subgoals if each.fact] for task in tasks]
    assert all(len(set(each)) == len(each) for each in looked)
    for task in tasks[unseen::6]:  # the others are among the slow tests
        check_solved(task)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unseen", [False, True])
def test_the_oracle_solves_all_tasks_on_every_look(language: str, unseen: bool) -> None:
    for suite in SUITES:
        for task in draw_tasks(suite, 1, language, unseen):
            check_solved(task)
    for task in list(draw_tasks("long", 1, language, unseen))[LANGUAGES.index(language) :: len(LANGUAGES)]:
        check_solved(task)


def some_task(name: str, seed: int = 3) -> Task:
    return next(task for suite in SUITES for task in draw_tasks(suite, seed, "en") if task.name == name)


def test_the_same_seed_gives_the_same_tasks() -> None:
    first, again, other = (list(draw_tasks("complex", seed)) for seed in (5, 5, 6))
    assert first == again
    assert [task.instruction for task in first] != [task.instruction for task in other]


def test_a_way_that_changes_anything_else_is_no_success() -> None:
    task = some_task("start-timer")
    last = end_of(solve(task))
    assert task.succeeded(1, last)
    spoilt = replace(last, world=last.world.with_setting("wifi", 1 - last.world.setting("wifi")))
    assert not task.succeeded(1, spoilt)
    assert not task.succeeded(0, last)


def test_every_gesture_of_the_oracle_shortens_the_way_and_others_do_not() -> None:
    task = some_task("send-place")
    state, done = task.start, 0
    lengths = []
    while done < len(task.subgoals):
        good = best(task, done, state)
        assert all(shortens(task, done, state, each) for each in good)
        assert not shortens(task, done, state, Press("recents"))
        assert not shortens(task, done, state, Type("nonsense"))
        gesture = min(good, key=repr)
        state = step(state, gesture)
        done = task.progress(done, state)
        lengths.append(gesture)
    assert task.start.place.app == "launcher"
    first = best(task, 0, task.start)
    assert Open("maps") in first
    assert any(isinstance(each, Tap) for each in first), "the icon of the launcher is as near as the name of the app"
    fact = task.subgoals[0].fact
    assert fact
    assert fact in "".join(each.text for each in lengths if isinstance(each, Type))


def test_a_touch_beside_the_middle_of_the_right_widget_is_as_good() -> None:
    task = some_task("show-contact")
    opened = step(task.start, Open("contacts"))
    (gesture,) = [each for each in best(task, 0, opened) if isinstance(each, Tap)]
    assert shortens(task, 0, opened, Tap(gesture.x + 40, gesture.y + 20))
    widget = view(opened).at(gesture.x, gesture.y)
    assert widget is not None
    assert not shortens(task, 0, opened, Tap(gesture.x, widget.seen[3] + 20))


def test_the_oracle_finds_back_from_anywhere() -> None:
    task = some_task("turn-setting")
    lost = step(step(task.start, Open("shop")), Swipe(500, 1500, 500, 900))
    found = solve(replace(task, start=lost))
    assert 3 <= len(found) <= 4
    shaded = replace(lost, popup="Battery saver is on")
    assert len(best(task, 0, shaded)) == 1


def test_what_cannot_be_reached_is_told() -> None:
    task = some_task("show-contact")
    with pytest.raises(NoWay, match="no way to: nowhere"):
        best(replace(task, subgoals=(Subgoal("nowhere", "contacts", page=("no-such", "")),)), 0, task.start)
    with pytest.raises(ConfigurationError, match="suite"):
        list(draw_tasks("hard", 0))


def test_the_tasks_gestures_work_on_a_phone_in_use() -> None:
    task = some_task("order-to-contact")
    session = Session(task.start)
    done = 0
    for _, gesture, _ in solve(task):
        session.make(gesture)
        done = task.progress(done, session.state)
    assert task.succeeded(done, session.state)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("unseen", [False, True])
def test_a_phone_that_lacks_what_a_task_needs_is_whole_with_it_again(suite: str, unseen: bool) -> None:
    drawn = list(draw_missing(suite, 4, unseen=unseen))
    assert len(drawn) >= 8
    for each in drawn:
        lacking, kind = each.task.start.world, KINDS[each.app]
        numbers = [str(thing.number) for thing in getattr(lacking, kind)]
        assert each.number not in numbers
        assert sorted([*numbers, each.number], key=int) == [str(thing.number) for thing in getattr(each.whole, kind)]
        assert all(
            str(message.contact) in [str(one.number) for one in lacking.contacts] for message in lacking.messages
        )
        whole = each.back(each.task.start)
        assert whole is not None
        assert best(each.task, 0, whole)
        changed = replace(each.task.start, world=each.whole)
        assert each.back(changed) is None


def test_wishes_of_tests_are_none_of_training() -> None:
    training, tests = (set(each.split("|")) for each in FOREIGN)
    assert not training & tests
    task = some_task("send-place")
    wishes = {foreign(task, random.Random(seed), True).instruction for seed in range(60)}
    assert wishes == tests
    assert foreign(task, random.Random(0)).instruction in training
