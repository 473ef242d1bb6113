"""Exact assignment, local search and lower bounds against enumeration."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.common.errors import ConfigurationError
from edgewise.systems.agent_migration import assignment, bound
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration

EPISODES = 50
KNOWN_BOUND, KNOWN_BOUND_ERROR = 255.2, 0.4  # s per slot, of an independent implementation in NumPy


def draw_problem(rng, vehicles, rsus, price=1.0):
    def draw(scale, *shape):
        return jnp.asarray(rng.uniform(0, scale, shape), dtype=float)

    return assignment.AssignmentProblem(
        fixed=draw(25, vehicles, rsus),
        root=draw(3, vehicles, rsus),
        load=draw(20, vehicles, rsus),
        capacity=draw(30, rsus),
        overload_price=jnp.asarray(price, dtype=float),
    )


def enumerate_costs(problem):
    vehicles, rsus = problem.root.shape
    choices = np.array(list(itertools.product(range(rsus), repeat=vehicles)))
    fixed, root, load = (np.asarray(part, float) for part in (problem.fixed, problem.root, problem.load))
    one_hot = choices[:, :, None] == np.arange(rsus)
    overload = np.maximum(0, (one_hot * load).sum(1) - np.asarray(problem.capacity))
    group = (one_hot * root).sum(1) ** 2 + float(problem.overload_price) * overload
    return choices, (one_hot * fixed).sum((1, 2)) + group.sum(1)


@pytest.mark.parametrize(("vehicles", "rsus"), [(1, 1), (7, 2), (5, 4)])
def test_exact_solution_is_the_enumerated_minimum(vehicles, rsus):
    problem = draw_problem(np.random.default_rng(vehicles * 10 + rsus), vehicles, rsus)
    target, cost = jax.jit(assignment.solve_exactly)(problem)
    choices, costs = enumerate_costs(problem)
    assert np.isclose(cost, costs.min(), rtol=1e-5)
    assert (np.asarray(target) == choices[costs.argmin()]).all()
    assert np.isclose(problem.cost(target), cost, rtol=1e-5)


def test_every_size_with_at_most_65536_assignments_is_exact():
    for vehicles, rsus in itertools.product(range(1, 17), range(2, 33)):
        if rsus**vehicles <= 65536:
            assert assignment.is_exact(vehicles, rsus)
    assert not assignment.is_exact(64, 8)
    assert not assignment.is_exact(2, 200)


def test_local_search_of_many_pairs_ends_where_no_vehicle_gains_by_a_move():
    shape = (210, 100)
    assert shape[0] * shape[1] > assignment.THOROUGH_PAIRS
    rng = np.random.default_rng(6)
    fixed, work = (jnp.asarray(rng.uniform(1, 20, shape), float) for _ in range(2))
    problem = assignment.processor_problem(fixed, work, jnp.ones(shape, bool))

    @jax.jit
    def search(problem):
        target, cost = assignment.search_locally(problem)
        moved = jax.vmap(lambda v: jax.vmap(lambda s: problem.cost(target.at[v].set(s)))(jnp.arange(shape[1])))
        return cost, moved(jnp.arange(0, shape[0], 10))

    cost, others = search(problem)
    assert (np.asarray(others) >= float(cost) - 0.05).all()


def test_too_many_pairs_are_refused_in_words():
    with pytest.raises(ConfigurationError, match="at most 400,000 pairs of vehicle and RSU"):
        assignment.require_size(4001, 100)
    assignment.require_size(2000, 100)
    work = jnp.ones((4001, 100))
    with pytest.raises(ConfigurationError, match="at most 400,000 pairs"):
        assignment.solve(assignment.processor_problem(work, work, work > 0))


def test_forbidden_pairs_are_never_chosen():
    rng = np.random.default_rng(5)
    allowed = rng.random((6, 4)) < 0.4
    allowed[np.arange(6), rng.integers(0, 4, 6)] = True
    work = jnp.asarray(rng.uniform(0, 9, (6, 4)), dtype=float)
    problem = assignment.processor_problem(work, work, jnp.asarray(allowed))
    for solver in (assignment.solve_exactly, assignment.search_locally):
        target, cost = jax.jit(solver)(problem)
        assert allowed[np.arange(6), np.asarray(target)].all()
        assert cost < assignment.FORBIDDEN / 2


def test_local_search_ends_in_a_local_optimum_near_the_exact_one():
    rng = np.random.default_rng(6)
    problems = [draw_problem(rng, 8, 4) for _ in range(40)]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *problems)
    exact = jax.jit(jax.vmap(assignment.solve_exactly))(batch)[1]
    target, cost = jax.jit(jax.vmap(assignment.search_locally))(batch)
    assert (cost >= exact * (1 - 1e-5)).all()
    assert float((cost / exact).mean()) < 1.02

    def neighbours(problem, k):
        flips = jnp.stack([k.at[v].set(s) for v in range(8) for s in range(4)])
        return jax.vmap(problem.cost)(flips).min()

    assert (jax.jit(jax.vmap(neighbours))(batch, target) >= cost - 1e-2).all()


def test_relaxation_is_below_the_exact_optimum_and_close():
    rng = np.random.default_rng(7)
    problems = [draw_problem(rng, 8, 4, price=0.0) for _ in range(40)]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *problems)
    exact = jax.jit(jax.vmap(assignment.solve_exactly))(batch)[1]
    relaxed = jax.jit(jax.vmap(bound.relaxation_bound))(batch)
    assert (relaxed <= exact * (1 + 1e-5)).all()
    assert float((relaxed / exact).mean()) > 0.93


@pytest.fixture(scope="module")
def trajectory_bounds():
    """Exact and relaxed bound over whole episodes of the default system; [episodes, slots] each."""
    environment = AgentMigration.build()
    still = jnp.zeros(environment.action_space.shape)

    def episode(key):
        reset, steps = jax.random.split(key)

        def slot(state, key):
            both = (
                bound.latency_bound(environment, state),
                bound.relaxation_bound(bound.ideal_problem(environment, state)),
            )
            return environment.step(key, state, still)[0], both

        return jax.lax.scan(slot, environment.reset(reset)[0], jax.random.split(steps, 50))[1]

    exact, relaxed = jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(11), EPISODES))
    return np.asarray(exact), np.asarray(relaxed)


def test_default_bound_is_the_published_figure(trajectory_bounds):
    means = trajectory_bounds[0].mean(1)
    error = np.hypot(means.std(ddof=1) / np.sqrt(EPISODES), KNOWN_BOUND_ERROR)
    assert abs(means.mean() - KNOWN_BOUND) < 3 * error


def test_relaxed_bound_on_real_slots_is_valid_and_within_three_percent(trajectory_bounds):
    exact, relaxed = trajectory_bounds
    assert (relaxed <= exact * (1 + 1e-5)).all()
    assert relaxed.mean() > 0.97 * exact.mean()


def test_no_assignment_of_a_slot_beats_its_bound():
    config = AgentMigrationConfig(vehicles=5, rsus=3)
    environment = AgentMigration.build(config)
    state, _ = environment.reset(jax.random.key(3))
    p = environment.parameters
    up, down = (np.asarray(rate, float) for rate in environment.rates(state, jnp.ones(3)))
    data = np.asarray(state.data, float)
    distance = np.asarray(distances(environment.mobility.positions(state.mobility), p.rsu_positions))
    best = np.inf
    for choice in itertools.product(range(3), repeat=5):
        rows = np.arange(5), np.array(choice)
        if (distance[rows] > config.coverage_m).any():
            continue
        radio = (8 * data / up[rows] + 8 * config.result_share * data / down[rows]).sum()
        root = np.sqrt(config.cycles_per_byte * data / np.asarray(p.cpu_hz, float)[rows[1]])
        best = min(best, radio + sum(root[rows[1] == s].sum() ** 2 for s in range(3)))
    assert np.isclose(jax.jit(bound.latency_bound)(environment, state), best, rtol=1e-5)


def test_many_vehicles_get_a_certified_bound_below_what_local_search_reaches():
    environment = AgentMigration.build(AgentMigrationConfig(vehicles=24, rsus=9))

    @jax.jit
    def judge(key):
        state, _ = environment.reset(key)
        problem = bound.ideal_problem(environment, state)
        return assignment.search_locally(problem)[1], bound.latency_bound(environment, state)

    reached, certified = judge(jax.random.key(4))
    assert 0.9 * reached < certified <= reached * (1 + 1e-5)
