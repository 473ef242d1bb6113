"""What every learner has from its contract: construction, demands on the spaces, one optimiser step."""

from __future__ import annotations

from dataclasses import dataclass, fields

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Algorithm, Metrics, OffPolicyAlgorithm, Transition, require_box
from edgewise.algorithms.game import GameAlgorithm
from edgewise.algorithms.optimisers import begin, descend, falling_adam
from edgewise.algorithms.registry import ALGORITHMS, find_algorithm
from edgewise.common.errors import ConfigurationError
from edgewise.environments.game import GameSpaces, Kind
from edgewise.environments.spaces import Box, Discrete, Spaces
from edgewise.policies.deterministic import DeterministicPolicy
from matching_task import MatchingTask

OBSERVED = Box(np.zeros(3, np.float32), np.ones(3, np.float32))
UNIT = Box(-np.ones(2, np.float32), np.ones(2, np.float32))
SPACES = {
    "box": Spaces(OBSERVED, UNIT),
    "discrete": Spaces(OBSERVED, Discrete(3)),
    "matching": MatchingTask().spaces,
}
GAME = GameSpaces((Kind(("leader_0",), 2, (0.0,), (1.0,)), Kind(("follower_0",), 2, (0.0,), (1.0,))))
LEARNERS = [(name, kind) for name in ALGORITHMS.names() for kind in find_algorithm(name).actions]


@pytest.mark.parametrize(("name", "kind"), LEARNERS)
def test_contract_declares_every_field(name: str, kind: str) -> None:
    entry = find_algorithm(name)
    learner = entry.build(entry.config(), GAME if kind == "game" else SPACES[kind], 10)
    assert [field.name for field in fields(learner)] == ["config", "spaces", "updates"]
    assert isinstance(learner, Algorithm | GameAlgorithm)
    assert learner.config == entry.config()
    again = type(learner)(config=learner.config, spaces=learner.spaces, updates=10)
    assert again == learner


@pytest.mark.parametrize(("name", "kind"), LEARNERS)
def test_concrete_methods_are_final(name: str, kind: str) -> None:
    parents = [c for c in find_algorithm(name).algorithm.__mro__ if c.__module__.startswith("edgewise")]
    for position, child in enumerate(parents):
        for parent in parents[position + 1 :]:
            for attribute in set(vars(child)) & set(vars(parent)):
                if attribute == "with_policy":  # a default, for learners that cannot start from a policy
                    continue
                if not attribute.startswith("__") and callable(getattr(parent, attribute)):
                    assert getattr(vars(parent)[attribute], "__isabstractmethod__", False), (child, attribute)


@pytest.mark.parametrize(("name", "kind"), [each for each in LEARNERS if each[1] != "game"])
def test_spaces_that_a_learner_cannot_take_are_named(name: str, kind: str) -> None:
    entry = find_algorithm(name)
    matrix = Box(np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32))
    if kind == "matching":
        with pytest.raises(ConfigurationError, match=f"algorithm = '{name}': must be one for box actions"):
            entry.build(entry.config(), SPACES["box"], 10)
        return
    with pytest.raises(ConfigurationError, match=r"observation_space = 'box of shape \(2, 2\) in \[0, 1\]': must be a"):
        entry.build(entry.config(), Spaces(matrix, SPACES[kind].action), 10)
    if kind == "box":
        with pytest.raises(
            ConfigurationError, match=r"action_space = 'box of shape \(3,\) in \[0, 1\]': must be \[-1, 1\]"
        ):
            entry.build(entry.config(), Spaces(OBSERVED, OBSERVED), 10)
        with pytest.raises(ConfigurationError, match=r"action_space = 'box of shape \(2, 2\)"):
            entry.build(entry.config(), Spaces(OBSERVED, matrix), 10)


def test_game_without_bounds_is_refused() -> None:
    entry = find_algorithm("mappo")
    endless = Kind(("buyer_0",), 2, (0.0,), (float("inf"),))
    with pytest.raises(ConfigurationError, match=r"action space of buyer = '\[0, inf\]': must be a box with finite"):
        entry.build(entry.config(), GameSpaces((*GAME.kinds, endless)), 10)


def test_equal_boxes_share_compiled_programs() -> None:
    again = Box(UNIT.low.copy(), UNIT.high.copy())
    assert again == UNIT
    assert hash(again) == hash(UNIT)
    assert Box(UNIT.low, 2 * UNIT.high) != UNIT
    assert Box(UNIT.low.astype(np.float64), UNIT.high.astype(np.float64)) != UNIT
    traced = []

    @eqx.filter_jit
    def program(learner: Algorithm, x: Array) -> Array:
        traced.append(learner)
        return x * learner.action_size

    entry = find_algorithm("sac")
    for action in (UNIT, again):
        program(entry.build(entry.config(), Spaces(OBSERVED, action), 10), jnp.ones(()))
    assert len(traced) == 1


