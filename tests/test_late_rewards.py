"""Rewards that come late: what environments tell of them, and the line in which steps wait for theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.base import Step
from edgewise.algorithms.d2sac import D2SACConfig
from edgewise.algorithms.dqn import DQN, DQNConfig
from edgewise.algorithms.drqn import DRQN, DRQNConfig
from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import to_plain
from edgewise.environments import registry
from edgewise.environments.checker import check_environment
from edgewise.environments.environment import Environment, Late, TimeStep
from edgewise.environments.episode import record_episode
from edgewise.environments.instances import in_groups
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.entities import EntitySelection
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.sampling import draw_providers
from edgewise.training.evaluation import evaluate
from edgewise.training.late import empty_line, settle
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from edgewise.training.run_folder import RunConfig
from first_chunk import first_chunk
from late_bandit import LateBandit, right
from reference import late_rewards as slow

SYSTEM = registry.find("service-selection")
SMALL = OffPolicyConfig(
    steps=400, environments=4, updates=1, warmup_steps=40, evaluations=4, evaluation_episodes=2, checkpoint_every=1, seeds=2,
    replay_capacity=300, reward_delay=6,
)  # fmt: skip
RUN = RunConfig(
    "service-selection",
    ServiceSelectionConfig(providers=3, tasks=12, quality_delay=True),
    "d2sac",
    D2SACConfig(hidden=(8,), batch_size=16, denoising_steps=2, time_embedding=4, n_step=2),
    SMALL,
)
BANDIT = LateBandit()
Q = DQNConfig(hidden=(32,), batch_size=64, discount=0.5, rate=5e-3)


@eqx.filter_jit
def through(steps: Step, wait: int) -> tuple[Step, jax.Array]:
    """Steps [t, copies, ...] sent through a line: what leaves it, and the payments too late in each step."""
    first = jax.tree.map(lambda x: jnp.zeros_like(x[0]), replace(steps, late=()))

    def go_on(line: Any, step: Step) -> Any:
        line, leaving = settle(line, step)
        return line, (leaving, line.overdue)

    return jax.lax.scan(go_on, empty_line(first, wait), steps)[1]


def settled(timesteps: TimeStep, wait: int) -> Step:
    """Every step of one episode of one copy after its wait."""

    def longer(x: jax.Array) -> jax.Array:
        return jnp.concatenate([x, jnp.zeros((wait, *x.shape[1:]), x.dtype)])[:, None]

    t, never = jnp.arange(len(timesteps.reward)), jnp.zeros_like(timesteps.terminated)
    steps = Step(t, t, timesteps.reward, never, never, t, credit=timesteps.credit, late=timesteps.late)
    leaving, _ = through(jax.tree.map(longer, steps), wait)
    return jax.tree.map(lambda x: x[wait:, 0], leaving)


def system(**changes: Any) -> ServiceSelection:
    return ServiceSelection(ServiceSelectionConfig(**{"providers": 6, "tasks": 60, "arrival_rate": 4e-4, **changes}))


def played(environment: Environment[Any], name: str) -> TimeStep:
    policy = SYSTEM.references(environment, [name])[name]
    return eqx.filter_jit(record_episode)(environment, policy, jax.random.key(0))[1]


class TestLine:
    @pytest.mark.parametrize("wait", [1, 4, 30])
    def test_every_payment_goes_to_the_step_that_a_slow_twin_names(self, wait: int) -> None:
        rng, length, copies, most = np.random.default_rng(wait), 60, 3, 7
        t = np.broadcast_to(np.arange(length)[:, None], (length, copies))
        age = rng.integers(0, np.minimum(t, 12)[..., None] + 1, (length, copies, most))
        payment = np.where(rng.random(age.shape) < 0.6, rng.normal(size=age.shape), 0).astype(np.float32)
        own = rng.normal(size=(length, copies)).astype(np.float32)
        reward, chance = own + payment.sum(-1), rng.normal(size=(length, copies)).astype(np.float32)
        steps = Step(
            *map(jnp.asarray, (t, t, reward, t < 0, t < 0, t + 1)),
            credit={"rows": jnp.asarray(reward - chance)[..., None], "links": jnp.asarray(t < 0)[..., None]},
            late=Late(jnp.asarray(own), jnp.asarray(age), jnp.asarray(payment)),
        )
        leaving, overdue = through(steps, wait)
        assert leaving.late == ()
        np.testing.assert_array_equal(leaving.observation[wait:], t[: length - wait])
        for copy in range(copies):
            expected, late = slow.settled(own[:, copy], age[:, copy], payment[:, copy], wait)
            np.testing.assert_allclose(leaving.reward[wait:, copy], expected, atol=1e-5)
            rows = leaving.credit["rows"][wait:, copy, 0]
            np.testing.assert_allclose(rows, expected - chance[: length - wait, copy], atol=1e-5)
            np.testing.assert_array_equal(overdue[:, copy], late)
        assert (overdue.sum() > 0) == (wait < 12)

    def test_a_line_that_is_too_short_loses_nothing(self) -> None:
        timesteps = played(system(quality_delay=True), "prophet")
        rewards = settled(timesteps, 5).reward
        assert float(rewards.sum()) == pytest.approx(float(timesteps.reward.sum()), rel=1e-5)


class TestServiceSelection:
    @pytest.mark.parametrize("noise", [0.0, 0.1])
    def test_settled_rewards_are_those_paid_on_assignment_where_nothing_crashes(self, noise: float) -> None:
        now = played(system(quality_noise=noise), "prophet")
        then = played(system(quality_noise=noise, quality_delay=True), "prophet")
        assert float(now.info["crashes"].sum()) == 0
        assert int(then.late.age.max()) > 5
        np.testing.assert_allclose(settled(then, 59).reward, now.reward, atol=1e-5)

    @pytest.mark.parametrize("rivalled", [False, True])
    def test_settled_credit_is_that_paid_on_assignment(self, rivalled: bool) -> None:
        now = played(EntitySelection(system(), rivalled), "prophet")
        then = played(EntitySelection(system(quality_delay=True), rivalled), "prophet")
        step = settled(then, 59)
        np.testing.assert_allclose(step.credit["rows"], now.credit["rows"], atol=1e-5)
        np.testing.assert_allclose(step.reward, now.reward, atol=1e-5)

    def test_a_lost_task_earns_nothing_and_who_crashes_pays_alone(self) -> None:
        now, then = (played(system(quality_delay=late), "random") for late in (False, True))
        rewards, crash = np.asarray(settled(then, 59).reward), np.asarray(now.info["crash_reward"])
        assert (crash < 0).sum() > 2
        np.testing.assert_allclose(rewards[crash < 0], crash[crash < 0], rtol=1e-6)
        kept = (crash == 0) & (rewards != 0)
        np.testing.assert_allclose(rewards[kept], np.asarray(now.reward)[kept], atol=1e-5)
        lost = float(now.info["utility"].sum()) - rewards[kept].sum()
        assert lost == pytest.approx(float(now.info["lost_utility"].sum()), abs=1e-4)

    @pytest.mark.parametrize("kind", ["vector", "entities", "instances", "second episode"])
    def test_the_parts_of_a_reward_add_up(self, kind: str) -> None:
        config = {"quality_delay": True, "tasks": 20}
        environment: Any = system(**config)
        if kind == "entities":
            environment = EntitySelection(environment)
        elif kind == "instances":
            drawn = [draw_providers(jax.random.key(seed), 6) for seed in range(2)]
            environment = in_groups([ServiceSelection(environment.config, each, places=9) for each in drawn])
        elif kind == "second episode":
            environment = system(**config, earlier_episodes=1)
        check_environment(environment)


class TestLoop:
    @pytest.mark.parametrize("wait", [5, 8])
    @pytest.mark.parametrize("kind", ["transitions", "sequences"])
    def test_what_is_replayed_has_the_reward_of_its_own_decision(self, kind: str, wait: int) -> None:
        learner: Any = DQN(replace(Q, batch_size=8), BANDIT.spaces, 100)
        if kind == "sequences":
            learner = DRQN(
                DRQNConfig(hidden=(8,), memory=4, batch_size=4, sequence_length=3, burn_in=1), BANDIT.spaces, 100
            )
        training = replace(SMALL, steps=600, evaluations=1, replay_capacity=600, warmup_steps=48, reward_delay=wait)
        state, metrics = first_chunk(OffPolicyLoop(BANDIT, learner, training), jax.random.key(0))
        count = 600 - 4 * wait
        stored = jax.tree.map(
            lambda x: x[0] if kind == "transitions" else x.reshape(-1, *x.shape[2:]), state.replay.experience
        )
        earned = np.asarray(right(stored.observation[..., 0], stored.action))
        filled = np.asarray(stored.observation[..., 0] != 0)
        assert filled.sum() == count
        np.testing.assert_array_equal(stored.reward[filled], earned[filled])
        assert 0.1 < earned[filled].mean() < 1
        assert float(metrics["late_payments"]) == 0

    def test_payments_that_come_too_late_are_counted(self) -> None:
        training = replace(SMALL, evaluations=1, reward_delay=3)
        learner = DQN(replace(Q, batch_size=8), BANDIT.spaces, 100)
        _, metrics = first_chunk(OffPolicyLoop(BANDIT, learner, training), jax.random.key(0))
        assert 0.1 < float(metrics["late_payments"]) <= 2 * SMALL.environments

    @pytest.mark.slow
    def test_late_rewards_teach_with_the_line_alone(self) -> None:
        endless, shares = LateBandit(length=1_000), []
        for wait in (0, 5):
            training = OffPolicyConfig(
                steps=8_000, environments=16, updates=2, warmup_steps=640, evaluations=1, replay_capacity=8_000,
                reward_delay=wait,
            )  # fmt: skip
            learner = DQN(Q, endless.spaces, training.total_updates)
            state, _ = first_chunk(OffPolicyLoop(endless, learner, training), jax.random.key(1))
            policy = LearnedPolicy(learner.policy(state.train_state))
            shares.append(float(evaluate(endless, policy, jax.random.key(2), 2)["right"].mean()))
        without, waiting = shares
        assert waiting > 0.85
        assert without < 0.6


class TestRefused:
    def test_a_wait_for_nothing(self) -> None:
        environment = system()
        with pytest.raises(ConfigurationError, match="reward_delay = 6: must be 0 in an environment that pays every"):
            OffPolicyLoop(environment, DQN(Q, environment.spaces, 10), SMALL)

    def test_a_warm_up_that_does_not_fill_the_line(self) -> None:
        training = replace(SMALL, reward_delay=11)
        with pytest.raises(
            ConfigurationError, match=r"warmup_steps = 40: .* - 1 \+ reward_delay\) \* environments = 44"
        ):
            OffPolicyLoop(BANDIT, DQN(Q, BANDIT.spaces, 10), training)

    def test_less_than_nothing(self) -> None:
        with pytest.raises(ConfigurationError, match="reward_delay = -1"):
            replace(SMALL, reward_delay=-1)


def test_plain_values_at_the_default_are_those_from_before() -> None:
    assert "reward_delay" not in to_plain(replace(SMALL, reward_delay=0))
    assert to_plain(SMALL)["reward_delay"] == 6
