"""The on-policy loop, PPO and REINFORCE: against NumPy, and the run folder with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.advantage import advantages
from edgewise.algorithms.policy_gradient import Sample, critic_objective, explained_variance
from edgewise.algorithms.ppo import PPO, PPOConfig
from edgewise.algorithms.registry import find_algorithm
from edgewise.algorithms.reinforce import REINFORCE, REINFORCEConfig
from edgewise.cli import main
from edgewise.common.errors import ConfigurationError
from edgewise.environments.control.configuration import ControlConfig
from edgewise.environments.spaces import Box, Discrete, Spaces
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.training.choose_loop import build_loop, training_config
from edgewise.training.off_policy import OffPolicyConfig
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyLoop
from edgewise.training.run_folder import RunConfig
from first_chunk import first_chunk
from probes import Probe

OBSERVED = Box(np.full(3, -1, np.float32), np.full(3, 1, np.float32))
SPACES = {
    "discrete": Spaces(OBSERVED, Discrete(4)),
    "box": Spaces(OBSERVED, Box(np.full(2, -1, np.float32), np.full(2, 1, np.float32))),
}
SMALL = OnPolicyConfig(
    steps=128, environments=4, rollout=8, evaluations=4, evaluation_episodes=2, checkpoint_every=1, seeds=2
)
RUN = RunConfig("cartpole", ControlConfig(time_limit=20), "ppo", PPOConfig(hidden=(8,), epochs=2, minibatches=2), SMALL)


def test_advantages_are_those_of_an_obvious_loop() -> None:
    steps, copies, gamma, trace = 12, 5, 0.9, 0.8
    draw = np.random.default_rng(0)
    reward, value, following = draw.normal(size=(3, steps, copies)).astype(np.float32)
    terminated = draw.random((steps, copies)) < 0.2
    truncated = draw.random((steps, copies)) < 0.2
    assert (terminated & ~truncated).any()
    assert (truncated & ~terminated).any()
    expected = np.zeros((steps, copies))
    for copy in range(copies):
        for start in range(steps):
            weight = 1.0
            for t in range(start, steps):
                future = 0.0 if terminated[t, copy] else gamma * following[t, copy]
                expected[start, copy] += weight * (reward[t, copy] + future - value[t, copy])
                weight *= gamma * trace
                if terminated[t, copy] or truncated[t, copy]:
                    break
    result = advantages(*map(jnp.asarray, (reward, terminated, terminated | truncated, value, following)), gamma, trace)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_full_traces_give_monte_carlo_returns_with_the_value_where_an_episode_is_cut() -> None:
    reward = jnp.array([1.0, 2.0, 4.0, 8.0, 16.0])[:, None]
    ended = jnp.array([False, True, False, True, False])[:, None]
    terminated = jnp.array([False, True, False, False, False])[:, None]
    value, following = jnp.full((5, 1), 3.0), jnp.array([3.0, 100.0, 3.0, 100.0, 100.0])[:, None]
    result = advantages(reward, terminated, ended, value, following, 0.5, 1.0) + value
    np.testing.assert_allclose(result[:, 0], [2.0, 2.0, 4 + 0.5 * 58, 8 + 0.5 * 100, 16 + 0.5 * 100])


def sample(actor: Any, kind: str, size: int = 7) -> Sample:
    """Steps of a policy that is a little older than `actor`."""
    keys = jax.random.split(jax.random.key(3), 5)
    observation = jax.random.normal(keys[0], (size, 3))
    action = actor.sample(observation, keys[1])
    log_probability = actor.log_probability_and_entropy(observation, action)[0] + 0.4 * jax.random.normal(
        keys[2], (size,)
    )
    advantage, goal = jax.random.normal(keys[3], (2, size))
    return Sample(observation, action, log_probability, advantage, goal)


def plain_judge(actor: Any, kind: str, batch: Sample) -> tuple[np.ndarray, np.ndarray]:
    output = np.asarray(actor.network(batch.observation), float)
    action = np.asarray(batch.action)
    if kind == "discrete":
        probability = np.exp(output) / np.exp(output).sum(1, keepdims=True)
        return np.log(probability[np.arange(len(action)), action]), -(probability * np.log(probability)).sum(1)
    deviation = np.exp(np.asarray(actor.log_deviation, float))
    density = np.exp(-0.5 * ((action - output) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    return np.log(density).sum(1), np.full(len(action), np.log(deviation * np.sqrt(2 * np.pi * np.e)).sum())


def actor_of(algorithm: PPO | REINFORCE) -> Any:
    """A fresh actor with outputs as large as those of a trained one."""
    actor = algorithm.init(jax.random.key(0)).actor
    return eqx.tree_at(lambda a: a.network.layers[-1].weight, actor, replace_fn=lambda weight: 200 * weight)


@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("normalise", [False, True])
def test_ppo_loss(kind: str, normalise: bool) -> None:
    config = PPOConfig(hidden=(8,), clip=0.3, entropy_weight=0.07, normalise_advantage=normalise)
    algorithm = PPO(config, SPACES[kind], 10)
    actor = actor_of(algorithm)
    batch = sample(actor, kind)
    loss, metrics = algorithm.actor_objective(actor, batch)
    log_probability, entropy = plain_judge(actor, kind, batch)
    ratio = np.exp(log_probability - np.asarray(batch.log_probability))
    advantage = np.asarray(batch.advantage, float)
    if normalise:
        advantage = (advantage - advantage.mean()) / advantage.std()
    terms = [min(r * a, min(max(r, 0.7), 1.3) * a) for r, a in zip(ratio, advantage, strict=True)]
    np.testing.assert_allclose(loss, -np.mean(terms) - 0.07 * entropy.mean(), rtol=1e-4)
    assert 0 < float(metrics["clipped"]) < 1
    np.testing.assert_allclose(metrics["clipped"], np.mean(np.abs(ratio - 1) > 0.3), rtol=1e-6)
    np.testing.assert_allclose(metrics["divergence"], np.mean(ratio - 1 - np.log(ratio)), rtol=1e-3)
    np.testing.assert_allclose(metrics["entropy"], entropy.mean(), rtol=1e-4)


@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("baseline", ["value", "mean", "none"])
def test_reinforce_loss(kind: str, baseline: Any) -> None:
    algorithm = REINFORCE(REINFORCEConfig(hidden=(8,), entropy_weight=0.07, baseline=baseline), SPACES[kind], 10)
    actor = actor_of(algorithm)
    batch = sample(actor, kind)
    loss, _ = algorithm.actor_objective(actor, batch)
    log_probability, entropy = plain_judge(actor, kind, batch)
    goal = np.asarray(batch.target, float)
    weight = {"value": np.asarray(batch.advantage, float), "mean": goal - goal.mean(), "none": goal}[baseline]
    np.testing.assert_allclose(loss, -(log_probability * weight).mean() - 0.07 * entropy.mean(), rtol=1e-4)


def test_value_loss_and_explained_variance() -> None:
    algorithm = PPO(PPOConfig(hidden=(8,)), SPACES["discrete"], 10)
    state = algorithm.init(jax.random.key(0))
    batch = sample(state.actor, "discrete")
    said = np.asarray(state.critic(batch.observation))[:, 0]
    np.testing.assert_allclose(
        critic_objective(state.critic, batch), ((said - np.asarray(batch.target)) ** 2).mean(), rtol=1e-5
    )
    perfect = replace(batch, advantage=jnp.zeros(7))
    constant = replace(batch, advantage=batch.target - 3.0)
    assert float(explained_variance(perfect)) == pytest.approx(1.0, abs=1e-6)
    assert float(explained_variance(constant)) == pytest.approx(0.0, abs=1e-5)


def test_learning_rates_fall_to_their_end_over_the_run() -> None:
    """After `updates` rollouts a step is `final_rate` as long as at the start; Adam's steps have the length of the rate."""
    algorithm = PPO(PPOConfig(hidden=(8,), epochs=2, minibatches=3, final_rate=0.1), SPACES["discrete"], 5)
    assert algorithm.actor_steps == algorithm.critic_steps == 6
    state = algorithm.init(jax.random.key(0))
    gradient = jax.tree.map(jnp.ones_like, state.actor)
    lengths = []
    for _ in range(31):
        actor, optimiser = algorithm.improve_actor(state, gradient)
        lengths.append(float(jnp.abs(actor.network.layers[0].bias - state.actor.network.layers[0].bias)[0]))
        state = replace(state, actor=actor, actor_optimiser=optimiser)
    assert lengths[30] / lengths[0] == pytest.approx(0.1, rel=1e-3)
    assert lengths[15] / lengths[0] == pytest.approx(0.55, rel=1e-2)


