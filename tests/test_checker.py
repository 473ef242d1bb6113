"""The checker is content with environments that keep the contract, and tells what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from countdown import Countdown
from crowd import Crowd
from edgewise.environments.checker import CheckError, check_environment
from edgewise.environments.environment import Environment, Late
from edgewise.environments.game_checker import check_game
from edgewise.environments.scaled import ScaledGame, ScaledObservations
from edgewise.environments.spaces import Box, Discrete
from game_probe import PairGame

CALLS = iter(range(10**6))


class Broken(Countdown):
    """A countdown whose functions are changed."""

    on_reset: Callable[..., Any] = eqx.field(static=True, default=lambda key, state, observation: (state, observation))
    on_step: Callable[..., Any] = eqx.field(static=True, default=lambda key, state, after, timestep: (after, timestep))
    observations: Any = eqx.field(static=True, default=Box(np.zeros(1, np.float32), np.full(1, 5, np.float32)))
    actions: Any = eqx.field(static=True, default=Discrete(2))
    masked: bool = eqx.field(static=True, default=False)

    def reset(self, key: Any) -> Any:
        return self.on_reset(key, *super().reset(key))

    def step(self, key: Any, state: Any, action: Any) -> Any:
        return self.on_step(key, state, *super().step(key, state, action))

    @property
    def observation_space(self) -> Any:
        return self.observations

    @property
    def action_space(self) -> Any:
        return self.actions

    @property
    def action_mask(self) -> bool:
        return self.masked


def seen(change: Callable[[Any], Any]) -> dict[str, Any]:
    return {"on_step": lambda key, state, after, t: (after, replace(t, observation=change(t.observation)))}


def told(**changes: Any) -> dict[str, Any]:
    return {"on_step": lambda key, state, after, t: (after, replace(t, **{n: f(t) for n, f in changes.items()}))}


def resetting(key: Any, state: Any, after: Any, t: Any) -> Any:
    fresh, _ = Countdown().reset(jax.random.split(key)[1])
    return jax.tree.map(lambda new, old: jnp.where(t.terminated | t.truncated, new, old), fresh, after), t


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another library's space": ({"observations": "box"}, "observation_space is a str: must be one of"),
    "no bounds": (
        {"observations": Box(np.zeros(1, np.float32), np.full(1, np.inf, np.float32))},
        "observation_space has a bound that is not finite",
    ),
    "no horizon": ({"limit": 0}, "horizon = 0: must be the whole number"),
    "outside": (seen(lambda o: o + 6), r"observation of step: \[\d+, 0\] = .*: must be in \[0, 5\]"),
    "shape": (seen(lambda o: jnp.concatenate([o, o])), r"observation of step: has shape \(6, 2\): must end in \(1,\)"),
    "type": (
        {"on_reset": lambda key, state, o: (state, o.astype(jnp.float16))},
        "observation of reset is float16: must be float32",
    ),
    "reward": (told(reward=lambda t: t.reward.astype(int)), "reward is int32: must be float32: make it with jnp.asarray"),
    "metric": (
        told(info=lambda t: {"count": jnp.zeros(3)}),
        r"info\['count'\] has shape \(3,\): must be a scalar: take its mean or sum",
    ),
    "infinite": (told(reward=lambda t: t.reward / 0), r"timestep.reward holds a value that is not finite"),
    "another type": (
        {"on_step": lambda key, state, after, t: ((after[0], after[1].astype(jnp.int16)), t)},
        r"state\[1\] is int32\[\] after reset and int16\[\] after step: must be the same",
    ),
    "structure": ({"on_step": lambda k, s, after, t: ((*after, 0), t)}, "step returns a state of another structure"),
    "endless": (told(terminated=lambda t: t.terminated & False, truncated=lambda t: t.truncated & False),
                "no episode ended within the horizon of 6 steps: set truncated"),
    "resets": ({"on_step": resetting}, "step resets an episode that ended: must return its final state"),
    "side effect": (
        told(reward=lambda t: t.reward + float(next(CALLS))),
        "step does otherwise compiled than interpreted: no side effects",
    ),
    "not pure": (
        {"on_reset": lambda key, state, o: (state, o + 1 if bool(o[0] > 3) else o)},
        "cannot be compiled: TracerBoolConversionError.*must be pure functions of JAX arrays",
    ),
    "payments that are missing": (
        told(late=lambda t: Late(t.reward, jnp.zeros(1, int), jnp.ones(1))),
        "late: own and all payments must add up to the reward",
    ),
    "payments of an episode before": (
        told(late=lambda t: Late(t.reward - 1, jnp.full(1, 9), jnp.ones(1))), "late: age must be at least 0, and no payment"
    ),
    "no time step": ({"on_step": lambda k, s, after, t: (after, t.reward)}, r"must return \(state, TimeStep\)"),
    "mask of numbers": ({"masked": True}, "action_mask: an observation must end with 2 flags"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_told(name: str) -> None:
    changes, said = FAULTS[name]
    with pytest.raises(CheckError, match=said) as caught:
        check_environment(Broken(**changes))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Broken: ")


@pytest.mark.parametrize(
    "environment", [Countdown(), Crowd(), ScaledObservations(Crowd(), 2.0)], ids=["flat", "sets", "scaled"]
)
def test_good_ones_pass(environment: Environment[Any]) -> None:
    check_environment(environment)


def test_something_else_is_refused() -> None:
    with pytest.raises(CheckError, match="must be an edgewise"):
        check_environment(3)


PAIR = PairGame(jnp.array([0.2]), jnp.array([1.0]))


@pytest.mark.parametrize("game", [PAIR, ScaledGame(PAIR, 2.0)], ids=["plain", "scaled"])
def test_good_games_pass(game: Any) -> None:
    check_game(game)


class BrokenGame(PairGame):
    """A game whose function of moves is changed."""

    change: Callable[..., Any] = eqx.field(static=True, default=lambda stage, step: step)
    every: tuple[tuple[str, ...], ...] | None = eqx.field(static=True, default=None)

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        return super().stages if self.every is None else self.every

    def move(self, key: Any, state: Any, stage: int, actions: Any) -> Any:
        state, step = super().move(key, state, stage, actions)
        return state, self.change(stage, step)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"every": (("leader_0", "leader_0"),)}, "must name every agent once"),
        ({"change": lambda stage, step: replace(step, rewards={})}, "rewards are of .*: must be of every agent"),
        (
            {"change": lambda stage, step: replace(step, rewards=jax.tree.map(lambda r: r + 1, step.rewards))},
            "reward of leader_0 in stage 0 is not 0",
        ),
        ({"change": lambda stage, step: replace(step, truncated=step.truncated & False)}, "no episode ended"),
        ({"change": lambda stage, step: step.rewards}, r"must return \(state, GameStep\)"),
        (
            {"change": lambda stage, step: replace(step, observations={a: o / 2 for a, o in step.observations.items()})},
            "observe shows another state than move",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_game_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckError, match=said):
        check_game(BrokenGame(jnp.array([0.2]), jnp.array([1.0]), **changes))
