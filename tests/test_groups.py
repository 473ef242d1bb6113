"""Training in groups of instances of several sizes, and evaluation there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from edgewise.algorithms.base import OnPolicyAlgorithm, Step
from edgewise.algorithms.entity_ppo import EntityPPOConfig
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.instances import RELATIVE, DrawnInstances, GroupPolicy, InstanceGroups, example, in_groups
from edgewise.environments.spaces import Box
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.training.build import build
from edgewise.training.checkpoint import Checkpoints
from edgewise.training.evaluation import evaluate
from edgewise.training.groups import GroupedLoop, GroupedState, grouped
from edgewise.training.loop import Loop
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyLoop
from edgewise.training.presets import default_configs
from edgewise.training.run_folder import RunConfig
from edgewise.training.trainer import CompiledTrainer
from first_chunk import first_chunk

HORIZON = 4


class Line(Environment[Float[Array, ""]]):
    """Costs its instance's price at every step; observations are zeros."""

    price: Float[Array, ""]
    unused: Float[Array, 0]
    size: int = eqx.field(static=True)

    @classmethod
    def of(cls, price: float, size: int) -> Line:
        return cls(jnp.asarray(price), jnp.zeros(0), size)

    @property
    def observation_space(self) -> Box:
        return Box(np.full(self.size, -1, np.float32), np.full(self.size, 1, np.float32))

    @property
    def action_space(self) -> Box:
        return self.observation_space

    @property
    def horizon(self) -> int:
        return HORIZON

    def reset(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        return jnp.zeros(()), jnp.zeros(self.size)

    def step(self, key: PRNGKeyArray, state: Any, action: Any) -> tuple[Any, TimeStep]:
        ended = state + 1 >= HORIZON
        return state + 1, TimeStep(
            jnp.zeros(self.size), -self.price, jnp.zeros((), bool), ended, {"cost": self.price, "size": self.size * 1.0}
        )


@dataclass(frozen=True)
class CountingConfig:
    minibatches: int = 1


class Counted(eqx.Module):
    """Steps seen, and the rewards one after another, discounted so that their order counts."""

    steps: Float[Array, ""]
    total: Float[Array, ""]


class Counting(OnPolicyAlgorithm[CountingConfig, Counted]):
    """Learns nothing, in observations of any size."""

    def init(self, key: PRNGKeyArray) -> Counted:
        return Counted(jnp.zeros(()), jnp.zeros(()))

    def policy(self, train_state: Counted) -> Any:
        return train_state

    def act(self, train_state: Counted, observation: PyTree[Array], key: PRNGKeyArray) -> Array:
        return jnp.zeros_like(observation)

    def update(self, train_state: Counted, rollout: Step, key: PRNGKeyArray) -> tuple[Counted, dict[str, Array]]:
        total = train_state.total / 2 + rollout.reward.mean()
        return Counted(train_state.steps + rollout.reward.size, total), {
            "copies": rollout.reward.shape[1] * jnp.ones(())
        }


CONFIG = OnPolicyConfig(steps=60, environments=5, rollout=3, evaluations=2, evaluation_episodes=5)
GROUPS = in_groups([Line.of(1.0, 2), Line.of(3.0, 2), Line.of(10.0, 3)], nominal=[1.0, 3.0, 5.0], measured="cost")


def counting_loop(group: Environment[Any], config: Any) -> Loop:
    return OnPolicyLoop(group, Counting(CountingConfig(), group.spaces, 9), config)


RUN = RunConfig(
    "agent-migration",
    AgentMigrationConfig(
        instances="drawn", shapes=("3x2", "2x2"), instances_per_shape=2, slots=3, observation="entities"
    ),
    "entity-ppo",
    EntityPPOConfig(width=4, rounds=0, epochs=1, minibatches=1),
    OnPolicyConfig(steps=24, environments=4, rollout=2, evaluations=3, evaluation_episodes=2, checkpoint_every=1),
)
"""Two sizes, one policy."""


@pytest.fixture(scope="module")
def groups() -> InstanceGroups:
    assert isinstance(GROUPS, InstanceGroups)
    return GROUPS


@pytest.fixture(scope="module")
def loop(groups: InstanceGroups) -> GroupedLoop:
    return grouped(groups, CONFIG, counting_loop)


def test_instances_are_grouped_by_size(groups: InstanceGroups) -> None:
    assert [group.observation_space.shape for group in groups.groups] == [(2,), (3,)]  # type: ignore[union-attr]
    assert [group.count for group in groups.groups] == [2, 1]  # type: ignore[attr-defined]
    assert isinstance(in_groups([Line.of(1.0, 2), Line.of(2.0, 2)]), DrawnInstances)
    assert float(example(groups).price) == 1.0
    assert example(example(groups)) is not None


def test_copies_are_spread_and_every_group_is_learned_from_in_turn(loop: GroupedLoop) -> None:
    state, metrics = first_chunk(loop, jax.random.key(0))
    assert [each.config.environments for each in loop.loops] == [3, 2]
    iterations = CONFIG.iterations_done(1)
    assert iterations == 2
    assert float(state.train_state.steps) == CONFIG.steps_done(1) == iterations * 15
    assert float(metrics["copies"]) == 2.5
    assert [each.environment_state.index.shape for each in state.groups] == [(3,), (2,)]


def test_chunks_of_one_iteration_end_as_one_chunk_of_several(loop: GroupedLoop) -> None:
    chunk = eqx.filter_jit(lambda state, times: loop.chunk(state, times))
    start = eqx.filter_jit(loop.start)(jax.random.key(3))
    at_once, _ = chunk(start, jnp.asarray(3))
    in_parts, _ = chunk(start, jnp.asarray(1))
    in_parts, _ = chunk(in_parts, jnp.asarray(2))
    same = jax.tree.map(lambda a, b: bool((a == b).all()), _plain(at_once), _plain(in_parts))
    assert all(jax.tree.leaves(same))
    assert float(at_once.train_state.total) < float(start.train_state.total)


def _plain(state: GroupedState) -> Any:
    keys = jax.tree.map(
        lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf, state
    )
    return jax.tree.leaves(keys)


def test_a_checkpoint_holds_the_groups(loop: GroupedLoop, tmp_path: Path) -> None:
    state, _ = first_chunk(loop, jax.random.key(1))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, state)
    restored = checkpoints.restore(1, eqx.filter_jit(loop.start)(jax.random.key(2)))
    checkpoints.close()
    for one, other in zip(_plain(restored), _plain(state), strict=True):
        np.testing.assert_array_equal(one, other)


