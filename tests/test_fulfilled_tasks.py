"""Tasks that are fulfilled at the start: they are seen to be, and nothing is changed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from edgewise.agent.agents import Setting
from edgewise.agent.evaluate import Trial
from edgewise.agent.modules.chance import chance
from edgewise.agent.modules.interfaces import Modules, Plan
from edgewise.agent.modules.learned.encode import new_share
from edgewise.agent.modules.learned.moments import NAMES, draw_moments
from edgewise.agent.modules.learned.planning import PHONE_PLANNING
from edgewise.agent.modules.learned.reflection import PHONE_REFLECTION
from edgewise.agent.phone.core import step
from edgewise.agent.phone.tasks.fulfilled import draw_fulfilled
from edgewise.agent.phone.tasks.oracle import solve
from edgewise.agent.refusals import recognition_figures, recognitions
from edgewise.common.errors import ConfigurationError
from edgewise.construction.modules.learned import ANSWER


def test_what_is_fulfilled_needs_to_be_looked_up_and_nothing_else() -> None:
    tasks = list(draw_fulfilled("simple", 0, unseen=False))
    assert {each.name for each in tasks} >= {"turn-setting", "change-level", "favourite", "keep-spot", "start-route"}
    for task in tasks:
        way = solve(task)
        assert way
        assert all(state.world == task.start.world for state, _, _ in way)
        assert task.succeeded(1, step(*way[-1][:2]))


def test_an_agent_that_says_done_without_a_look_has_recognised_nothing() -> None:
    def blind(setting: Setting) -> Modules:
        return replace(chance(setting), planning=lambda situation: Plan(finished=1, done=True))

    found = recognitions(blind, Trial("simple"))
    figures = recognition_figures(found)
    assert {each.reason for each in found} == {"success"}
    assert figures["recognised"].value == figures["undone"].value == figures["denied"].value == 0
    with pytest.raises(ConfigurationError, match="simple"):
        recognitions(blind, Trial("complex"))


def test_steps_beside_the_way_are_judged_too() -> None:
    drawn = list(islice(draw_moments(NAMES, 5), 80))
    asides = [each.aside for each in drawn if each.aside is not None]
    assert {each.outcome for each in asides} == {"A", "B", "C"}
    spoilt = [each for each in asides if each.spoilt]
    assert spoilt
    assert all(each.outcome != "A" and not each.done for each in spoilt)
    with_planning, with_reflection = PHONE_PLANNING.data_of(drawn), PHONE_REFLECTION.data_of(drawn)
    assert len(with_planning[ANSWER]) == len(drawn) + len(spoilt)
    changes = sum(each.change is not None for each in drawn)
    assert len(with_reflection[ANSWER]) == changes + len(asides)
    few = PHONE_PLANNING.data_of(drawn, 9)
    assert len(few[ANSWER]) == 9


def test_a_salt_makes_none_some_or_all_words_new() -> None:
    shares = [new_share(str(salt)) for salt in range(200)]
    assert new_share("") == 0
    assert all(0 < each <= 1 for each in shares)
    assert 0.2 < sum(each == 1 for each in shares) / 200 < 0.5
