"""Reference policies: the published figures, what they decide, and what they may know."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.environments import registry
from edgewise.environments.remembering import RememberingReference
from edgewise.systems.agent_migration import assignment, costs, knowledge, memory, references
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.decision import decode
from edgewise.systems.agent_migration.environment import AgentMigration

EPISODES = 50
SLOTS = 50
# latency in s per slot of an independent implementation in NumPy (table in docs/systems/agent-migration.md), and its standard
# error where it is known, else the largest of all
PUBLISHED = {
    "random": (625.5, 4.9),
    "nearest": (517.9, 8.4),
    "nearest-next": (501.0, 6.8),
    "least-loaded": (511.4, 8.4),
    "look-ahead-blind": (421.8, 8.4),
    "look-ahead": (330.3, 8.4),
    "oracle": (294.3, 8.4),
}

DEFENDING = {"random", "oracle", "oracle-trusting", "look-ahead"}


@eqx.filter_jit
def rollout(environment, policies, keys):
    """Episode means of every info term, [policies, episodes] each; every policy meets the same episodes."""

    def stepping(state, action, key):
        state, timestep = environment.step(key, state, action)
        return (state, timestep.observation), timestep.info

    def slot(carry, keys):
        act, advance = jax.vmap(jax.random.split, out_axes=1)(keys)
        each = [jax.tree.map(lambda leaf, i=i: leaf[i], carry) for i in range(len(policies))]
        actions = jnp.stack([jax.vmap(policy)(act, *mine) for policy, mine in zip(policies, each, strict=True)])
        return jax.vmap(jax.vmap(stepping), in_axes=(0, 0, None))(carry[0], actions, advance)

    reset, steps = jax.vmap(jax.random.split, out_axes=1)(keys)
    start = jax.tree.map(lambda leaf: jnp.stack([leaf] * len(policies)), jax.vmap(environment.reset)(reset))
    slots = jax.vmap(lambda key: jax.random.split(key, SLOTS), out_axes=1)(steps)
    return jax.tree.map(lambda term: term.mean(0), jax.lax.scan(slot, start, slots)[1])


@pytest.fixture(scope="module")
def environment():
    return AgentMigration.build()


@pytest.fixture(scope="module")
def policies(environment):
    return references.build(environment)


def test_the_system_names_every_policy(policies):
    assert registry.find("agent-migration").own_references == tuple(policies)


@pytest.fixture(scope="module")
def results(environment, policies):
    names = [*PUBLISHED, "stay"]
    keys = jax.random.split(jax.random.key(2024), EPISODES)
    info = rollout(environment, [policies[name] for name in names], keys)
    return {name: {term: np.asarray(value[i]) for term, value in info.items()} for i, name in enumerate(names)}


@pytest.fixture(scope="module")
def states(environment):
    """A few hundred states of episodes under random decisions."""

    def episode(key):
        reset, steps = jax.random.split(key)

        def slot(state, key):
            act, advance = jax.random.split(key)
            return environment.step(advance, state, environment.action_space.sample(act))[0], state

        return jax.lax.scan(slot, environment.reset(reset)[0], jax.random.split(steps, SLOTS))[1]

    batch = jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(5), 6))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch)


@pytest.fixture(scope="module")
def decide(environment, policies):
    """Function from states to the action and the decision of every policy that needs no memory."""
    policies = {name: policy for name, policy in policies.items() if not isinstance(policy, RememberingReference)}

    def every(state):
        observation = environment.observe(state)
        actions = {name: policy(jax.random.key(0), state, observation) for name, policy in policies.items()}
        sharpness = environment.parameters.share_sharpness
        return {name: (x, decode(x, state.serving, environment.rsus, sharpness)) for name, x in actions.items()}

    return jax.jit(jax.vmap(every))


@pytest.fixture(scope="module")
def decisions(decide, states):
    return decide(states)


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_latency_is_the_published_one_within_three_combined_errors(results, name):
    latency = results[name]["latency"]
    figure, error = PUBLISHED[name]
    combined = np.hypot(latency.std(ddof=1) / np.sqrt(EPISODES), error)
    assert abs(latency.mean() - figure) < 3 * combined


def test_order_of_the_look_aheads(results):
    means = {name: result["latency"].mean() for name, result in results.items()}
    order = ["oracle", "look-ahead", "look-ahead-blind", "nearest-next", "random"]
    assert [means[name] for name in order] == sorted(means[name] for name in order)


def test_staying_moves_nothing(results):
    assert (results["stay"]["migrations"] == 0).all()
    assert results["stay"]["latency"].mean() > results["nearest-next"]["latency"].mean()


def test_actions_are_in_the_space_and_only_named_policies_defend(environment, decisions):
    for name, (action, decision) in decisions.items():
        assert action.shape[1:] == environment.action_space.shape, name
        assert (jnp.abs(action) <= 1).all(), name
        defends = bool(decision.defence.any())
        assert defends == (name in DEFENDING or name.endswith(("-defence", "-defended"))), name


def test_rules_use_only_what_is_observable(decide, decisions, states):
    """Scrambling what is hidden changes the oracles alone; volumes and copies show in the loads, read by one rule."""
    hidden = ("target", "attacked", "reconnaissance", "positive", "negative", "window_latency", "window_visits")
    scrambled = eqx.tree_at(lambda s: [getattr(s, name) for name in hidden], states, replace_fn=lambda leaf: leaf[::-1])
    unloaded = eqx.tree_at(lambda s: (s.data, s.copy_present), scrambled, (states.data * 3, ~states.copy_present))
    same_load, other_load = decide(scrambled), decide(unloaded)
    for name, (action, _) in decisions.items():
        changed = same_load if name == "least-loaded-naive" else other_load
        assert bool((action == changed[name][0]).all()) == (not name.startswith("oracle")), name


def test_shares_of_the_look_ahead_favour_large_volumes(decisions, states):
    share, serving = np.asarray(decisions["look-ahead-blind"][1].share), np.asarray(states.serving)
    together = serving[:, 0] == serving[:, 7]
    assert together.sum() > 20
    assert (share[together, 7] >= share[together, 0]).mean() > 0.9


def test_targets_cover_the_expected_position(environment, decisions, states):
    p = environment.parameters
    ahead = jax.vmap(environment.mobility.predict)(states.mobility)
    distance = np.asarray(jax.vmap(lambda x: distances(x, p.rsu_positions))(ahead))
    for name in ("least-loaded", "least-loaded-naive", "highest-reputation", "look-ahead"):
        target = np.asarray(decisions[name][1].target)
        assert (np.take_along_axis(distance, target[:, :, None], 2) <= float(p.coverage)).all(), name


def test_defence_pays_only_where_attack_and_vehicles_are(environment, states):
    def defend(state):
        belief = knowledge.believe(environment, state, references.ORACLE)
        share = jnp.full(environment.vehicles, 1 / environment.vehicles)
        return costs.worthwhile_defence(environment.parameters, memory.see(environment, state), belief, share)

    defence = np.asarray(jax.jit(jax.vmap(defend))(states))
    used = (np.asarray(states.serving)[:, :, None] == np.arange(4)).any(1)
    assert defence.any()
    assert not (defence & ~(np.asarray(states.attacked) & used)).any()


def test_look_ahead_target_minimises_its_own_objective(environment, states):
    """One-step objective of the solved targets against random ones."""

    def compare(state, key):
        belief = knowledge.believe(environment, state, references.TRUSTING)
        share = jnp.full(environment.vehicles, 1 / environment.vehicles)
        none = jnp.zeros(environment.rsus, dtype=bool)
        problem = costs.next_slot_problem(environment.parameters, memory.see(environment, state), belief, none, share)
        target, cost = assignment.solve(problem)
        tries = jax.random.randint(key, (200, environment.vehicles), 0, environment.rsus)
        return cost, problem.cost(target), jax.vmap(problem.cost)(tries).min()

    keys = jax.random.split(jax.random.key(1), states.slot.shape[0])
    cost, again, best_try = jax.jit(jax.vmap(compare))(states, keys)
    np.testing.assert_allclose(cost, again, rtol=1e-4)
    assert (cost <= best_try + 1e-2).all()


@pytest.mark.parametrize(("vehicles", "rsus"), [(1, 1), (20, 6)])
def test_policies_work_for_any_size(vehicles, rsus):
    environment = AgentMigration.build(AgentMigrationConfig(vehicles=vehicles, rsus=rsus, attacked_rsus=1))
    policies = references.build(environment)

    @jax.jit
    def act(key):
        state, observation = environment.reset(key)
        return [policies[name](key, state, observation) for name in ("look-ahead", "least-loaded")]

    for action in act(jax.random.key(1)):
        assert action.shape == environment.action_space.shape
        assert bool(jnp.isfinite(action).all())
