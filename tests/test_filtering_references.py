"""References that remember an episode: what they may know, what they gain by it, and that they play wherever others do."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.episode import act, begin, record_episode
from edgewise.environments.instances import DrawnInstances, stack
from edgewise.environments.remembering import RememberingReference
from edgewise.systems.agent_migration import defence, references
from edgewise.systems.agent_migration.ablation import ablation
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.training.evaluation import evaluate
from edgewise.training.judgement import judge_references
from reference import unit_defence

SMALL = AgentMigrationConfig(vehicles=4, rsus=3, attacked_rsus=1, slots=12)
ENTRY = registry.find("agent-migration")
REMEMBERING = ("filtering-look-ahead", "filtering-look-ahead-undistrusting", "far-sighted-look-ahead")
HIDDEN = ("target", "attacked", "reconnaissance", "positive", "negative", "window_latency", "window_visits")


@pytest.fixture(scope="module")
def environment():
    return AgentMigration.build(SMALL)


@pytest.fixture(scope="module")
def states(environment):
    """Of a few episodes under random decisions, [episodes, slots]."""
    policy = references.build(environment)["random"]
    return eqx.filter_jit(jax.vmap(lambda key: record_episode(environment, policy, key)[0]))(
        jax.random.split(jax.random.key(5), 4)
    )


@eqx.filter_jit
def actions_along(environment, policy, states):
    """What a policy does along given states."""

    def episode(states):
        def slot(memory, state):
            action, memory = act(policy, jax.random.key(0), state, environment.observe(state), memory)
            return memory, action

        first = jax.tree.map(lambda leaf: leaf[0], states)
        return jax.lax.scan(slot, begin(policy, first), states)[1]

    return jax.vmap(episode)(states)


def test_those_that_remember_are_named(environment):
    policies = references.build(environment)
    assert tuple(name for name, policy in policies.items() if isinstance(policy, RememberingReference)) == REMEMBERING


@pytest.mark.parametrize("name", REMEMBERING)
def test_what_is_hidden_does_not_change_an_action(environment, states, name):
    policy = references.build(environment)[name]
    hidden = eqx.tree_at(lambda s: [getattr(s, field) for field in HIDDEN], states, replace_fn=lambda leaf: leaf[::-1])
    hidden = eqx.tree_at(lambda s: s.mobility.speed, hidden, 2 * states.mobility.speed)
    seen, unseen = actions_along(environment, policy, states), actions_along(environment, policy, hidden)
    assert (np.asarray(states.attacked) != np.asarray(hidden.attacked)).any()
    np.testing.assert_array_equal(seen, unseen)


def test_what_was_seen_before_changes_an_action(environment, states):
    policy = references.build(environment)["far-sighted-look-ahead"]
    early = states.reputation.at[:, 4].multiply(0.5)
    other = actions_along(environment, policy, eqx.tree_at(lambda s: s.reputation, states, early))
    same = actions_along(environment, policy, states)
    np.testing.assert_array_equal(same[:, :4], other[:, :4])
    assert (np.asarray(same[:, 6:]) != np.asarray(other[:, 6:])).any()


@pytest.mark.slow
def test_knowing_how_attacks_go_on_is_worth_more_than_flags():
    environment, key = AgentMigration.build(), jax.random.key(9)
    policies = references.build(environment)
    names = ("oracle", "far-sighted-look-ahead", "filtering-look-ahead", "look-ahead")
    play = eqx.filter_jit(lambda policy: evaluate(environment, policy, key, 32)["latency"].mean())
    latency = [float(play(policies[name])) for name in names]
    assert latency == sorted(latency)
    assert latency[3] - latency[1] > 15  # 30 s in the table of docs/systems/agent-migration.md


@pytest.mark.parametrize("name", ["nearest-next", "far-sighted-look-ahead"])
def test_figures_are_the_same_in_the_form_of_entities(environment, name):
    entities = ENTRY.build(replace(SMALL, observation="entities"))
    key = jax.random.key(3)
    play = eqx.filter_jit(lambda environment, policy: evaluate(environment, policy, key, 4))
    vector = play(environment, ENTRY.references(environment, (name,))[name])
    entity = play(entities, ENTRY.references(entities, (name,))[name])
    for metric in ("latency", "return", "violations", "defences"):
        np.testing.assert_allclose(vector[metric], entity[metric], rtol=1e-5)


def test_a_reference_that_remembers_plays_every_drawn_instance_as_by_itself():
    systems = [AgentMigration.build(replace(SMALL, attack_frequency=f)) for f in (0.2, 0.8)]
    drawn = DrawnInstances(stack(systems)).pin(1)
    name, key = "far-sighted-look-ahead", jax.random.key(4)
    play = eqx.filter_jit(lambda environment, policy, key: record_episode(environment, policy, key))
    states, steps, actions = play(drawn, ENTRY.references(drawn, (name,))[name], key)
    memoryless = play(drawn, ENTRY.references(drawn, ("look-ahead",))["look-ahead"], key)[1]
    assert (np.asarray(steps.info["defences"]) != np.asarray(memoryless.info["defences"])).any()
    first = jax.tree.map(lambda leaf: leaf[0], states.inner)

    def again(state, slot):
        action, memory = act(policy, jax.random.key(0), slot, systems[1].observe(slot), state)
        return memory, action

    policy = references.build(systems[1])[name]
    _, own = jax.lax.scan(again, begin(policy, first), states.inner)
    np.testing.assert_allclose(own, actions, atol=1e-4)


def test_lasting_saving_is_that_of_the_best_policy_of_the_unit():
    random = np.random.default_rng(0)
    for slots in range(4):
        damage, price = random.uniform(5, 200, 3), random.uniform(0, 60, 3)
        start, end, success = random.uniform(0.1, 0.9, 3)
        p = eqx.tree_at(
            lambda p: (p.attack_frequency, p.attack_end_probability, p.defence_success, p.reconnaissance_slots),
            AgentMigration.build(SMALL).parameters,
            (*(jnp.asarray(x, float) for x in (start, end, success)), jnp.asarray(slots)),
        )
        states = random.dirichlet(np.ones(4), 3)
        found = defence.lasting_saving(p, *(jnp.asarray(x, float) for x in (states, damage, price)))
        for s in range(3):
            own, usual = defence.OWN_SHARE, 1 - defence.OWN_SHARE
            later = own * damage[s] + usual * damage.mean(), own * price[s] + usual * price.mean()
            value, left, won = unit_defence.values(*later, start, end, success, slots, defence.DISCOUNT)
            expected = defence.DISCOUNT * states[s, 1:] @ (left @ value - won @ value)
            assert found[s] == pytest.approx(expected, rel=0.03, abs=0.2)


def test_a_unit_that_serves_nobody_is_defended_for_free(environment, states):
    policy = references.build(environment)["far-sighted-look-ahead"]
    actions = np.asarray(actions_along(environment, policy, states))
    defended = actions[:, 1:, -environment.rsus :] > 0  # in the first slot, too, a target is not known
    empty = ~(np.asarray(states.serving)[:, 1:, :, None] == np.arange(environment.rsus)).any(2)
    assert empty.sum() > 10
    assert defended[empty].mean() > 0.7


def test_pace_is_learned_from_what_was_travelled(environment):
    mobility = eqx.tree_at(lambda m: m.speed_spread, environment.mobility, jnp.asarray(0.0))
    steady = eqx.tree_at(lambda e: e.mobility, environment, mobility)
    policy = references.build(steady)["filtering-look-ahead"]
    state, observation = steady.reset(jax.random.key(0))
    memory = policy.begin(state)
    step = eqx.filter_jit(policy.step)
    for slot in range(10):
        action, memory = step(jax.random.key(slot), state, observation, memory)
        state, _ = steady.step(jax.random.key(slot), state, action)
    true = np.asarray(state.mobility.speed) / float(mobility.speed_range.mean())
    assert np.abs(np.asarray(memory.memory.pace) - true).max() < 0.5 * np.abs(true - 1).max()
    usual = mobility.predict_at(state.mobility, jnp.ones(steady.vehicles))
    np.testing.assert_allclose(usual, mobility.predict(state.mobility), atol=1e-2)


def test_the_ablation_replaces_each_part_alone_and_all_together(environment, states):
    policies = ablation(environment)
    one = jax.tree.map(lambda leaf: leaf[:1], states)
    plain = actions_along(environment, policies["look-ahead"], one)
    trusting = references.build(environment)["oracle-trusting"]
    np.testing.assert_array_equal(
        actions_along(environment, policies["look-ahead + all"], one), actions_along(environment, trusting, one)
    )
    for part in ("attacks", "volumes", "copies", "speeds"):
        changed = actions_along(environment, policies[f"look-ahead + {part}"], one)
        assert (np.asarray(changed) != np.asarray(plain)).any(), part
    known = {policy.knowledge for name, policy in policies.items() if name.startswith("far-sighted")}
    assert len(known) == 9


def test_a_search_that_is_not_exact_is_said_before_the_table(capsys):
    small, large = (AgentMigration.build(AgentMigrationConfig(vehicles=v, slots=2)) for v in (4, 11))
    names = ("nearest", "oracle")
    assert ENTRY.remarks(small, names) == ()
    assert ENTRY.remarks(large, ("nearest",)) == ()
    [remark] = ENTRY.remarks(large, names)
    assert remark.startswith("oracle: local search")
    assert "11 vehicles on 4 RSUs" in remark
    judge_references(ENTRY, large, names, 2, 0)
    assert capsys.readouterr().err == remark + "\n"


def test_too_large_a_system_is_refused_by_those_that_choose_jointly_only():
    large = AgentMigration.build(AgentMigrationConfig(vehicles=4001, rsus=100, area_m=10_000.0))
    assert set(ENTRY.references(large, ("random", "nearest-next", "least-loaded"))) == {
        "random", "nearest-next", "least-loaded",
    }  # fmt: skip
    for name in ("look-ahead", "far-sighted-look-ahead", "oracle"):
        with pytest.raises(ConfigurationError, match="at most 400,000 pairs"):
            ENTRY.references(large, (name,))
