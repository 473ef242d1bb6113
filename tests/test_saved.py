"""Policies of a run are only played where observations and actions have the sizes that they were trained for."""

from __future__ import annotations

from pathlib import Path

import jax
import pytest

from countdown import Countdown
from edgewise.common.errors import EdgewiseError
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import make_schedule
from edgewise.environments import registry
from edgewise.policies.artefact import PolicyArtefact, save_policy
from edgewise.policies.diffusion import DiffusionPolicy
from edgewise.training.saved import load_learned, require_same_sizes


@pytest.fixture(scope="module")
def pendulum():
    return registry.make("pendulum")


def saved(folder: Path, observation: int, action: int) -> Path:
    policy = DiffusionPolicy(Denoiser(observation, action, (4, 4), 4, jax.random.key(0)), make_schedule("vp", 2), False)
    save_policy(folder, PolicyArtefact(policy, "pendulum", {}, "cgdm", 1))
    return folder


def test_a_policy_of_the_right_size_is_loaded(tmp_path: Path, pendulum) -> None:
    assert load_learned(saved(tmp_path, 3, 1), pendulum).observation_size == 3


@pytest.mark.parametrize(
    ("observation", "action", "said"),
    [
        (4, 1, r"observations of 4 numbers, the environment here gives 3: must be"),
        (3, 2, r"actions of shape \(2,\), the environment here takes \(1,\): must be"),
    ],
)
def test_a_policy_of_another_size_is_refused(
    tmp_path: Path, pendulum, observation: int, action: int, said: str
) -> None:
    with pytest.raises(EdgewiseError, match=said) as caught:
        load_learned(saved(tmp_path, observation, action), pendulum)
    assert "\n" not in str(caught.value)


def test_places_of_other_sizes_are_told_apart(pendulum) -> None:
    require_same_sizes(Countdown(), Countdown(limit=3), "setting 1")
    with pytest.raises(EdgewiseError, match=r"^setting 2: .* sizes \(3,\) and \(1,\), .* \(1,\) and 2 choices: must"):
        require_same_sizes(Countdown(), pendulum, "setting 2")


def test_a_game_with_other_agents_is_told_apart() -> None:
    games = [registry.make("twin-trading", followers=count) for count in (2, 3)]
    require_same_sizes(games[0], games[0], "setting 1")
    with pytest.raises(EdgewiseError, match="setting 2: observations and actions of "):
        require_same_sizes(*games, "setting 2")
