"""CGDM's targets, losses and update against slow NumPy readings, and what its switches do."""

from __future__ import annotations

from dataclasses import fields, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.base import Transition
from edgewise.algorithms.cgdm import CGDM, CGDMConfig, CGDMState, value_scale
from edgewise.algorithms.critic import critic_objective
from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Spaces
from edgewise.policies.diffusion import consistency_loss

OBS, A, B = 4, 3, 8
SPACES = Spaces(
    Box(np.full(OBS, -1, np.float32), np.full(OBS, 1, np.float32)),
    Box(np.full(A, -1, np.float32), np.full(A, 1, np.float32)),
)
CONFIG = CGDMConfig(hidden=(16, 16), time_embedding=8, batch_size=B)
KEY = jax.random.key(5)


def make(config: CGDMConfig = CONFIG) -> tuple[CGDM, CGDMState, Transition]:
    algorithm = CGDM(config, SPACES, 1000)
    keys = jax.random.split(KEY, 5)
    batch = Transition(
        jax.random.normal(keys[0], (B, OBS)),
        jax.random.uniform(keys[1], (B, A), minval=-1, maxval=1),
        jax.random.normal(keys[2], (B,)),
        jnp.array([0.8] * (B - 1) + [0.0]),
        jax.random.normal(keys[3], (B, OBS)),
    )
    return algorithm, algorithm.init(keys[4]), batch


def np_critic(critic: object, observation: np.ndarray, action: np.ndarray) -> np.ndarray:
    values = []
    for network in critic.networks:
        x = np.concatenate([observation, action], axis=-1).astype(float)
        for layer in network.layers[:-1]:
            x = x @ np.asarray(layer.weight, float).T + np.asarray(layer.bias, float)
            x = x * np.tanh(np.logaddexp(0, x))
        last = network.layers[-1]
        values.append((x @ np.asarray(last.weight, float).T + np.asarray(last.bias, float))[:, 0])
    return np.stack(values)


def test_target_and_critic_loss() -> None:
    algorithm, state, batch = make()
    other = algorithm.init(jax.random.key(99))
    state = eqx.tree_at(lambda s: (s.target_actor, s.target_critic), state, (other.actor, other.critic))
    goal = algorithm.value_target(state, batch, KEY)
    action = np.asarray(algorithm.policy(state)(batch.next_observation, KEY))  # deploys the slow copy
    value = np_critic(other.critic, np.asarray(batch.next_observation), action).min(0)
    expected = np.asarray(batch.reward) + np.asarray(batch.discount) * value
    np.testing.assert_allclose(goal, expected, rtol=1e-4, atol=1e-5)
    assert goal[-1] == batch.reward[-1]
    loss = critic_objective(state.critic, batch, goal)
    errors = np_critic(state.critic, np.asarray(batch.observation), np.asarray(batch.action)) - np.asarray(goal)
    np.testing.assert_allclose(loss, (errors**2).mean(1).sum(), rtol=1e-4)


