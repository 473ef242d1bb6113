"""The entity form of agent migration: what it shows, what it hides, and how its reward is decomposed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.entity import matching_sets, matching_sizes
from edgewise.common.errors import ConfigurationError
from edgewise.environments import episode, registry
from edgewise.environments.checker import check_environment
from edgewise.environments.elements import faults
from edgewise.policies.matching import MatchingPolicy, pack
from edgewise.systems.agent_migration import features
from edgewise.systems.agent_migration.configuration import Unseen
from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.unseen import GROUPS

SYSTEM = registry.find("agent-migration")


@pytest.fixture(scope="module")
def environment():
    return registry.make("agent-migration", observation="entities", slots=6)


@pytest.fixture(scope="module")
def step():
    return eqx.filter_jit(lambda environment, key, state, action: environment.step(key, state, action))


reset = eqx.filter_jit(lambda environment, key: environment.reset(key))
observe = eqx.filter_jit(lambda environment, state: environment.observe(state))
privileged = eqx.filter_jit(lambda environment, state: environment.privileged(state))
logits = eqx.filter_jit(lambda policy, x: policy.logits(x))


def some_slots(environment, step, slots=4, seed=0):
    """States and time steps of uniformly random decisions."""
    state, observation = reset(environment, jax.random.key(seed))
    trail = [(state, observation, None)]
    for key in jax.random.split(jax.random.key(seed + 1), slots):
        action = environment.action_space.sample(key)
        state, timestep = step(environment, key, state, action)
        trail.append((state, timestep.observation, timestep))
    return trail


def test_it_keeps_the_contract_of_environments():
    small = registry.make("agent-migration", observation="entities", slots=3, rsus=2, vehicles=3)
    assert check_environment(small) is None


def test_observations_lie_in_their_space(environment, step):
    for _, observation, _ in some_slots(environment, step):
        assert faults(environment.observation_space, observation) == []


def test_what_is_privileged_lies_in_its_space(environment, step):
    for state, _, _ in some_slots(environment, step):
        assert faults(environment.privileged_space, privileged(environment, state)) == []


def test_episodes_are_those_of_the_vector_form(environment, step):
    vector = registry.make("agent-migration", slots=6)
    mine, theirs = reset(environment, jax.random.key(3))[0], reset(vector, jax.random.key(3))[0]
    for key in jax.random.split(jax.random.key(4), 3):
        reference = SYSTEM.references(environment, ("random",))["random"]
        same, _ = episode.act(reference, key, mine, None, episode.begin(reference, mine))
        mine, one = step(environment, key, mine, same)
        theirs, other = step(vector, key, theirs, vector.action_space.sample(key))
        np.testing.assert_allclose(one.info["latency"], other.info["latency"], rtol=1e-6)
        np.testing.assert_array_equal(mine.system.serving, theirs.serving)


def test_nothing_hidden_reaches_the_observation(environment, step):
    state, _, _ = some_slots(environment, step)[-1]
    system = state.system
    changed = replace(
        system,
        target=~system.target,
        attacked=~system.attacked,
        reconnaissance=system.reconnaissance + 2,
        positive=system.positive + 5,
        negative=system.negative + 1,
        window_latency=system.window_latency + 3,
        mobility=replace(system.mobility, speed=2 * system.mobility.speed),
    )
    shown, again = observe(environment, state), observe(environment, replace(state, system=changed))
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), shown, again))


def test_costs_are_what_the_system_saves_without_a_vehicle(environment, step):
    """Against a system in which the vehicle's data and agent are nothing, its shares given to the others in proportion."""
    state, _, _ = some_slots(environment, step)[-2]
    system, inner = environment.system, state.system
    target = jnp.asarray(np.random.default_rng(0).integers(0, 4, 8))
    share = jnp.ones(8) / jnp.bincount(inner.serving, length=4)[inner.serving]
    decision = Decision(target, share, jnp.array([True, False, True, False]))
    hit = inner.attacked & ~decision.defence

    def cost(without: int | None) -> float:
        there = np.ones(8, bool)
        if without is not None:
            there[without] = False
        freed = 0.0 if without is None else float(share[without])
        same_unit = np.asarray(inner.serving) == (-1 if without is None else int(inner.serving[without]))
        given = jnp.where(jnp.asarray(same_unit), share / max(1 - freed, 1e-9), share)
        latency = system.latency(inner, replace(decision, share=given), hit)
        p = system.parameters
        # Time beside the processor's is a vehicle's own; migration in parallel counts as it was.
        migration = system.latency(inner, decision, hit).migration
        total = (latency.total - latency.migration + migration)[there].sum()
        work = jnp.where(jnp.asarray(there), system.work(inner), 0.0)
        load = jnp.zeros(4).at[inner.serving].add(work) / (p.cpu_hz * p.slot_seconds)
        over = jnp.maximum(0.0, load - p.max_load).sum() * p.slot_seconds * p.overload_penalty
        chosen = jnp.take_along_axis(inner.reputation, target[:, None], 1)[:, 0]
        return float(total + over + p.trust_penalty_s * (chosen < p.reputation_threshold)[there].sum())

    from edgewise.systems.agent_migration.credit import vehicle_costs

    costs = vehicle_costs(system, inner, decision, system.latency(inner, decision, hit))
    for vehicle in range(8):
        assert float(costs[vehicle]) == pytest.approx(cost(None) - cost(vehicle), rel=1e-4)