@dataclass(frozen=True)
class PlainConfig:
    """Configuration of a learner of one's own."""

    discount: float = 0.9
    batch_size: int = 4
    rate: float = 1e-2


class PlainState(eqx.Module):
    actor: DeterministicPolicy
    optimiser: optax.OptState


class Imitation(OffPolicyAlgorithm[PlainConfig, PlainState]):
    """A learner of one's own, as the contract describes it: repeats the actions of the replay."""

    def __check_init__(self) -> None:
        require_box(self.spaces)

    def init(self, key: PRNGKeyArray) -> PlainState:
        actor = DeterministicPolicy.create(self.observation_size, self.action_size, (16,), key)
        return PlainState(actor, begin(self._optimiser, actor))

    def policy(self, train_state: PlainState) -> DeterministicPolicy:
        return train_state.actor

    def act(
        self, train_state: PlainState, observation: Float[Array, "*b o"], key: PRNGKeyArray, explore: bool
    ) -> Float[Array, "*b a"]:
        return train_state.actor(observation)

    def update(self, train_state: PlainState, batch: Transition, key: PRNGKeyArray) -> tuple[PlainState, Metrics]:
        loss, gradient = jax.value_and_grad(distance)(train_state.actor, batch)
        return PlainState(*descend(self._optimiser, train_state.actor, gradient, train_state.optimiser)), {"loss": loss}

    @property
    def _optimiser(self) -> optax.GradientTransformation:
        return falling_adam(self.config.rate, 1.0, self.updates)


def distance(actor: DeterministicPolicy, batch: Transition) -> Float[Array, ""]:
    return ((actor(batch.observation) - batch.action) ** 2).mean()


def test_a_learner_of_ones_own_learns() -> None:
    learner = Imitation(PlainConfig(), SPACES["box"], 200)
    assert (learner.discount, learner.batch_size, learner.n_step, learner.span) == (0.9, 4, 1, 1)
    assert learner.initial_memory((3,)) == ()
    observation = jax.random.uniform(jax.random.key(0), (4, 3))
    flat = jnp.zeros(4)
    batch = Transition(observation, jnp.stack([observation[:, 0], -observation[:, 1]], 1), flat, flat, observation)
    state = learner.init(jax.random.key(1))
    update = eqx.filter_jit(learner.update)
    _, before = update(state, batch, jax.random.key(2))
    for _ in range(200):
        state, metrics = update(state, batch, jax.random.key(2))
    assert metrics["loss"] < 0.01 * before["loss"]
    with pytest.raises(TypeError, match="abstract"):
        OffPolicyAlgorithm(PlainConfig(), SPACES["box"], 1)


class TestOptimiser:
    def test_rate_falls_along_a_cosine(self) -> None:
        optimiser = falling_adam(0.1, 0.5, 10)
        weight, state = jnp.ones(()), begin(falling_adam(0.1, 0.5, 10), jnp.ones(()))
        steps = []
        for _ in range(11):
            before = weight
            weight, state = descend(optimiser, weight, jnp.ones(()), state)
            steps.append(float(before - weight))
        falling = 0.1 * (0.5 + 0.5 * 0.5 * (1 + np.cos(np.pi * np.arange(11) / 10)))
        np.testing.assert_allclose(steps, falling, rtol=1e-4)

    def test_idle_updates_change_nothing(self) -> None:
        optimiser = falling_adam(0.1, 1.0, 10, idle=2)
        weight, state = jnp.ones(()), begin(optimiser, jnp.ones(()))
        weights = []
        for _ in range(3):
            weight, state = descend(optimiser, weight, jnp.ones(()), state)
            weights.append(float(weight))
        assert weights[:2] == [1.0, 1.0]
        assert weights[2] == pytest.approx(0.9, rel=1e-4)

    def test_decay_with_the_gradient_and_beside_it(self) -> None:
        def first_step(**options: float) -> float:
            optimiser = falling_adam(0.1, 1.0, 10, **options)
            moved, _ = descend(optimiser, jnp.asarray(2.0), jnp.zeros(()), begin(optimiser, jnp.asarray(2.0)))
            return 2.0 - float(moved)

        assert first_step() == 0.0
        assert first_step(decay=0.01) == pytest.approx(
            0.1, rel=1e-3
        )  # Adam's first step is the rate, whatever the size
        assert first_step(decoupled_decay=0.01) == pytest.approx(0.1 * 0.01 * 2.0, rel=1e-3)

    def test_long_gradients_are_shortened(self) -> None:
        optimiser = falling_adam(0.1, 1.0, 10, clip=1.0)
        _, state = descend(optimiser, jnp.zeros(2), jnp.array([30.0, 40.0]), begin(optimiser, jnp.zeros(2)))
        mean = next(leaf for leaf in jax.tree.leaves(state) if leaf.shape == (2,))
        np.testing.assert_allclose(mean, 0.1 * np.array([0.6, 0.8]), rtol=1e-5)
