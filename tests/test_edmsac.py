"""EDMSAC's targets, losses and updates against slow NumPy readings, and what its switches do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from edgewise.algorithms.base import Transition
from edgewise.algorithms.critic import critic_objective
from edgewise.algorithms.edmsac import (
    EDMSAC,
    SMALLEST_VARIANCE,
    Actor,
    DMDDPGConfig,
    DMSACConfig,
    EDMSACConfig,
    EDMSACState,
)
from edgewise.common.errors import ConfigurationError
from edgewise.diffusion.pruning import importance, kept_rows, prune, row_masks
from edgewise.environments.spaces import Box, Spaces
from edgewise.policies.artefact import load_policy
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.training.presets import default_configs
from edgewise.training.run_folder import RunConfig
from test_continuous import np_values
from value_probes import SMALL, check_last_choice, check_truncation

OBS, A, B = 4, 3, 8
SPACES = Spaces(
    Box(np.full(OBS, -1, np.float32), np.full(OBS, 1, np.float32)),
    Box(np.full(A, -1, np.float32), np.full(A, 1, np.float32)),
)
CONFIG = EDMSACConfig(hidden=(16, 12), time_embedding=8, batch_size=B, denoising_steps=3, temperature=0.3)
KEY = jax.random.key(5)


ALGORITHM, BUDGET = default_configs("dynamic-contract", "edmsac")
RUN = RunConfig(
    "dynamic-contract",
    DynamicContractConfig(),
    "edmsac",
    replace(ALGORITHM, hidden=(16, 16), batch_size=16, denoising_steps=2, pruning_rate=0.5),
    replace(
        BUDGET, steps=400, environments=4, warmup_steps=80, updates=1, evaluations=4, evaluation_episodes=2,
        checkpoint_every=1, seeds=2,
    ),
)  # fmt: skip


def make(config: EDMSACConfig = CONFIG) -> tuple[EDMSAC, EDMSACState, Transition]:
    algorithm = EDMSAC(config, SPACES, 1000)
    keys = jax.random.split(KEY, 5)
    batch = Transition(
        jax.random.normal(keys[0], (B, OBS)),
        jax.random.uniform(keys[1], (B, A), minval=-1, maxval=1),
        jax.random.normal(keys[2], (B,)),
        jnp.array([0.8] * (B - 1) + [0.0]),
        jax.random.normal(keys[3], (B, OBS)),
    )
    state, other = algorithm.init(keys[4]), algorithm.init(jax.random.key(99))
    return (
        algorithm,
        eqx.tree_at(lambda s: (s.target_actor, s.target_critic), state, (other.actor, other.critic)),
        batch,
    )


def np_log_density(mean: np.ndarray, deviation: np.ndarray, u: np.ndarray) -> np.ndarray:
    return (stats.norm.logpdf(u, mean, deviation) - np.log(1 - np.tanh(u) ** 2)).sum(-1)


def np_draw(algorithm: EDMSAC, actor: Actor, observation: Any) -> tuple[np.ndarray, np.ndarray]:
    """Action and log pi of the pruned network, by the definitions of the module's two readings."""
    c = algorithm.config
    policy = algorithm.policy(algorithm.init(KEY))
    pruned = prune(actor.denoiser, c.pruning_rate)
    policy = eqx.tree_at(lambda p: p.denoiser, policy, pruned)
    if c.log_density == "last-step":
        chain_key, last_key = jax.random.split(KEY)
        mean = np.asarray(policy.centre(observation, chain_key), float)
        deviation = np.exp(np.asarray(actor.log_deviation, float))
        u = mean + deviation * np.asarray(jax.random.normal(last_key, mean.shape), float)
        return np.tanh(u), np_log_density(mean, deviation, u)
    ends = np.asarray(policy.centre(jnp.stack([observation] * c.fit_samples), KEY), float)
    return np.tanh(ends[0]), np_log_density(ends.mean(0), np.sqrt(ends.var(0) + SMALLEST_VARIANCE), ends[0])


@pytest.mark.parametrize("log_density", ["last-step", "fitted"])
def test_soft_target_of_the_pruned_target_actor(log_density: Any) -> None:
    algorithm, state, batch = make(replace(CONFIG, log_density=log_density))
    action, log_pi = np_draw(algorithm, state.target_actor, batch.next_observation)
    value = np_values(state.target_critic, np.asarray(batch.next_observation), action).min(0)
    expected = np.asarray(batch.reward) + np.asarray(batch.discount) * (value - 0.3 * log_pi)
    goal = algorithm.value_target(state, batch, KEY)
    np.testing.assert_allclose(goal, expected, rtol=2e-3, atol=1e-3)
    assert goal[-1] == batch.reward[-1]
    errors = np_values(state.critic, np.asarray(batch.observation), np.asarray(batch.action)) - np.asarray(goal)
    np.testing.assert_allclose(critic_objective(state.critic, batch, goal), (errors**2).mean(1).sum(), rtol=1e-4)