@pytest.mark.parametrize("kappa", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("rho", [0.0, 0.5])
@pytest.mark.parametrize("scale", ["deviation", "magnitude", "none"])
def test_actor_objective(kappa: float, rho: float, scale: str) -> None:
    algorithm, state, batch = make(
        replace(CONFIG, confidence_sensitivity=kappa, consistency_weight=rho, value_scale=scale)
    )
    loss, metrics = algorithm.actor_objective(state.actor, state.critic, batch, KEY)
    action_key, confidence_key, loss_key = jax.random.split(KEY, 3)
    policy = algorithm.policy(state)
    action = policy(batch.observation, action_key)
    value = np_critic(state.critic, np.asarray(batch.observation), np.asarray(action)).min(0)
    confidence = np.exp(-kappa * np.asarray(consistency_loss(policy, batch.observation, action, confidence_key), float))
    divisor = {"deviation": np.abs(value - value.mean()).mean(), "magnitude": np.abs(value).mean(), "none": 1.0}[scale]
    consistency = np.asarray(consistency_loss(policy, batch.observation, batch.action, loss_key), float).mean()
    np.testing.assert_allclose(loss, rho * consistency - (confidence * value).mean() / divisor, rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(metrics["confidence"], confidence.mean(), rtol=1e-3)
    if kappa == 0:
        assert metrics["confidence"] == 1


def test_confidence_is_a_constant_under_differentiation() -> None:
    """The gradient equals that of an objective into which the confidences go as numbers."""
    algorithm, state, batch = make(
        replace(CONFIG, consistency_weight=0.0, value_scale="none", confidence_sensitivity=2.0)
    )
    action_key, confidence_key, _ = jax.random.split(KEY, 3)
    policy = algorithm.policy(state)
    action = policy(batch.observation, action_key)
    weights = np.exp(-2 * np.asarray(consistency_loss(policy, batch.observation, action, confidence_key)))

    def frozen(actor: object) -> jax.Array:
        moved = eqx.tree_at(lambda p: p.denoiser, policy, actor)
        return -(
            jnp.asarray(weights) * state.critic(batch.observation, moved(batch.observation, action_key)).min(0)
        ).mean()

    ours = jax.grad(lambda actor: algorithm.actor_objective(actor, state.critic, batch, KEY)[0])(state.actor)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(jax.grad(frozen)(state.actor)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


def test_value_scale_ignores_a_constant() -> None:
    values = jnp.array([1.0, 2.0, 6.0])
    np.testing.assert_allclose(value_scale(values, "deviation"), 2.0, rtol=1e-6)
    np.testing.assert_allclose(value_scale(values - 30, "deviation"), 2.0, rtol=1e-6)
    np.testing.assert_allclose(value_scale(values - 30, "magnitude"), 27.0, rtol=1e-6)


def test_update_moves_targets_slowly_and_stays_finite() -> None:
    algorithm, state, batch = make()
    huge = eqx.tree_at(lambda b: b.reward, batch, 1e6 * batch.reward)
    update = eqx.filter_jit(algorithm.update)
    after, metrics = update(state, batch, KEY)
    for old, new, target in zip(
        *map(jax.tree.leaves, (state.target_actor, after.actor, after.target_actor)), strict=True
    ):
        np.testing.assert_allclose(target, old + 0.005 * (new - old), rtol=1e-4, atol=1e-7)
    assert set(metrics) == {"value", "confidence", "consistency_loss", "critic_loss"}
    for i in range(50):
        state, metrics = update(state, huge, jax.random.key(i))
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves((state, metrics)))


def test_learning_rates_fall_along_a_cosine() -> None:
    algorithm, state, batch = make(replace(CONFIG, final_rate=0.1))
    finished = eqx.tree_at(
        lambda s: s.actor_optimiser[1].count, state, jnp.asarray(1000, state.actor_optimiser[1].count.dtype)
    )
    steps = []
    for start in (state, finished):
        after, _ = algorithm.update(start, batch, KEY)
        moved = jax.tree.map(lambda a, b: jnp.abs(a - b).max(), after.actor, start.actor)
        steps.append(max(float(leaf) for leaf in jax.tree.leaves(moved)))
    assert steps[1] == pytest.approx(0.1 * steps[0], rel=0.01)


def test_exploration_redraws_the_configured_share() -> None:
    algorithm, state, _ = make(replace(CONFIG, exploration=0.25))
    observation = jnp.zeros((4000, OBS))
    plain = CGDM(replace(CONFIG, exploration=0.0), SPACES, 1000)
    changed = np.asarray(algorithm.act(state, observation, KEY, True) != plain.act(state, observation, KEY, True))
    assert changed.mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(
        algorithm.act(state, observation[:2], KEY, False), algorithm.policy(state)(observation[:2], None)
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("denoising_steps", 0), ("batch_size", 0), ("hidden", (0, 4)), ("discount", 1.0), ("discount", -0.1),
        ("target_rate", 0.0), ("actor_rate", 0.0), ("critic_rate", float("nan")), ("confidence_sensitivity", -1.0),
        ("consistency_weight", -1.0), ("exploration", 1.5), ("final_rate", 0.0), ("time_embedding", 0),
    ],
)  # fmt: skip
def test_bad_configuration_names_the_field(field: str, value: object) -> None:
    assert field in {f.name for f in fields(CGDMConfig)}
    with pytest.raises(ConfigurationError, match=f"^{field} = "):
        CGDMConfig(**{field: value})
