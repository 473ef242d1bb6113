"""The service-selection environment against an obvious event list, hand-computed cases, invariants and references."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.common.errors import ConfigurationError
from edgewise.environments.episode import record_episode
from edgewise.systems.service_selection import references
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.sampling import Providers, draw_providers, running_time
from edgewise.training.evaluation import evaluate
from reference import service_selection as reference

EPISODES, TASKS = 1000, 100


def two_providers(**changes) -> ServiceSelection:
    providers = Providers(
        *(jnp.asarray(v) for v in ([400.0, 900.0], [50.0, 0.0], [0.4, 0.0], [150.0, 200.0], [0.9, 0.5]))
    )
    return ServiceSelection(ServiceSelectionConfig(providers=2, **changes), providers)


@pytest.mark.parametrize("with_offset", [False, True])
def test_parity_event_by_event(with_offset) -> None:
    """Half of the episodes each with and without the offset; actions favour few providers so that many crash."""
    episodes = EPISODES // 2
    rng = np.random.default_rng(int(with_offset))
    with jax.enable_x64(True):
        config = ServiceSelectionConfig(
            providers=6, tasks=TASKS, instance_seed=3, with_offset=with_offset, quality_baseline=0.1, crash_penalty=1.5
        )
        environment = ServiceSelection(config)
        sizes = rng.choice(np.arange(100.0, 251, 10), (episodes, TASKS + 1))
        gaps = rng.exponential(1000.0, (episodes, TASKS))
        actions = rng.choice(6, (episodes, TASKS), p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1])

        @jax.jit
        def play(sizes, gaps, actions):
            state, _ = environment.reset(jax.random.key(0))
            state = dataclasses.replace(state, task=sizes[0])

            def step(state, inputs):
                return environment.assign(state, *inputs)

            return jax.lax.scan(step, state, (actions, gaps, sizes[1:]))[1]

        ours = jax.vmap(play)(jnp.asarray(sizes), jnp.asarray(gaps), jnp.asarray(actions))
        p = environment.providers
        curves = np.stack([p.capacity, p.start_steps, p.start_score, p.end_steps, p.end_score], axis=1)
        expected = [
            reference.play([reference.Provider(*c) for c in curves], *episode, with_offset, 0.1, 1.5)
            for episode in zip(sizes, gaps, actions, strict=True)
        ]
    rewards = [[reward for reward, _, _ in episode] for episode in expected]
    np.testing.assert_allclose(ours.reward, rewards, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        ours.observation, [[o for _, _, o in episode] for episode in expected], rtol=1e-6, atol=1e-9
    )
    for name in expected[0][0][1]:
        values = [[row[name] for _, row, _ in episode] for episode in expected]
        np.testing.assert_allclose(ours.info[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
    assert np.sum(ours.info["crashes"]) > 1000
    assert np.max(ours.info["crashed"]) > 2


def test_utility_by_hand() -> None:
    providers = two_providers().providers
    size = jnp.asarray(100.0)
    np.testing.assert_allclose(providers.utility(size, False), [0.25, 0.25], rtol=1e-6)
    np.testing.assert_allclose(providers.utility(size, True), [0.65, 0.25], rtol=1e-6)
    np.testing.assert_allclose(providers.utility(jnp.asarray(40.0), True), [0.0, 0.1], rtol=1e-6)
    np.testing.assert_allclose(providers.utility(jnp.asarray(240.0), False), [0.5, 0.5], rtol=1e-6)
    assert float(running_time(jnp.asarray(100.0))) == pytest.approx(246 * 60)


def test_crash_by_hand() -> None:
    """Two tasks of 200 fill 400; half of their time later a third one crashes the provider: 2 + 2 (1/2 + 1/2)."""
    environment = two_providers()
    state, _ = environment.reset(jax.random.key(0))
    task = jnp.asarray(200.0)
    state = dataclasses.replace(state, task=task)
    half = running_time(task) / 2
    state, _ = environment.assign(state, jnp.asarray(0), jnp.zeros(()), task)
    state, timestep = environment.assign(state, jnp.asarray(0), half, task)
    assert float(timestep.reward) == pytest.approx(0.5)
    state, timestep = environment.assign(state, jnp.asarray(0), jnp.zeros(()), task)
    assert float(timestep.reward) == pytest.approx(-4.0, rel=1e-5)
    assert float(timestep.info["crashed"]) == 3
    assert float(timestep.info["lost_utility"]) == pytest.approx(1.0, rel=1e-5)
    assert float(environment.free(state)[0]) == 400


def test_every_task_is_accounted_for() -> None:
    environment = ServiceSelection(ServiceSelectionConfig(tasks=300, arrival_rate=0.003))
    for policy in references.build(environment).values():
        result = eqx.filter_jit(evaluate)(environment, policy, jax.random.key(0), 4)
        total = result["finished"] + result["crashed"] + result["unfinished"]
        np.testing.assert_allclose(total, 1.0, rtol=1e-5)
        np.testing.assert_allclose(result["return"] / 300, result["utility_reward"] + result["crash_reward"], rtol=1e-4)


ENVIRONMENT = ServiceSelection(ServiceSelectionConfig(tasks=100, providers=5))


@eqx.filter_jit
def play_randomly(environment, key):
    def step(state, key):
        action_key, step_key = jax.random.split(key)
        state, timestep = environment.step(step_key, state, environment.action_space.sample(action_key))
        return state, (environment.free(state), timestep.observation)

    state, _ = environment.reset(key)
    return jax.lax.scan(step, state, jax.random.split(key, 100))[1]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0005, 0.02))
def test_running_tasks_always_fit(seed, rate) -> None:
    environment = eqx.tree_at(lambda e: e.arrival_rate, ENVIRONMENT, jnp.asarray(rate))
    free, observation = play_randomly(environment, jax.random.key(seed))
    assert (np.asarray(free) >= 0).all()
    assert (np.asarray(observation) >= 0).all()
    assert (np.asarray(observation) <= 1).all()


@pytest.mark.slow
def test_references_in_the_order_and_size_of_the_spec() -> None:
    """Mean over instances: random, round robin, crash avoid, prophet about -80, 297, 438, 621 (one instance of the spec)."""
    returns = {name: [] for name in references.NAMES}
    for seed in range(4):
        environment = ServiceSelection(ServiceSelectionConfig(instance_seed=seed))
        for name, policy in references.build(environment).items():
            returns[name].append(
                float(eqx.filter_jit(evaluate)(environment, policy, jax.random.key(1), 16)["return"].mean())
            )
    means = {name: np.mean(values) for name, values in returns.items()}
    assert -300 < means["random"] < 100
    assert means["random"] < means["round-robin"] < means["crash-avoid"] < means["prophet"]
    assert means["crash-avoid"] == pytest.approx(430, abs=90)
    assert means["prophet"] == pytest.approx(620, abs=90)


def test_instances_differ_by_their_seed_alone() -> None:
    one, again, other = (draw_providers(jax.random.key(seed), 20) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(again), strict=True))
    assert not np.array_equal(one.capacity, other.capacity)
    assert set(np.asarray(one.capacity)) <= {400, 500, 600, 700, 800, 900}
    assert (np.asarray(one.start_steps) < np.asarray(one.end_steps)).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("providers", 0),
        ("tasks", 0),
        ("arrival_rate", 0.0),
        ("task_step", 7),
        ("largest_task", 50),
        ("crash_penalty", -1.0),
    ],
)
def test_bad_configuration_is_named(field, value) -> None:
    with pytest.raises(ConfigurationError, match=f"{field} = "):
        ServiceSelectionConfig(**{field: value})


def test_mask_flags_the_providers_with_room() -> None:
    """Who follows it never crashes a provider while one has room; the rest of the observation is as without it."""
    environment = ServiceSelection(ServiceSelectionConfig(tasks=150, arrival_rate=0.01, show_mask=True))
    plain = ServiceSelection(ServiceSelectionConfig(tasks=150, arrival_rate=0.01))
    assert environment.spaces.action_mask
    assert not plain.spaces.action_mask

    def first_allowed(key: jax.Array, state: ServiceSelectionState, observation: jax.Array) -> jax.Array:
        return jnp.argmax(observation[-20:])

    states, timesteps, _ = jax.jit(lambda key: record_episode(environment, first_allowed, key))(jax.random.key(0))
    observations = np.asarray(jax.vmap(environment.observe)(states))
    free = np.asarray(jax.vmap(environment.free)(states))
    assert observations.shape[1:] == environment.observation_space.shape
    np.testing.assert_array_equal(observations[:, -20:], np.asarray(states.task)[:, None] <= free)
    np.testing.assert_array_equal(observations[:, :-20], jax.vmap(plain.observe)(states))
    room = (np.asarray(states.task)[:, None] <= free).any(1)
    assert room.any()
    assert not np.asarray(timesteps.info["crashes"])[room].any()
    np.testing.assert_array_equal(np.asarray(timesteps.info["crashes"]), ~room)
