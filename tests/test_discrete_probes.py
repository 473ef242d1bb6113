"""Learners with finitely many actions on a problem whose answer is known."""

from __future__ import annotations

import pytest

from discrete_probes import DISCOUNT, LEARNERS, PENSION, Learner, share_right, value

pytestmark = pytest.mark.slow

ALL = pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
VALUED = pytest.mark.parametrize(
    "learner", [learner for learner in LEARNERS if learner.values is not None], ids=lambda learner: learner.name
)


@ALL
def test_best_action_depends_on_the_observation(learner: Learner) -> None:
    """On the present one, or for a learner with a memory on one that is past."""
    assert share_right(learner) == 1


@VALUED
def test_value_of_a_terminal_reward(learner: Learner) -> None:
    assert value(learner, 2) == pytest.approx(1.0, abs=0.15)
    assert value(learner, 2).mean() == pytest.approx(1.0, abs=0.05)


@VALUED
def test_discounting(learner: Learner) -> None:
    assert value(learner, 1).mean() == pytest.approx(DISCOUNT, abs=0.05)


@VALUED
def test_truncation_is_bootstrapped(learner: Learner) -> None:
    """One reward each step for ever is worth 1 / (1 - gamma) of it when episodes are cut, not the steps up to the cut."""
    assert value(learner, 1, endless=True).mean() == pytest.approx(PENSION / (1 - DISCOUNT), rel=0.1)