def play(actions: int | None, terminates: bool) -> tuple[OnPolicyLoop, Any, Any]:
    probe = Probe(lambda step, shown, action: action + 10 * step, 3, terminates, actions)
    algorithm = PPO(PPOConfig(hidden=(8,), initial_deviation=2.0), probe.spaces, 4)
    loop = OnPolicyLoop(probe, algorithm, SMALL)
    state = loop.start(jax.random.key(0))
    return loop, state, eqx.filter_jit(loop.roll_out)(state, jax.random.key(1))


@pytest.mark.parametrize("terminates", [False, True])
def test_rollout_keeps_final_observations_and_goes_on_with_fresh_ones(terminates: bool) -> None:
    _, start, (_, observation, rollout) = play(2, terminates)
    np.testing.assert_array_equal(rollout.ended[:, 0], [False, False, True] * 2 + [False, False])
    np.testing.assert_array_equal(rollout.terminated, rollout.ended if terminates else np.zeros((8, 4), bool))
    # an episode shows one number throughout, the next one another
    np.testing.assert_array_equal(rollout.observation[..., 1], rollout.next_observation[..., 1])
    assert (rollout.observation[2, :, 1] != rollout.observation[3, :, 1]).all()
    np.testing.assert_array_equal(rollout.observation[0], start.observation)
    np.testing.assert_array_equal(observation, rollout.next_observation[-1])
    np.testing.assert_array_equal(rollout.observation[1], rollout.next_observation[0])