def test_memory_tells_who_fell_back_and_what_the_latest_reputation_was(environment, step):
    trail = some_slots(environment, step, slots=5)
    for (before, _, _), (after, _, _) in itertools.pairwise(trail):
        rate = float(environment.system.parameters.trust_rate)
        expected = (np.asarray(after.system.reputation) - (1 - rate) * np.asarray(before.system.reputation)) / rate
        np.testing.assert_allclose(after.memory.latest, expected, atol=1e-5)
        np.testing.assert_array_equal(after.memory.fell_back, after.system.serving != after.memory.target)


def test_shares_in_closed_form_are_those_of_an_action_that_gives_them(environment, step):
    state, observation, _ = some_slots(environment, step)[-1]
    action = environment.action_space.sample(jax.random.key(9))
    given = {**action, "share": observation["vehicles"]["share"]}
    one, other = (step(environment, jax.random.key(1), state, each)[1] for each in (action, given))
    np.testing.assert_allclose(one.info["latency"], other.info["latency"], rtol=1e-6)


@pytest.fixture(scope="module")
def crowd():
    """Nine units, of which every vehicle sees the nearest three."""
    return registry.make("agent-migration", observation="entities", slots=6, rsus=9, vehicles=5, candidates=3)


def test_with_candidates_it_keeps_the_contract_of_environments():
    small = {"slots": 3, "rsus": 4, "vehicles": 3, "candidates": 2}
    check_environment(registry.make("agent-migration", observation="entities", **small))


def test_candidates_are_the_nearest_units_and_the_serving_one(crowd, step):
    for state, observation, _ in some_slots(crowd, step):
        index = np.asarray(observation["pairs"]["column"])
        system = crowd.system
        expected = np.asarray(system.mobility.predict(state.system.mobility))
        away = np.linalg.norm(expected[:, None] - np.asarray(system.parameters.rsu_positions), axis=-1)
        for vehicle, serving in enumerate(np.asarray(state.system.serving)):
            assert serving in index[vehicle]
            others = np.delete(np.arange(9), serving)
            chosen = away[vehicle][[unit for unit in index[vehicle] if unit != serving]]
            np.testing.assert_allclose(np.sort(chosen), np.sort(away[vehicle][others])[:2], rtol=1e-5)
            assert (np.diff(index[vehicle]) > 0).all()


def test_candidates_are_seen_as_among_all_units(crowd, step):
    """And what only a critic sees of them too."""
    everyone = replace(crowd, candidates=None)
    for state, few, _ in some_slots(crowd, step):
        index = np.asarray(few["pairs"]["column"])
        shown = (few, observe(everyone, state)), (privileged(crowd, state), privileged(everyone, state))
        for one, all_ in shown:
            for name, part in all_.items():
                for field, values in part.items():
                    wanted = values
                    if name == "pairs" and field != "mask":
                        wanted = np.take_along_axis(np.asarray(values), index, axis=1)
                    np.testing.assert_allclose(one[name][field], wanted, rtol=1e-5, atol=1e-6, err_msg=field)


def test_a_policy_on_all_candidates_decides_as_on_all_units(environment, step):
    sets, sizes = matching_sets(environment.spaces), matching_sizes(environment.spaces)
    policy = MatchingPolicy.create(sets, sizes, width=8, rounds=1, key=jax.random.key(0))
    listed = replace(environment, candidates=4)
    assert matching_sizes(listed.spaces) == sizes
    for state, observation, _ in some_slots(environment, step):
        one, other = (logits(policy, pack(each, sets)) for each in (observation, observe(listed, state)))
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("given", [{"candidates": 0}, {"candidates": 3, "observation": "vector"}])
def test_candidates_without_meaning_are_refused(given):
    with pytest.raises(ConfigurationError, match="candidates"):
        registry.make("agent-migration", **{"observation": "entities", **given})


def test_groups_of_fields_can_be_left_out(environment, step):
    assert set(GROUPS) == set(get_args(Unseen))
    blind = replace(environment, unseen=("plan", "reputations"))
    state, observation, _ = some_slots(environment, step)[-1]
    seen = observe(blind, state)
    for name, part in observation.items():
        gone = {field for group in blind.unseen for field in GROUPS[group].get(name, ())}
        for field, values in part.items():
            wanted = np.zeros_like(values) if field in gone else values
            np.testing.assert_allclose(seen[name][field], wanted, rtol=1e-5, atol=1e-6, err_msg=field)


def test_every_group_names_fields_that_there_are(environment):
    fields = {"vehicles": features.VEHICLE_FIELDS, "units": features.UNIT_FIELDS, "pairs": features.PAIR_FIELDS}
    for group in GROUPS.values():
        assert all(names <= set(fields[entity]) for entity, names in group.items())


@pytest.mark.parametrize(
    "given",
    [{"unseen": ("plans",)}, {"unseen": ("plan",), "observation": "vector"}, {"unseen": ("plan",), "view": "own"}],
)
def test_groups_without_meaning_are_refused(given):
    with pytest.raises(ConfigurationError, match="unseen"):
        registry.make("agent-migration", **{"observation": "entities", **given})
