"""The policy for any fleet that comes with agent migration: as a reference, and through its artefact."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pytest

from edgewise.environments import registry
from edgewise.environments.episode import record_episode
from edgewise.papers.cgdm.general import GENERAL
from edgewise.policies.artefact import load_policy
from edgewise.policies.learned import LearnedPolicy

SYSTEM = registry.find("agent-migration")


def test_its_artefact_acts_as_where_it_was_saved():
    artefact = load_policy(SYSTEM.shipped["general"])
    assert artefact.algorithm == "entity-ppo"


@pytest.mark.parametrize(("vehicles", "rsus"), [(8, 4), (5, 3)])
def test_as_a_reference_it_decides_what_its_artefact_does(vehicles, rsus):
    entities = registry.make("agent-migration", observation="entities", vehicles=vehicles, rsus=rsus, slots=6)
    policy = LearnedPolicy(load_policy(SYSTEM.shipped["general"]).policy)
    play = eqx.filter_jit(lambda environment, acting: record_episode(environment, acting, jax.random.key(3)))
    _, steps, actions = play(entities, policy)
    reference = SYSTEM.references(entities, (GENERAL,))[GENERAL]
    _, same_steps, same = play(entities, reference)
    np.testing.assert_array_equal(actions["target"], same["target"])
    np.testing.assert_array_equal(actions["defence"], same["defence"])
    np.testing.assert_allclose(steps.info["latency"], same_steps.info["latency"], rtol=1e-4)


def test_it_can_be_built_while_a_program_is_traced():
    """As experiments and drawn instances do."""
    vector = registry.make("agent-migration", slots=2, vehicles=3, rsus=2)

    def play(environment, key):
        policy = SYSTEM.references(environment, (GENERAL,))[GENERAL]
        return record_episode(environment, policy, key)[1].info["latency"]

    assert np.isfinite(eqx.filter_jit(play)(vector, jax.random.key(0))).all()


def test_it_is_ahead_of_the_plain_look_ahead_on_a_few_episodes():
    """Six episodes of the default system: 9% by its card, so chance cannot turn it round."""
    vector = registry.make("agent-migration", slots=30)
    found = {}
    for name in (GENERAL, "look-ahead"):
        policy = SYSTEM.references(vector, (name,))[name]
        play = eqx.filter_jit(
            lambda environment, acting, key: record_episode(environment, acting, key)[1].info["latency"]
        )
        found[name] = np.mean([play(vector, policy, key) for key in jax.random.split(jax.random.key(8), 6)])
    assert found[GENERAL] < found["look-ahead"]