@pytest.mark.parametrize("log_density", ["last-step", "fitted"])
def test_actor_loss_rewards_entropy(log_density: Any) -> None:
    algorithm, state, batch = make(replace(CONFIG, log_density=log_density))
    action, log_pi = np_draw(algorithm, state.actor, batch.observation)
    value = np_values(state.critic, np.asarray(batch.observation), action).min(0)
    loss, metrics = algorithm.actor_objective(algorithm.prune(state.actor), state.critic, batch.observation, KEY)
    np.testing.assert_allclose(loss, (0.3 * log_pi - value).mean(), rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose([metrics["value"], metrics["entropy"]], [value.mean(), -log_pi.mean()], rtol=2e-3)


def test_both_log_densities_agree_where_both_are_exact() -> None:
    """A chain that ends at the same place whatever its noise: the last step's density is that of the policy."""
    _, state, _ = make()
    still = eqx.tree_at(
        lambda d: (d.body.layers[-1].weight, d.body.layers[-1].bias),
        state.actor.denoiser,
        (jnp.zeros((A, 12)), jnp.array([0.3, -0.2, 0.1])),
    )
    observation = jnp.zeros((4000, OBS))
    algorithm = EDMSAC(CONFIG, SPACES, 1)
    action, log_pi = algorithm.sample(Actor(still, state.actor.log_deviation), observation, KEY)
    exact = np_log_density(
        np.array([0.3, -0.2, 0.1]), np.full(A, CONFIG.deviation), np.arctanh(np.asarray(action, float))
    )
    np.testing.assert_allclose(log_pi, exact, rtol=1e-2, atol=1e-2)
    ends = jnp.arctanh(action).reshape(100, 40, A)
    fitted = np_log_density(*(np.asarray(x, float) for x in (ends.mean(0), ends.std(0), ends)))
    assert -fitted.mean() == pytest.approx(-exact.mean(), abs=0.05)


def np_adam(rate: float, decay: float, weight: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The first step of Adam with L2 regularisation."""
    g = gradient + decay * weight
    return weight - rate * g / (np.abs(g) + 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("revive", [True, False])
def test_update_is_a_step_along_the_gradient_of_the_pruned_network(revive: bool) -> None:
    """(58)-(60): where from, where to, and that the gradient is taken at the pruned parameters, pruned rows included."""
    config = replace(CONFIG, revive=revive, weight_decay=1e-2)
    algorithm, state, batch = make(config)
    after, metrics = eqx.filter_jit(algorithm.update)(state, batch, KEY)
    pruned = algorithm.prune(state.actor)
    _, actor_key = jax.random.split(KEY)
    gradient = jax.grad(lambda a: algorithm.actor_objective(a, after.critic, batch.observation, actor_key)[0])(pruned)
    start = state.actor if revive else pruned
    slow = state.target_actor if revive else algorithm.prune(state.target_actor)
    for w, g, new, t, target in zip(
        *map(jax.tree.leaves, (start, gradient, after.actor, slow, after.target_actor)), strict=True
    ):
        w, g, new, t = (np.asarray(x, float) for x in (w, g, new, t))
        clear = np.abs(g + 1e-2 * w) > 1e-6
        np.testing.assert_allclose(new[clear], np_adam(config.actor_rate, 1e-2, w, g)[clear], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(target, t + 0.005 * (new - t), rtol=1e-4, atol=1e-7)
    old, new_masks = (np.concatenate(row_masks(x.denoiser, 0.5)) for x in (state.actor, after.actor))
    assert float(metrics["turnover"]) == pytest.approx((old != new_masks).mean())
    assert set(metrics) == {"value", "entropy", "critic_loss", "turnover"}
    silent = ~row_masks(state.actor.denoiser, 0.5)[0]
    assert (
        float(
            jnp.abs(
                jax.grad(lambda a: algorithm.actor_objective(a, after.critic, batch.observation, actor_key)[0])(
                    pruned
                ).denoiser.observation.weight[silent]
            ).max()
        )
        > 0
    )


@pytest.mark.slow
@pytest.mark.parametrize("revive", [True, False])
def test_pruned_rows_come_back_only_if_they_keep_their_weights(revive: bool) -> None:
    """One kept row of the first layer is shrunk to nearly nothing: the best of the pruned ones takes its place."""
    algorithm, state, batch = make(replace(CONFIG, revive=revive))
    update = eqx.filter_jit(algorithm.update)
    state, _ = update(state, batch, KEY)
    gone, kept = (np.flatnonzero(np.asarray(row_masks(state.actor.denoiser, 0.5)[0]) == k) for k in (False, True))
    norms = np.asarray(importance(state.actor.denoiser)[0])
    if revive:
        assert norms[gone].min() > 0.1
    else:  # overwritten by zero, then moved by one step of the optimiser
        assert norms[gone].max() < 0.05

    def first_layer(s: EDMSACState) -> list[Any]:
        d = s.actor.denoiser
        return [d.observation.weight, d.action.weight, d.time.layers[-1].weight]

    shrunk = eqx.tree_at(first_layer, state, [w.at[kept[0]].multiply(1e-6) for w in first_layer(state)])
    after, _ = update(shrunk, batch, KEY)
    back = set(np.asarray(kept_rows(after.actor.denoiser, 0.5)[0]).tolist()) - set(kept.tolist())
    assert back == {int(gone[norms[gone].argmax()])} if revive else True
    assert norms[gone].max() < norms[kept].min()


@pytest.mark.slow
def test_every_row_stays_pruned_in_the_printed_form() -> None:
    algorithm, state, batch = make(replace(CONFIG, revive=False))
    update = eqx.filter_jit(algorithm.update)
    first = [mask.tolist() for mask in row_masks(state.actor.denoiser, 0.5)]
    for key in jax.random.split(KEY, 40):
        state, metrics = update(state, batch, key)
        assert metrics["turnover"] == 0
    assert [mask.tolist() for mask in row_masks(state.actor.denoiser, 0.5)] == first


def test_an_update_keeps_every_type_so_that_programs_are_compiled_once() -> None:
    algorithm, state, batch = make()
    after, _ = eqx.filter_eval_shape(algorithm.update, state, batch, KEY)
    for old, new in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
        assert (old.shape, old.dtype, old.weak_type) == (new.shape, new.dtype, getattr(new, "weak_type", False))


def test_what_is_deployed() -> None:
    """The slow actor without its pruned neurons; with zeros in their place it gives the same."""
    algorithm, state, batch = make()
    small = algorithm.policy(state)
    whole = EDMSAC(replace(CONFIG, compact=False), SPACES, 1000).policy(state)
    assert (small.architecture["hidden"], whole.architecture["hidden"]) == ([8, 6], [16, 12])
    np.testing.assert_allclose(small(batch.observation, None), whole(batch.observation, None), atol=1e-6)
    np.testing.assert_array_equal(algorithm.act(state, batch.observation, KEY, False), small(batch.observation, None))
    np.testing.assert_allclose(
        jnp.tanh(small.centre(batch.observation, None)), small(batch.observation, None), atol=1e-6
    )


def test_variants() -> None:
    dmsac, state, batch = make(DMSACConfig(hidden=(16, 12), batch_size=B))
    assert dmsac.prune(state.actor) is state.actor
    assert dmsac.policy(state).architecture["hidden"] == [16, 12]
    dmddpg, state, batch = make(DMDDPGConfig(hidden=(16, 12), batch_size=B, exploration=0.5))
    assert state.actor.log_deviation is None
    assert len(state.critic.networks) == 1
    _, log_pi = dmddpg.sample(state.actor, batch.observation, KEY)
    assert not log_pi.any()
    explored = dmddpg.act(state, jnp.zeros((3000, OBS)), KEY, True)
    plain = EDMSAC(replace(dmddpg.config, exploration=0.0), SPACES, 1000).act(state, jnp.zeros((3000, OBS)), KEY, True)
    assert float((explored - plain)[jnp.abs(explored) < 1].std()) > 0.3
    assert (jnp.abs(explored) <= 1).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("denoising_steps", 0),   ("hidden", (0,)), ("time_embedding", 1),
        ("pruning_rate", 1.0), ("pruning_rate", -0.1), ("temperature", -1.0),  ("deviation", 0.0),
        ("fit_samples", 1), ("exploration", -0.1), ("critics", 0), ("actor_rate", 0.0), ("critic_rate", 0.0),
        ("final_rate", 0.0), ("weight_decay", -1.0), ("batch_size", 0), ("discount", 1.0), ("target_rate", 0.0),
    ],
)  # fmt: skip
def test_bad_configuration_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{field} = "):
        EDMSACConfig(**{field: value})


SETTINGS = {**SMALL, "denoising_steps": 3}
LEARNERS: dict[str, dict[str, Any]] = {
    "edmsac": {**SETTINGS, "temperature": 0.005},
    "edmsac fitted": {**SETTINGS, "temperature": 0.005, "log_density": "fitted", "fit_samples": 4},
    "edmsac as printed": {**SETTINGS, "temperature": 0.005, "revive": False, "predicts": "noise"},
    "dmddpg": SETTINGS,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_terminal_values_and_the_best_action(name: str) -> None:
    check_last_choice(name.split()[0], LEARNERS[name], near=0.15, first=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edmsac", "dmddpg"])
def test_truncation_is_bootstrapped(name: str) -> None:
    check_truncation(name, LEARNERS[name])


@pytest.mark.slow
def test_the_policies_of_a_run_are_compact_and_differ_between_seeds(trained: Callable[[RunConfig], Path]) -> None:
    for which in ("best", "last"):
        first, second = (load_policy(trained(RUN) / "policy" / which / f"seed-{i}").policy for i in range(2))
        assert first.policy.architecture["hidden"] == [8, 8]
        assert any((a != b).any() for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))
