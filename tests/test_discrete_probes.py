"""Learners with finitely many actions on problems whose answer is known."""

from __future__ import annotations

import pytest

from discrete_probes import DISCOUNT, ENDLESS, LEARNERS, MEMORY, TERMINAL, Learner, share_right, value

ALL = pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
VALUED = pytest.mark.parametrize(
    "learner", [learner for learner in LEARNERS if learner.values is not None], ids=lambda learner: learner.name
)
pytestmark = pytest.mark.xdist_group("discrete probes")


@ALL
def test_best_action_depends_on_the_observation(learner: Learner) -> None:
    assert share_right(learner, TERMINAL) == 1


@VALUED
def test_value_of_a_terminal_reward(learner: Learner) -> None:
    assert value(learner, TERMINAL, 2) == pytest.approx(1.0, abs=0.15)
    assert value(learner, TERMINAL, 2).mean() == pytest.approx(1.0, abs=0.05)


@VALUED
def test_discounting(learner: Learner) -> None:
    assert value(learner, TERMINAL, 1).mean() == pytest.approx(DISCOUNT, abs=0.05)


@VALUED
def test_truncation_is_bootstrapped(learner: Learner) -> None:
    """One reward each step for ever is worth 1 / (1 - gamma) when episodes are cut, not the few steps up to the cut."""
    assert value(learner, ENDLESS, 1).mean() == pytest.approx(1 / (1 - DISCOUNT), rel=0.1)


@pytest.mark.parametrize(
    "learner", [learner for learner in LEARNERS if learner.memory], ids=lambda learner: learner.name
)
def test_what_was_shown_before_is_remembered(learner: Learner) -> None:
    assert share_right(learner, MEMORY) == 1