def test_what_is_carried_out_lies_in_the_box_and_what_is_learned_from_is_what_was_drawn() -> None:
    _, _, (_, _, rollout) = play(None, True)
    drawn = np.asarray(rollout.action)[..., 0]
    assert (np.abs(drawn) > 1).any()
    carried_out = np.asarray(rollout.reward) - 10 * (np.arange(8) % 3)[:, None]
    np.testing.assert_allclose(carried_out, np.clip(drawn, -1, 1), atol=1e-5)


@pytest.mark.parametrize(("name", "actions"), [("ppo", 2), ("reinforce", None)])
def test_same_key_same_bits_other_key_other_bits(name: str, actions: int | None) -> None:
    probe = Probe(lambda step, shown, action: shown * action, 3, False, actions)
    entry = find_algorithm(name)
    loop = build_loop(probe, entry.build(entry.config(hidden=(8,)), probe.spaces, SMALL.total_updates), SMALL)
    first, again, other = (jax.tree.leaves(first_chunk(loop, jax.random.key(k))[0].train_state) for k in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True) if a.size > 1)


@pytest.mark.parametrize("kind", SPACES)
def test_a_saved_policy_acts_the_same(kind: str, tmp_path: Path) -> None:
    algorithm = PPO(PPOConfig(hidden=(8, 8)), SPACES[kind], 10)
    policy = replace_head(algorithm)
    save_policy(tmp_path, PolicyArtefact(policy, "cartpole", {}, "ppo", 10))
    loaded = load_policy(tmp_path)
    observation = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    for key in (None, jax.random.key(5)):
        action = loaded.act(observation, key)
        np.testing.assert_array_equal(action, policy(jnp.asarray(observation), key))
        assert SPACES[kind].action.shape == action.shape[1:]
        assert kind == "discrete" or (np.abs(action) <= 1).all()
    assert not np.array_equal(loaded.act(observation), loaded.act(observation, jax.random.key(5)))


