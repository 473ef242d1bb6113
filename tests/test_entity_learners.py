"""Off-policy learners over sets: critics that value every alternative, their targets, and what they learn."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.decision_value import (
    Decided,
    DecisionValue,
    Values,
    as_action,
    as_numbers,
    gains,
)
from edgewise.algorithms.entity_cgdm import EntityCGDMConfig
from edgewise.algorithms.masked_diffusion import advantages, mask, temperature_for
from edgewise.algorithms.registry import find_algorithm
from edgewise.diffusion.matching_denoiser import MatchingDenoiser
from edgewise.diffusion.schedule import make_schedule
from edgewise.environments.description import Description
from edgewise.networks.bipartite import Features
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.masked_matching import MaskedMatchingPolicy
from edgewise.policies.matching import Sets
from edgewise.policies.matching_diffusion import MatchingDiffusionPolicy
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.training.build import build_loop
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from edgewise.training.run_folder import RunConfig
from first_chunk import learned
from matching_task import MatchingTask, best_reward

V, S = 4, 3
NUMBERS = (3, 4, 5)
SETS = Sets("jobs", "machines", "machine", "on")
NAMES = ("entity-sac", "entity-d2sac", "entity-cgdm", "masked-diffusion")
SMALL = {"width": 16, "rounds": 1, "batch_size": 64, "actor_rate": 3e-3, "critic_rate": 3e-3}
EACH = pytest.mark.parametrize("name", NAMES)
RUN = RunConfig(
    "agent-migration",
    AgentMigrationConfig(vehicles=2, rsus=2, slots=5, observation="entities"),
    "entity-cgdm",
    EntityCGDMConfig(width=4, rounds=1, batch_size=16, denoising_steps=2),
    OffPolicyConfig(
        steps=400, environments=4, updates=1, warmup_steps=40, evaluations=4, evaluation_episodes=3, checkpoint_every=1,
        seeds=1, replay_capacity=300,
    ),
)  # fmt: skip
"""What `test_resume` kills and takes up again."""


@pytest.fixture(scope="module")
def x() -> Features:
    rng = np.random.default_rng(0)
    parts = [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in ((V, 3), (S, 4), (V, S, 5))]
    return Features(*parts, jnp.array([True, True, True, False]), jnp.array([True, True, True]))


@pytest.fixture(scope="module")
def critic() -> DecisionValue:
    return DecisionValue(NUMBERS, 8, 1, True, jax.random.key(0))


@eqx.filter_jit
def judged(critic: DecisionValue, x: Features, decided: Decided) -> Values:
    return critic.judge(critic.encode(x), x.row_mask, decided)


def decision(columns: list[int], on: list[bool], x: Features) -> Decided:
    return as_numbers(x, SETS, {"machine": jnp.array(columns), "on": jnp.array(on)})


def test_the_value_of_an_alternative_is_that_of_the_decision_with_it(critic: DecisionValue, x: Features) -> None:
    columns, on = [0, 2, 2, 1], [True, False, True]
    values = judged(critic, x, decision(columns, on, x))
    for row in range(3):
        for column in range(S):
            changed = [column if v == row else c for v, c in enumerate(columns)]
            expected = judged(critic, x, decision(changed, on, x)).row[row]
            assert float(values.choice[row, column]) == pytest.approx(float(expected), abs=1e-5)
    for column in range(S):
        for state, value in ((True, values.on), (False, values.off)):
            switched = [state if s == column else each for s, each in enumerate(on)]
            expected = judged(critic, x, decision(columns, switched, x)).row[:3].sum()
            assert float(value[column]) == pytest.approx(float(expected), abs=1e-5)


def test_values_depend_on_what_the_others_choose(critic: DecisionValue, x: Features) -> None:
    on = [False, False, False]
    alone, joined = (judged(critic, x, decision(c, on, x)).row[0] for c in ([0, 1, 1, 0], [0, 0, 1, 0]))
    assert abs(float(alone - joined)) > 1e-4


def test_what_is_not_there_changes_no_value(critic: DecisionValue, x: Features) -> None:
    one, other = (judged(critic, x, decision([0, 2, 1, last], [True] * 3, x)) for last in (0, 2))
    np.testing.assert_array_equal(one.row[:3], other.row[:3])
    np.testing.assert_array_equal(one.on, other.on)


def test_decisions_survive_their_form_as_numbers(x: Features) -> None:
    action = as_action(SETS, decision([0, 2, 1, 0], [True, False, True], x))
    assert action["machine"].tolist() == [0, 2, 1, 0]
    assert action["on"].tolist() == [True, False, True]


def test_gains_have_mean_size_one_and_sum_to_nothing_over_columns(critic: DecisionValue, x: Features) -> None:
    gain = gains(x, judged(critic, x, decision([0, 2, 1, 0], [True, False, True], x)))
    there = np.asarray(gain.choice)[:3]
    assert np.abs(there).mean() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(there.sum(1), 0, atol=1e-5)
    assert (np.asarray(gain.choice)[3] == 0).all()


def test_lambda_gives_the_divergence_that_was_asked_for() -> None:
    advantage = jnp.asarray(np.random.default_rng(1).normal(size=(8, 5, 6)), jnp.float32)
    there = jnp.ones((5, 6), bool)
    temperature = float(temperature_for(advantage, there, 0.4))
    weight = np.exp(np.asarray(advantage, float) / temperature)
    weight /= weight.sum(0)
    assert (weight * np.log(8 * weight)).sum(0).mean() == pytest.approx(0.4, abs=1e-3)


def test_advantages_are_weighed_against_the_other_particles() -> None:
    choice = jnp.array([[[[1.0, 0.0]]], [[[0.0, 1.0]]]])  # two particles, one state, one row
    switch = jnp.array([[[1.0, 0.0]], [[0.0, 0.0]]])
    values = Values(jnp.zeros((2, 1, 1)), jnp.broadcast_to(jnp.array([3.0, 1.0]), choice.shape), 5 + switch, 4 + switch)
    found = advantages(Decided(choice, switch), values)
    np.testing.assert_allclose(found[:, 0], [[1.0, 0.5, 0.0], [-1.0, -0.5, 0.0]])


def test_masks_hide_from_one_to_all_of_what_is_there() -> None:
    there = jnp.array([[True, True, False, True]])
    hidden = np.asarray(mask(there, (400, 1, 4), jax.random.key(0)))
    assert not hidden[..., 2].any()
    assert np.unique(hidden.sum(-1)).tolist() == [1, 2, 3]
    np.testing.assert_allclose([(hidden.sum(-1) == n).mean() for n in (1, 2, 3)], 1 / 3, atol=0.08)


@eqx.filter_jit
def decided_by(policy: Any, x: Features) -> tuple[Any, Any]:
    """Choices and switches of a policy without noise."""
    condition = policy.denoiser.condition(x)
    if isinstance(policy, MaskedMatchingPolicy):
        settled = policy.settle(x, condition, None)
        return settled.choice, settled.switch
    scores = policy.scores(x, condition, None)
    return scores[:-1], scores[-1]


POLICIES = pytest.mark.parametrize(
    "policy",
    [
        MatchingDiffusionPolicy(
            MatchingDenoiser(NUMBERS, 8, 1, 8, 1.0, jax.random.key(5)), make_schedule("vp", 3), SETS
        ),
        MaskedMatchingPolicy(MatchingDenoiser(NUMBERS, 8, 1, 0, 1.0, jax.random.key(6)), 3, SETS),
    ],
    ids=["diffusion", "masked"],
)


@POLICIES
def test_denoising_is_equivariant_and_blind_to_padding(policy: Any, x: Features) -> None:
    choice, switch = decided_by(policy, x)
    rows, columns = np.array([2, 3, 0, 1]), np.array([1, 2, 0])
    turned = Features(
        x.rows[rows], x.columns[columns], x.pairs[rows][:, columns], x.row_mask[rows], x.column_mask[columns]
    )
    again = decided_by(policy, turned)
    np.testing.assert_allclose(again[0][x.row_mask[rows]], choice[rows][:, columns][x.row_mask[rows]], atol=1e-5)
    np.testing.assert_allclose(again[1], switch[columns], atol=1e-5)
    smaller = Features(x.rows[:3], x.columns, x.pairs[:3], x.row_mask[:3], x.column_mask)
    without = decided_by(policy, smaller)
    np.testing.assert_allclose(without[0], choice[:3], atol=1e-5)
    np.testing.assert_allclose(without[1], switch, atol=1e-5)


def test_masked_decisions_are_all_made_in_the_last_step(x: Features) -> None:
    denoiser = MatchingDenoiser(NUMBERS, 8, 1, 0, 1.0, jax.random.key(6))
    settled = MaskedMatchingPolicy(denoiser, 3, SETS).settle(x, denoiser.condition(x), jax.random.key(0), (5,))
    assert (settled.rows == x.row_mask).all()
    assert settled.columns.all()
    assert (settled.choice.sum(-1) == x.row_mask).all()


UPDATES = 1500
LEARNS = ("entity-sac", "masked-diffusion")
"""Learners that are asked what they have learned, so that their programs are compiled to be fast."""


@eqx.filter_jit
def run(loop: OffPolicyLoop, key: Any, iterations: int) -> Any:
    return loop.chunk(loop.start(key), iterations)


def trained(name: str, updates: int) -> tuple[Any, Any]:
    """The learner and its state after the first updates of a run on the matching task."""
    task = MatchingTask()
    config = OffPolicyConfig(
        steps=512 + 32 * UPDATES, environments=32, evaluations=1, updates=1, warmup_steps=512, replay_capacity=4096
    )
    entry = find_algorithm(name)
    algorithm = entry.build(entry.config(**SMALL, discount=0.0), task.spaces, config.total_updates)
    loop = build_loop(task, algorithm, config)
    state, _ = (learned if name in LEARNS else run)(loop, jax.random.key(0), updates)
    return algorithm, state.train_state


@pytest.mark.slow
@EACH
def test_learning_twice_gives_the_same_weights(name: str) -> None:
    first, again = (trained(name, 3)[1] for _ in range(2))
    assert eqx.tree_equal(first, again)


reset = eqx.filter_jit(lambda task, key: task.reset(key))
act = eqx.filter_jit(lambda policy, observation, key: policy(observation, key))
fresh = eqx.filter_jit(lambda algorithm, key: algorithm.init(key))


@EACH
def test_a_saved_policy_decides_the_same_at_any_size(name: str, tmp_path: Any) -> None:
    task, entry = MatchingTask(), find_algorithm(name)
    algorithm = entry.build(entry.config(width=8, rounds=1), task.spaces, 1)
    policy = algorithm.policy(fresh(algorithm, jax.random.key(1)))
    described = (Description.of(task.observation_space, "observation"), Description.of(task.action_space, "action"))
    save_policy(tmp_path / "policy", PolicyArtefact(policy, "matching", {}, "test", 0, *described))
    restored = load_policy(tmp_path / "policy")
    for size in (4, 6):
        large = MatchingTask(jobs=size, machines=size - 1)
        observation = reset(large, jax.random.key(7))[1]
        for key in (None, jax.random.key(3)):
            mine, theirs = (act(each, observation, key) for each in (policy, restored.policy))
            assert all((mine[part] == theirs[part]).all() for part in mine)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNS)
def test_decisions_are_almost_the_best(name: str) -> None:
    """Not quite: a row's reward does not tell what a switch costs that it alone needs."""
    algorithm, state = trained(name, UPDATES)
    task, policy = MatchingTask(), eqx.filter_jit(algorithm.policy(state))
    step = eqx.filter_jit(task.step)
    lost, ordinary = [], []
    for key in jax.random.split(jax.random.key(11), 40):
        state_, observation = task.reset(key)
        best = best_reward(task, state_)
        lost.append(best - float(step(key, state_, policy(observation, None))[1].reward))
        ordinary.append(best - float(step(key, state_, task.action_space.sample(key))[1].reward))
    assert np.mean(lost) < 0.25 * np.mean(ordinary), (np.mean(lost), np.mean(ordinary))
