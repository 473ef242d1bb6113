"""The filter of the attacks: exact against an enumeration of hidden paths, and right about simulated attacks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.environments.episode import record_episode
from edgewise.systems.agent_migration import belief, memory, references
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from reference.attack_paths import posterior

UNITS, STEPS = 3, 3


@pytest.fixture(scope="module")
def parameters():
    return AgentMigration.build(AgentMigrationConfig(rsus=UNITS)).parameters


@eqx.filter_jit
def filtered(p, evidence, defence):
    """The filter after some slots, and the odds that it took their evidence for."""

    def step(filter, slot):
        odds = jnp.exp(belief.log_likelihood_ratio(p, filter, slot[0]))
        return belief.update(p, filter, *slot), odds

    return jax.lax.scan(step, belief.begin(p, UNITS), (evidence, defence))


chance = st.floats(0.05, 0.95)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    targets=st.integers(0, UNITS),
    slots=st.integers(0, 3),
    start=chance,
    end=chance,
    success=chance,
)
def test_the_filter_is_the_sum_over_all_hidden_paths(parameters, seed, targets, slots, start, end, success):
    random = np.random.default_rng(seed)
    evidence, defence = random.uniform(0.2, 0.9, (STEPS, UNITS)), random.random((STEPS, UNITS)) < 0.4
    p = eqx.tree_at(
        lambda p: (
            p.attacked_rsus, p.reconnaissance_slots, p.attack_frequency, p.attack_end_probability, p.defence_success
        ),
        parameters,
        (jnp.asarray(targets), jnp.asarray(slots), *(jnp.asarray(x, float) for x in (start, end, success))),
    )  # fmt: skip
    found, odds = filtered(p, jnp.asarray(evidence, float), jnp.asarray(defence))
    expected = posterior(
        UNITS, targets, np.asarray(odds, float), defence, success=success, start=start, end=end, slots=slots
    )
    probability = np.asarray(belief.states(p, found))
    np.testing.assert_allclose(probability, expected, atol=2e-3)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    assert (probability >= 0).all()


def test_the_targets_known_so_far_tell_that_the_others_are_none(parameters):
    p = eqx.tree_at(lambda p: p.attacked_rsus, parameters, jnp.asarray(1))
    filter = belief.begin(p, UNITS)
    for first in (0.7, 0.4):
        filter = belief.update(p, filter, jnp.asarray([first, 0.7, 0.7]), jnp.zeros(UNITS, bool))
    probability = np.asarray(belief.states(p, filter))
    assert probability[0, belief.NOT_A_TARGET] < 0.01
    assert (probability[1:, belief.NOT_A_TARGET] > 0.99).all()


def test_certain_evidence_leaves_only_how_attacks_go_on(parameters):
    p, defence = parameters, jnp.asarray([False, True, False])
    filter = eqx.tree_at(lambda f: f.probability, belief.begin(p, UNITS), jnp.full((UNITS, 4), 0.25))
    after = belief.update(p, filter, jnp.asarray([-5.0, -5.0, 5.0]), defence)
    goes_on = 1 - float(p.attack_end_probability)
    np.testing.assert_allclose(after.probability[:2, belief.ATTACKED], goes_on, atol=0.01)
    expected = float(p.attack_frequency) / 3  # none, idle or reconnaissance before, as likely as each other
    np.testing.assert_allclose(after.probability[2, belief.ATTACKED], expected, atol=0.01)


def test_the_next_attack_is_what_the_filter_predicts_without_evidence(parameters):
    p, defence = parameters, jnp.asarray([False, True, False])
    none, middle = jnp.zeros(UNITS), sum(belief.packet_terms(p)) / 2
    filter = eqx.tree_at(
        lambda f: (f.probability, f.level), belief.begin(p, UNITS), (jnp.asarray([[0.1, 0.2, 0.3, 0.4]] * UNITS), none)
    )
    silent = eqx.tree_at(lambda p: (p.packet_loss, p.attacked_packet_loss), p, (jnp.asarray(0.1), jnp.asarray(0.1)))
    after = belief.update(silent, filter, none + middle, defence)
    predicted = belief.attacked_next(p, filter.probability, defence)
    np.testing.assert_allclose(after.probability[:, belief.ATTACKED], predicted, rtol=1e-5)


@pytest.mark.parametrize(
    "changes", [{}, {"rsus": 6, "vehicles": 4, "attack_severity": 0.4}], ids=["default", "6 units"]
)
def test_simulated_attacks_are_known_one_slot_later(changes):
    environment = AgentMigration.build(AgentMigrationConfig(**changes))
    p, policy = environment.parameters, references.build(environment)["look-ahead-undefended"]

    @eqx.filter_jit
    def play(environment, policy, key):
        states, _, _ = record_episode(environment, policy, key)
        seen = jax.vmap(lambda state: memory.see(environment, state))(states)
        latest = (seen.reputation[1:] - (1 - p.trust_rate) * seen.reputation[:-1]) / p.trust_rate
        defence = jnp.zeros(environment.rsus, bool)

        def step(filter, evidence):
            return belief.update(p, filter, evidence, defence), belief.log_likelihood_ratio(p, filter, evidence) > 0

        _, said = jax.lax.scan(step, belief.begin(p, environment.rsus), latest.mean(1))
        return said, states.attacked[:-1]

    said, hit = jax.vmap(lambda key: play(environment, policy, key))(jax.random.split(jax.random.key(5), 16))
    assert np.asarray(hit).mean() > 0.02
    assert (np.asarray(said) == np.asarray(hit)).mean() > 0.99