def test_episodes_are_spread_over_groups_and_instances(groups: InstanceGroups) -> None:
    def policy(key: Any, state: Any, observation: Array) -> Array:
        return observation

    result = evaluate(groups, policy, jax.random.key(0), 5)
    np.testing.assert_array_equal(result["cost"], [1, 3, 1, 10, 10])
    np.testing.assert_array_equal(result["size"], [2, 2, 2, 3, 3])
    np.testing.assert_array_equal(result[RELATIVE], [1, 1, 1, 2, 2])
    each = GroupPolicy((policy, policy))
    np.testing.assert_array_equal(evaluate(groups, each, jax.random.key(0), 5)["return"], result["return"])


def test_the_best_policy_is_chosen_by_what_is_relative_to_the_instance(
    groups: InstanceGroups, loop: GroupedLoop
) -> None:
    result = {"return": jnp.asarray([[-100.0, -1.0], [-50.0, -3.0]]), RELATIVE: jnp.asarray([[1.0, 1.0], [0.5, 3.0]])}
    np.testing.assert_allclose(CompiledTrainer(loop, groups).score(1, result), [-1.0, -1.75])
    np.testing.assert_allclose(CompiledTrainer(loop, Line.of(1.0, 2)).score(1, result), [-50.5, -26.5])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"environments": 1}, "environments"),
        ({"evaluation_episodes": 1}, "evaluation_episodes"),
        ({"input_span": 1.0}, "input_span"),
    ],
)
def test_sizes_that_do_not_suit_groups_are_named(groups: InstanceGroups, change: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError, match=field):
        grouped(groups, replace(CONFIG, **change), counting_loop)


def run_of(algorithm: str, **system: Any) -> RunConfig:
    entry = registry.find("agent-migration")
    learner, training = default_configs("agent-migration", algorithm)
    return RunConfig(entry.name, entry.config(instances="drawn", slots=4, **system), algorithm, learner, training)


def test_a_learner_of_one_size_refuses_several() -> None:
    run = run_of("ppo", shapes=("3x2", "2x2"), instances_per_shape=2)
    with pytest.raises(ConfigurationError, match="any size"):
        build(replace(run, training=replace(run.training, input_span=None)))


def test_the_parts_of_an_off_policy_budget_have_as_many_iterations() -> None:
    run = run_of("sac", shapes=("3x2",), instances_per_shape=2)
    evaluation, loop = build(run)
    assert isinstance(evaluation, DrawnInstances)
    training = replace(run.training, steps=5000, environments=10, warmup_steps=995, replay_capacity=2000)
    group = loop.environment
    parts = [
        each.config
        for each in grouped(
            InstanceGroups((group, group, group)), training, lambda group, part: type(loop)(group, loop.algorithm, part)
        ).loops
    ]
    assert [each.environments for each in parts] == [4, 3, 3]
    assert {each.warmup_iterations for each in parts} == {training.warmup_iterations}  # type: ignore[attr-defined]
    assert {each.iterations for each in parts} == {training.iterations}
