"""DQN, DRQN and Rainbow against slow NumPy readings of their papers, and what their switches do."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from edgewise.algorithms.base import Step, Transition
from edgewise.algorithms.dqn import DQN, DQNConfig, DQNState, PrioritisedDQNConfig
from edgewise.algorithms.dqn import objective as huber_objective
from edgewise.algorithms.drqn import DRQN, DRQNConfig, counts, returns, unroll
from edgewise.algorithms.q_learning import epsilon_greedy, exploration, follow, next_value
from edgewise.algorithms.rainbow import Rainbow, RainbowConfig, project
from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Discrete, Spaces
from edgewise.networks.mlp import MLP
from edgewise.networks.noisy import NoisyLinear, shaped_noise
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.description_file import ArtefactError

OBS, A, B, T = 4, 3, 8, 6
SPACES = Spaces(Box(np.full(OBS, -1, np.float32), np.full(OBS, 1, np.float32)), Discrete(A))
KEY = jax.random.key(5)
DQN_CONFIG = DQNConfig(hidden=(16, 16), batch_size=B)
DRQN_CONFIG = DRQNConfig(hidden=(16,), memory=8, batch_size=B, sequence_length=T, burn_in=2)
RAINBOW_CONFIG = RainbowConfig(hidden=(16,), stream=8, atoms=7, lowest=-3, highest=3, batch_size=B)


def transitions() -> Transition:
    keys = jax.random.split(KEY, 4)
    return Transition(
        jax.random.normal(keys[0], (B, OBS)),
        jax.random.randint(keys[1], (B,), 0, A),
        2 * jax.random.normal(keys[2], (B,)),
        jnp.array([0.8] * (B - 1) + [0.0]),
        jax.random.normal(keys[3], (B, OBS)),
    )


def fresh(algorithm: Any, seed: int = 5) -> Any:
    return eqx.filter_jit(algorithm.init)(jax.random.key(seed))


def np_mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(np.logaddexp(0, x))


def np_linear(layer: eqx.nn.Linear | NoisyLinear, x: np.ndarray) -> np.ndarray:
    return np.asarray(x, float) @ np.asarray(layer.weight, float).T + np.asarray(layer.bias, float)


def np_mlp(network: MLP, x: np.ndarray) -> np.ndarray:
    for layer in network.layers[:-1]:
        x = np_mish(np_linear(layer, x))
    return np_linear(network.layers[-1], x)


def np_huber(error: np.ndarray, threshold: float) -> np.ndarray:
    inside = np.abs(error) <= threshold
    return np.where(inside, error**2 / 2, threshold * (np.abs(error) - threshold / 2))


class TestDQN:
    def make(self, config: DQNConfig = DQN_CONFIG) -> tuple[DQN, DQNState, Transition]:
        algorithm = DQN(config, SPACES, 1000)
        state = fresh(algorithm, 1)
        return algorithm, replace(state, target=fresh(algorithm, 2).target), transitions()

    @pytest.mark.parametrize("double", [True, False])
    def test_target(self, double: bool) -> None:
        algorithm, state, batch = self.make(replace(DQN_CONFIG, double=double))
        online = np_mlp(state.network.network, np.asarray(batch.next_observation))
        slow = np_mlp(state.target.network, np.asarray(batch.next_observation))
        expected = np.array(
            [
                batch.reward[i] + batch.discount[i] * (slow[i, np.argmax(online[i])] if double else slow[i].max())
                for i in range(B)
            ]
        )
        goal = algorithm.value_target(state, batch)
        np.testing.assert_allclose(goal, expected, rtol=1e-4, atol=1e-5)
        assert goal[-1] == batch.reward[-1]
        other = DQN(replace(DQN_CONFIG, double=not double), SPACES, 1000).value_target(state, batch)
        assert not np.allclose(goal, other)

    @pytest.mark.parametrize("threshold", [0.3, 100.0])
    def test_loss_and_priority(self, threshold: float) -> None:
        algorithm, state, batch = self.make(replace(DQN_CONFIG, huber=threshold))
        weight = jnp.linspace(0.1, 1.0, B)
        goal = np.asarray(algorithm.value_target(state, batch), float)
        values = np_mlp(state.network.network, np.asarray(batch.observation))
        errors = goal - np.array([values[i, batch.action[i]] for i in range(B)])
        assert np.abs(errors).max() > 1 > np.abs(errors).min()
        _, metrics, priority = eqx.filter_jit(algorithm.update_prioritised)(state, batch, weight, KEY)
        np.testing.assert_allclose(
            metrics["loss"], (np.asarray(weight) * np_huber(errors, threshold)).mean(), rtol=1e-4
        )
        np.testing.assert_allclose(priority, np.abs(errors), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(metrics["error"], np.abs(errors).mean(), rtol=1e-4)

    def test_update_is_a_step_down_the_gradient_that_the_goal_does_not_feel(self) -> None:
        algorithm, state, batch = self.make(replace(DQN_CONFIG, final_rate=1.0, rate=0.01))
        goal = jnp.asarray(np.asarray(algorithm.value_target(state, batch)))
        gradient = eqx.filter_jit(jax.grad(lambda n: huber_objective(n, batch, goal, jnp.ones(B), 1.0)[0]))(
            state.network
        )
        adam = optax.adam(0.01)
        step, _ = adam.update(gradient, adam.init(state.network))
        after, _ = eqx.filter_jit(algorithm.update)(state, batch, KEY)
        for ours, theirs in zip(
            jax.tree.leaves(after.network), jax.tree.leaves(optax.apply_updates(state.network, step)), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        for old, new, slow in zip(*map(jax.tree.leaves, (state.target, after.network, after.target)), strict=True):
            np.testing.assert_allclose(slow, old + 0.005 * (new - old), rtol=1e-4, atol=1e-7)

    def test_weights_of_importance_grow_to_one(self) -> None:
        algorithm, state, _ = self.make(PrioritisedDQNConfig(importance_exponent=0.4))
        assert algorithm.priority_exponent == 0.6
        for done, expected in ((0, 0.4), (500, 0.7), (1000, 1.0), (2000, 1.0)):
            beta = algorithm.importance_exponent(replace(state, updates=jnp.asarray(done)))
            assert float(beta) == pytest.approx(expected)


def test_periodic_copies() -> None:
    old, new = jnp.zeros(3), jnp.ones(3)
    for done in range(1, 9):
        np.testing.assert_array_equal(follow(old, new, jnp.asarray(done), 1.0, 4), new if done % 4 == 0 else old)


def test_epsilon_falls_along_a_line_and_is_the_share_of_random_actions() -> None:
    config = DQNConfig(epsilon_start=0.9, epsilon_end=0.1, epsilon_share=0.5)
    for done, expected in ((0, 0.9), (25, 0.5), (50, 0.1), (100, 0.1)):
        assert float(exploration(config, jnp.asarray(done), 100)) == pytest.approx(expected)
    greedy = jnp.full(20_000, 2)
    action = np.asarray(epsilon_greedy(greedy, 4, jnp.asarray(0.4), KEY))
    np.testing.assert_allclose(np.bincount(action) / len(action), [0.1, 0.1, 0.7, 0.1], atol=0.01)


def test_next_value_without_double_is_the_maximum() -> None:
    online, slow = jax.random.normal(KEY, (2, 5, A))
    np.testing.assert_array_equal(next_value(online, slow, False), slow.max(-1))
    np.testing.assert_array_equal(next_value(slow, slow, True), slow.max(-1))


class TestDRQN:
    def windows(self) -> Step:
        keys = jax.random.split(KEY, 6)
        terminated = jnp.zeros((B, T), bool).at[0, 1].set(True).at[1, 3].set(True)
        truncated = jnp.zeros((B, T), bool).at[2, 2].set(True).at[1, 0].set(True)
        return Step(
            jax.random.normal(keys[0], (B, T, OBS)),
            jax.random.randint(keys[1], (B, T), 0, A),
            2 * jax.random.normal(keys[2], (B, T)),
            terminated,
            terminated | truncated,
            jax.random.normal(keys[3], (B, T, OBS)),
        )

    @pytest.mark.parametrize("cell", ["gru", "lstm"])
    def test_values_and_loss(self, cell: str) -> None:
        """Walked step by step; the cells are Equinox's own."""
        config = replace(DRQN_CONFIG, cell=cell)
        algorithm = DRQN(config, SPACES, 1000)
        network, slow = (fresh(algorithm, k).network for k in (1, 2))
        batch = self.windows()

        def walk(network: eqx.Module) -> tuple[np.ndarray, np.ndarray]:
            before, after = np.zeros((B, T, A)), np.zeros((B, T, A))
            values = eqx.filter_jit(network.values)
            for b in range(B):
                memory = network.initial_memory(())
                for t in range(T):
                    before[b, t], memory = values(batch.observation[b, t], memory)
                    after[b, t], _ = values(batch.next_observation[b, t], memory)
                    if batch.ended[b, t]:
                        memory = network.initial_memory(())
            return before, after

        ours = eqx.filter_jit(unroll)(network, batch)
        (before, after), (_, target) = walk(network), walk(slow)
        np.testing.assert_allclose(ours[0], before, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ours[1], after, rtol=1e-4, atol=1e-5)
        losses = []
        for b in range(B):
            known = False  # whether the episode's first step lies inside the window
            for t in range(T):
                future = 0 if batch.terminated[b, t] else config.discount * target[b, t, np.argmax(after[b, t])]
                error = batch.reward[b, t] + future - before[b, t, batch.action[b, t]]
                if t >= config.burn_in or known:
                    losses.append(np_huber(np.asarray(error, float), config.huber))
                known = known or bool(batch.ended[b, t])
        loss, metrics = eqx.filter_jit(algorithm.objective)(network, slow, batch)
        np.testing.assert_allclose(loss, np.mean(losses), rtol=1e-4)
        assert set(metrics) == {"value", "error"}

    @pytest.mark.parametrize("n_step", [1, 2, 3, T])
    def test_returns(self, n_step: int) -> None:
        """Summed forwards from every step."""
        batch = self.windows()
        following = np.asarray(jax.random.normal(jax.random.key(5), (B, T)))
        expected = np.zeros((B, T))
        for b in range(B):
            for start in range(T):
                for k in range(n_step):
                    t = start + k
                    expected[b, start] += 0.5**k * float(batch.reward[b, t])
                    if batch.ended[b, t] or t == T - 1 or k == n_step - 1:
                        expected[b, start] += 0 if batch.terminated[b, t] else 0.5 ** (k + 1) * following[b, t]
                        break
        np.testing.assert_allclose(returns(batch, jnp.asarray(following), 0.5, n_step), expected, rtol=1e-5, atol=1e-6)

    def test_values_by_the_equations_of_the_cell(self) -> None:
        network = fresh(DRQN(replace(DRQN_CONFIG, cell="lstm"), SPACES, 10)).network
        memory, cell = (np.linspace(-1, 1, 8), np.linspace(1, -1, 8))
        observation = np.linspace(-1, 1, OBS)
        x = np_mish(np_mlp(network.encoder, observation))
        gates = np.asarray(network.cell.weight_ih, float) @ x + np.asarray(network.cell.weight_hh, float) @ memory
        i, f, g, o = np.split(gates + np.asarray(network.cell.bias, float), 4)
        sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
        cell_after = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        output = sigmoid(o) * np.tanh(cell_after)
        values, after = network.values(jnp.asarray(observation), (jnp.asarray(memory), jnp.asarray(cell)))
        np.testing.assert_allclose(values, np_linear(network.head, output), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(after, (output, cell_after), rtol=1e-4, atol=1e-6)

    def test_which_steps_count(self) -> None:
        ended = jnp.array([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 1]], bool)
        np.testing.assert_array_equal(counts(ended, 3), [[0, 0, 0, 1, 1], [0, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
        assert counts(ended, 0).all()

    def test_update_learns(self) -> None:
        algorithm = DRQN(replace(DRQN_CONFIG, rate=0.01), SPACES, 1000)
        state, batch = fresh(algorithm), self.windows()
        update = eqx.filter_jit(algorithm.update)
        losses = []
        for i in range(60):
            state, metrics = update(state, batch, jax.random.key(i))
            losses.append(float(metrics["loss"]))
        assert losses[-1] < 0.5 * losses[0]
        assert int(state.updates) == 60


class TestRainbow:
    def test_projection(self) -> None:
        """Every moved atom is split between its neighbours, one at a time (Bellemare et al., algorithm 1)."""
        support = np.linspace(-3, 3, 7, dtype=np.float32)
        draw = np.random.default_rng(0)
        probability = draw.dirichlet(np.ones(7), B).astype(np.float32)
        reward = np.array([0, 0.25, -0.5, 1, 2.9, -7, 40, 1.3], np.float32)
        discount = np.array([1, 0.9, 0.5, 1, 0.8, 0.9, 0.9, 0], np.float32)
        expected = np.zeros((B, 7))
        for b in range(B):
            for j in range(7):
                place = (np.clip(reward[b] + discount[b] * support[j], -3, 3) + 3) / 1.0
                low, high = int(np.floor(place)), int(np.ceil(place))
                if low == high:
                    expected[b, low] += probability[b, j]
                else:
                    expected[b, low] += probability[b, j] * (high - place)
                    expected[b, high] += probability[b, j] * (place - low)
        ours = project(support, jnp.asarray(probability), jnp.asarray(reward), jnp.asarray(discount))
        np.testing.assert_allclose(ours, expected, atol=1e-6)
        np.testing.assert_allclose(ours.sum(-1), 1, atol=1e-6)
        np.testing.assert_allclose(ours[0], probability[0], atol=1e-6)
        np.testing.assert_allclose(ours[1] @ support, 0.25 + 0.9 * probability[1] @ support, atol=1e-5)

    def test_network_is_duelling(self) -> None:
        network = fresh(Rainbow(RAINBOW_CONFIG, SPACES, 10)).network
        observation = transitions().observation
        x = np_mish(np_mlp(network.trunk, np.asarray(observation)))
        value = np_linear(network.value[1], np_mish(np_linear(network.value[0], x)))
        advantage = np_linear(network.advantage[1], np_mish(np_linear(network.advantage[0], x))).reshape(B, A, 7)
        logits = value[:, None] + advantage - advantage.mean(1, keepdims=True)
        probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        np.testing.assert_allclose(np.exp(network.log_probabilities(observation, None)), probability, rtol=1e-4)
        q = (probability * np.linspace(-3, 3, 7)).sum(-1)
        np.testing.assert_allclose(network.values(observation, None), q, rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(network(observation, None), q.argmax(-1))

    def test_noisy_layer_is_a_linear_layer_with_drawn_weights(self) -> None:
        layer = NoisyLinear(5, 3, 0.5, jax.random.key(1))
        np.testing.assert_allclose(layer.weight_scale, 0.5 / np.sqrt(5), rtol=1e-6)
        assert float(jnp.abs(layer.weight).max()) <= 5**-0.5
        x = jnp.linspace(-1, 1, 5)
        noise = np.linspace(-2, 2, layer.noise_size)
        inner, outer = (np.sign(e) * np.sqrt(np.abs(e)) for e in (noise[:5], noise[5:]))
        weight = np.asarray(layer.weight) + np.asarray(layer.weight_scale) * np.outer(outer, inner)
        bias = np.asarray(layer.bias) + np.asarray(layer.bias_scale) * outer
        np.testing.assert_allclose(layer(x, jnp.asarray(noise)), weight @ np.asarray(x) + bias, rtol=1e-5)
        np.testing.assert_allclose(layer(x, None), np_linear(layer, np.asarray(x)), rtol=1e-5)
        np.testing.assert_allclose(shaped_noise(jnp.array([-4.0, 9.0])), [-2, 3], rtol=1e-6)

    def test_loss_and_priority(self) -> None:
        algorithm = Rainbow(RAINBOW_CONFIG, SPACES, 1000)
        state = replace(fresh(algorithm, 1), target=fresh(algorithm, 2).target)
        batch, weight = transitions(), jnp.linspace(0.1, 1.0, B)
        goal_key, loss_key = jax.random.split(KEY)
        choice_key, value_key = jax.random.split(goal_key)
        action = np.asarray(eqx.filter_jit(state.network.values)(batch.next_observation, choice_key)).argmax(-1)
        target = np.exp(np.asarray(eqx.filter_jit(state.target.log_probabilities)(batch.next_observation, value_key)))
        chosen = jnp.asarray(np.stack([target[i, action[i]] for i in range(B)]))
        goal = np.asarray(project(state.network.support, chosen, batch.reward, batch.discount), float)
        np.testing.assert_allclose(
            eqx.filter_jit(algorithm.target_distribution)(state, batch, goal_key), goal, atol=1e-6
        )
        log_probability = np.asarray(
            eqx.filter_jit(state.network.log_probabilities)(batch.observation, loss_key), float
        )
        taken = np.stack([log_probability[i, batch.action[i]] for i in range(B)])
        cross_entropy = -(goal * taken).sum(-1)
        divergence = np.array(
            [sum(m * (np.log(m) - p) for m, p in zip(goal[i], taken[i], strict=True) if m > 0) for i in range(B)]
        )
        after, metrics, priority = eqx.filter_jit(algorithm.update_prioritised)(state, batch, weight, KEY)
        assert not np.allclose(after.network.value[0].weight_scale, state.network.value[0].weight_scale)
        np.testing.assert_allclose(metrics["loss"], (np.asarray(weight) * cross_entropy).mean(), rtol=1e-4)
        np.testing.assert_allclose(priority, divergence, rtol=1e-3, atol=1e-5)
        assert (divergence > 0).all()

    def test_it_explores_by_noise_alone_which_every_sample_has_of_its_own(self) -> None:
        algorithm = Rainbow(replace(RAINBOW_CONFIG, noise=3.0), SPACES, 10)
        state, observation = fresh(algorithm), jnp.zeros((200, OBS))
        noisy, again = (np.asarray(state.network.values(observation, KEY)) for _ in range(2))
        np.testing.assert_array_equal(noisy, again)
        assert len(np.unique(noisy[:, 0])) > 190
        np.testing.assert_array_equal(algorithm.act(state, observation, KEY, True), noisy.argmax(-1))
        assert len(np.unique(noisy.argmax(-1))) == A
        still = algorithm.act(state, observation, KEY, False)
        np.testing.assert_array_equal(still, algorithm.policy(state)(observation, None))
        assert len(np.unique(still)) == 1


ARTEFACTS = {
    "greedy": DQN(DQN_CONFIG, SPACES, 10),
    "distributional": Rainbow(RAINBOW_CONFIG, SPACES, 10),
    "recurrent-gru": DRQN(DRQN_CONFIG, SPACES, 10),
    "recurrent-lstm": DRQN(replace(DRQN_CONFIG, cell="lstm"), SPACES, 10),
}


@pytest.mark.parametrize("name", ARTEFACTS)
def test_a_loaded_policy_acts_the_same(name: str, tmp_path: Path) -> None:
    algorithm = ARTEFACTS[name]
    saved = PolicyArtefact(algorithm.policy(fresh(algorithm)), "service-selection", {}, name, 1)
    save_policy(tmp_path, saved)
    loaded = load_policy(tmp_path)
    observations = np.random.default_rng(0).normal(0, 20, (5, 40, OBS)).astype(np.float32)
    for key in (None, jax.random.key(7)):
        ours, theirs = saved.initial_memory((40,)), loaded.initial_memory((40,))
        seen = set()
        for observation in observations:
            action, ours = saved.step(observation, ours, key)
            again, theirs = loaded.step(observation, theirs, key)
            np.testing.assert_array_equal(action, again)
            assert action.shape == (40,)
            seen |= set(action.tolist())
        assert len(seen) > 1
    one, _ = loaded.step(observations[0, 0], loaded.initial_memory(), None)
    np.testing.assert_array_equal(one, loaded.step(observations[0], loaded.initial_memory((40,)), None)[0][0])


def test_a_policy_with_a_memory_says_how_to_use_it() -> None:
    algorithm = ARTEFACTS["recurrent-gru"]
    artefact = PolicyArtefact(algorithm.policy(fresh(algorithm)), "service-selection", {}, "drqn", 1)
    with pytest.raises(ArtefactError, match="has a memory: must be used by `initial_memory` and `step`"):
        artefact.act(np.zeros(OBS, np.float32))
    with pytest.raises(ArtefactError, match=r"memory does not fit: must come from initial_memory\(\(2,\)\) or step"):
        artefact.step(np.zeros((2, OBS), np.float32), artefact.initial_memory())


BAD = [
    *[(kind, *case) for kind in (DQNConfig, DRQNConfig) for case in (
        ("hidden", (0,)), ("huber", 0.0), ("epsilon_start", 1.1), ("epsilon_end", -0.1), ("epsilon_share", 2.0),
    )],
    *[(kind, *case) for kind in (DQNConfig, DRQNConfig, RainbowConfig) for case in (
        ("batch_size", 0), ("rate", 0.0), ("final_rate", 0.0), ("discount", 1.0), ("target_rate", 0.0), ("target_period", 0),
    )],
    *[(kind, *case) for kind in (DQNConfig, RainbowConfig) for case in (
        ("n_step", 0), ("priority_exponent", 1.1), ("importance_exponent", -1.0),
    )],
    (DRQNConfig, "hidden", ()), (DRQNConfig, "memory", 0), (DRQNConfig, "burn_in", 16),
    (DRQNConfig, "sequence_length", 0), (DRQNConfig, "gradient_clip", 0.0), (RainbowConfig, "hidden", ()),
    (RainbowConfig, "stream", 0), (RainbowConfig, "noise", -1.0), (RainbowConfig, "atoms", 1),
    (RainbowConfig, "lowest", float("nan")), (RainbowConfig, "highest", -10.0), (RainbowConfig, "adam_epsilon", 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("config", "field", "value"), BAD)
def test_bad_configuration_names_the_field(config: type, field: str, value: object) -> None:
    assert field in {f.name for f in fields(config)}
    with pytest.raises(ConfigurationError, match=f"^{field} = "):
        config(**{field: value})
