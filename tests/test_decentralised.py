"""Decentralised policies: who knows what, and that the central weights decide by it alone."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.description import Description
from edgewise.environments.elements import faults
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.decentralised import decentralised
from edgewise.policies.matching import MatchingPolicy, Sets
from edgewise.systems.agent_migration import features, views
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.memory import see

V, S = 5, 4
SETS = Sets("vehicles", "units", "target", "defence")
SIZES = tuple(len(fields) for fields in (features.VEHICLE_FIELDS, features.UNIT_FIELDS, features.PAIR_FIELDS))
all_views = eqx.filter_jit(views.of_all)
reset = eqx.filter_jit(lambda environment, key: environment.reset(key))
act = eqx.filter_jit(lambda policy, observation, key: policy(observation, key))


@pytest.fixture(scope="module")
def policy():
    """Central, with weights that make decisions differ."""
    fresh = MatchingPolicy.create(SETS, SIZES, 4, 1, jax.random.key(0))
    heads = (fresh.choice_head.weight, fresh.switch_head.weight)
    return eqx.tree_at(lambda p: (p.choice_head.weight, p.switch_head.weight), fresh, [100 * each for each in heads])


@pytest.fixture(scope="module")
def environment():
    """Vehicles that reach some of the units."""
    return registry.make(
        "agent-migration", observation="entities", view="own", vehicles=V, rsus=S, coverage_m=700.0, slots=4
    )


@pytest.fixture(scope="module")
def later(environment):
    """State and time step after two slots."""
    step = eqx.filter_jit(environment.step)
    state, _ = reset(environment, jax.random.key(5))
    for key in jax.random.split(jax.random.key(6), 2):
        state, timestep = step(key, state, environment.action_space.sample(key))
    return state, timestep


def parts(environment, state):
    """What views are made of."""
    return environment.system.parameters, see(environment.system, state.system, state.memory), state


def scrambled(array, kept, axis=0):
    """Other numbers along an axis where `kept` is false; flags turn over."""
    shape = [1] * array.ndim
    shape[axis] = -1
    other = ~array if array.dtype == bool else 1.7 * array + 0.3
    return jnp.where(kept.reshape(shape), array, other)


def equal(these, those):
    return jax.tree.all(jax.tree.map(lambda a, b: bool(jnp.allclose(a, b, rtol=1e-5, atol=1e-5)), these, those))


def test_views_lie_in_their_space(environment, later):
    _, timestep = later
    assert faults(environment.observation_space, timestep.observation) == []
    assert faults(environment.observation_space, reset(environment, jax.random.key(0))[1]) == []


def test_a_vehicle_knows_the_units_in_reach_and_whom_they_serve(environment, later):
    p, seen, _ = parts(environment, later[0])
    distance = np.linalg.norm(np.asarray(seen.positions)[:, None] - np.asarray(p.rsu_positions), axis=-1)
    own = jax.tree.map(lambda x: np.asarray(x[:V]), later[1].observation)
    reach = (distance <= 700) | (np.asarray(seen.serving)[:, None] == np.arange(S))
    assert 0 < reach.sum() < V * S
    np.testing.assert_array_equal(own["units"]["mask"], reach)
    np.testing.assert_array_equal(own["vehicles"]["mask"], reach[:, np.asarray(seen.serving)])
    assert (own["pairs"]["distance"][~(own["vehicles"]["mask"][:, :, None] & reach[:, None])] == 0).all()


@pytest.mark.parametrize("vehicle", range(2))
def test_what_nobody_tells_a_vehicle_has_no_influence_on_its_view(environment, later, vehicle):
    p, seen, state = parts(environment, later[0])
    reach = views.in_reach(p, seen)[vehicle]
    heard, alone = reach[seen.serving], jnp.arange(V) == vehicle
    hidden_units = jnp.flatnonzero(~reach)
    moved = jnp.where(heard, seen.serving, hidden_units[0]) if len(hidden_units) else seen.serving
    memory, opinions = state.memory, state.opinions
    other_seen = replace(
        seen,
        reputation=scrambled(seen.reputation, alone),
        load=scrambled(seen.load, reach),
        serving=moved,
        **{name: scrambled(getattr(seen, name), heard) for name in ("positions", "expected", "ahead", "entered")},
    )
    other_memory = replace(
        memory,
        **{name: scrambled(getattr(memory, name), alone) for name in ("before", "latest", "change")},
        **{name: scrambled(getattr(memory, name), heard) for name in ("positions", "fell_back", "travelled", "moved")},
        defence=scrambled(memory.defence, reach),
        filter=jax.tree.map(lambda each: 0.5 * each, memory.filter),
        lowest=memory.lowest - 1,
    )
    other_p = replace(
        p,
        **{name: scrambled(getattr(p, name), reach) for name in ("cpu_hz", "spectrum_hz")},
        **{name: scrambled(getattr(p, name), heard) for name in ("raw_data", "agent_data", "tolerance")},
        rsu_positions=jnp.where(reach[:, None], p.rsu_positions, 9e4),
    )
    others = jax.tree.map(lambda each: scrambled(each, alone), opinions)
    before = all_views(p, seen, memory, opinions)
    after = all_views(other_p, other_seen, other_memory, others)
    own, again = (jax.tree.map(lambda x: x[vehicle], each) for each in (before, after))
    assert equal(own, again)
    assert not equal(before, after)


def test_a_unit_takes_the_mean_of_what_its_vehicles_report(environment, later):
    p, seen, state = parts(environment, later[0])
    serving = np.asarray(seen.serving)
    for unit in set(serving.tolist()):
        own = jax.tree.map(lambda x, at=V + unit: np.asarray(x[at]), later[1].observation)
        reports = np.asarray(seen.reputation)[serving == unit].mean(0) - float(p.reputation_threshold)
        known = own["units"]["mask"]
        np.testing.assert_allclose(own["units"]["trust"][known], reports[known], atol=1e-5)
        lowest = np.asarray(state.opinions.lowest)[serving == unit].mean(0)
        np.testing.assert_allclose(own["units"]["lowest"][known], lowest[known], atol=1e-5)
        assert known[unit]
        np.testing.assert_array_equal(
            own["vehicles"]["mask"], np.asarray(views.in_reach(p, seen))[serving == unit].any(0)[serving]
        )


def test_a_unit_that_serves_nobody_asks_the_vehicles_in_its_reach(environment, later):
    p, seen, _ = parts(environment, later[0])
    crowded = replace(seen, serving=jnp.zeros_like(seen.serving))
    reports = np.asarray(views.reporters(p, crowded))
    np.testing.assert_array_equal(reports[0], np.ones(V, bool))
    np.testing.assert_array_equal(reports[1:], np.asarray(views.in_reach(p, crowded)).T[1:])


def test_a_newcomer_begins_anew_and_the_others_go_on(environment, later):
    p, seen, state = parts(environment, later[0])
    newcomer = replace(seen, entered=jnp.arange(V) == 2)
    opinions = views.update(p, state.opinions, state.memory, newcomer)
    fresh = views.fresh(p, seen.reputation[2])
    assert equal(jax.tree.map(lambda x: x[2], opinions), fresh)
    assert not equal(jax.tree.map(lambda x: x[1], opinions), fresh)
    assert bool((opinions.lowest[1] <= state.memory.latest[1]).all())


def test_who_knows_all_that_the_operator_knows_decides_as_he_does(policy):
    """With everything in reach and the same reputations everywhere, all views are the central observation."""
    options = {"observation": "entities", "vehicles": V, "rsus": S, "coverage_m": 5000.0}
    central = reset(registry.make("agent-migration", **options), jax.random.key(1))[1]
    own = reset(registry.make("agent-migration", **options, view="own"), jax.random.key(1))[1]
    assert equal(jax.tree.map(lambda x: jnp.broadcast_to(x, (V + S, *x.shape)), central), own)
    one, other = act(policy, central, None), act(decentralised(policy), own, None)
    assert len(set(np.asarray(one["target"]).tolist())) > 1
    assert equal(one, other)


def test_everyone_decides_what_he_would_alone(policy, later):
    """The artefact on a vehicle, which has never heard of the others, against the padded views of all."""
    together = act(decentralised(policy), later[1].observation, None)
    for agent in (1, V + int(later[0].system.serving[1])):
        view = jax.tree.map(lambda x, at=agent: np.asarray(x[at]), later[1].observation)
        rows, columns = view["vehicles"]["mask"], view["units"]["mask"]
        cut = {
            "vehicles": {name: x[rows] for name, x in view["vehicles"].items()},
            "units": {name: x[columns] for name, x in view["units"].items()},
            "pairs": {name: x[rows] if x.ndim == 1 else x[rows][:, columns] for name, x in view["pairs"].items()},
        }
        decision = act(policy, cut, None)
        if agent < V:
            row = np.flatnonzero(np.flatnonzero(rows) == agent)[0]
            assert np.flatnonzero(columns)[decision["target"][row]] == together["target"][agent]
        else:
            column = np.flatnonzero(np.flatnonzero(columns) == agent - V)[0]
            assert decision["defence"][column] == together["defence"][agent - V]


def test_sampled_decisions_are_in_reach(environment, policy, later):
    p, seen, _ = parts(environment, later[0])
    reach = np.asarray(views.in_reach(p, seen))
    for seed in range(3):
        target = act(decentralised(policy), later[1].observation, jax.random.key(seed))["target"]
        assert reach[np.arange(V), np.asarray(target)].all()


def test_they_are_saved_and_loaded(environment, policy, later, tmp_path):
    description = Description.of(environment.observation_space, "observation")
    saved = PolicyArtefact(decentralised(policy), "agent-migration", {}, "entity-ppo", 0, description)
    save_policy(tmp_path / "policy", saved)
    loaded = load_policy(tmp_path / "policy")
    assert equal(*(act(each.policy, later[1].observation, None) for each in (loaded, saved)))


def test_vectors_have_no_own_view():
    with pytest.raises(ConfigurationError, match="view"):
        AgentMigrationConfig(view="own")