def replace_head(algorithm: PPO) -> Any:
    return algorithm.policy(replace(algorithm.init(jax.random.key(0)), actor=actor_of(algorithm)))


def test_a_masked_policy_never_draws_what_is_forbidden() -> None:
    spaces = replace(
        SPACES["discrete"], observation=Box(np.full(5, -1, np.float32), np.full(5, 1, np.float32)), action_mask=True
    )
    policy = replace_head(PPO(PPOConfig(hidden=(8,), masking=True), spaces, 10))
    observation = jnp.tile(jnp.array([0.3, 0.0, 1.0, 0.0, 1.0]), (200, 1))
    assert set(np.asarray(policy.sample(observation, jax.random.key(0)))) == {1, 3}
    log_probability, entropy = policy.log_probability_and_entropy(observation, jnp.ones(200, int))
    assert np.isfinite(log_probability).all()
    assert float(entropy[0]) <= np.log(2) + 1e-6


def test_the_kind_of_an_algorithm_decides_the_loop() -> None:
    assert training_config("ppo") is training_config("reinforce") is OnPolicyConfig
    assert training_config("dqn") is OffPolicyConfig


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rollout": 0}, "rollout = 0: must be an integer in"),
        ({"steps": 100}, r"steps = 100: must be at least evaluations \* environments \* rollout = 128"),
    ],
)
def test_bad_budgets_name_the_field(change: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(SMALL, **change)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        (PPOConfig, {"clip": 0.0}, "clip = 0.0"),
        (PPOConfig, {"trace": 1.1}, "trace = 1.1"),
        (PPOConfig, {"epochs": 0}, "epochs = 0"),
        (PPOConfig, {"minibatches": 0}, "minibatches = 0"),
        (PPOConfig, {"discount": 1.0}, "discount = 1.0"),
        (PPOConfig, {"gradient_norm": 0.0}, "gradient_norm = 0.0"),
        (REINFORCEConfig, {"critic_steps": 0}, "critic_steps = 0"),
        (REINFORCEConfig, {"initial_deviation": -1.0}, "initial_deviation = -1.0"),
    ],
)
def test_bad_settings_name_the_field(kind: type[Any], change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        kind(**change)


def test_what_does_not_fit_together_is_said() -> None:
    probe = Probe(lambda step, shown, action: 1.0, 3, True, 2)
    with pytest.raises(ConfigurationError, match=r"minibatches = 3: must be a divisor of environments \* rollout = 32"):
        OnPolicyLoop(probe, PPO(PPOConfig(minibatches=3), probe.spaces, 4), SMALL)
    with pytest.raises(ConfigurationError, match="masking = True"):
        PPO(PPOConfig(masking=True), probe.spaces, 4)
    with pytest.raises(
        ConfigurationError, match=r"action_space = 'box of shape \(2,\) in \[0, 1\]': must be \[-1, 1\]"
    ):
        PPO(PPOConfig(), replace(SPACES["box"], action=Box(np.zeros(2), np.ones(2))), 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cartpole", "--warmup-steps", "10"], "warmup-steps"),
        (["cartpole", "--algorithm", "reinforce", "--epochs", "4"], "epochs"),
        (["cartpole", "--rollout", "0"], "rollout = 0"),
        (["cartpole", "--algorithm", "cgdm"], "algorithm = 'cgdm': must be one that fits cartpole: d2sac"),
    ],
)
def test_a_wrong_option_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["train", *words, "--folder", str(tmp_path / "run")]) == 2
    assert said in capsys.readouterr().err
