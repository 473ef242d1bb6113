"""Learning while serving: beliefs, prices, references, changing providers, and the entity view of service selection."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.registry import find_algorithm
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.checker import check_environment
from edgewise.environments.elements import faults
from edgewise.environments.episode import record_episode
from edgewise.environments.instances import InstanceGroups
from edgewise.policies.artefact import load_policy
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.service_selection import online, prices
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.curves import LEAST_ERROR, Curves, Prior
from edgewise.systems.service_selection.entities import EntitySelection
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.experience import begin, learn
from edgewise.systems.service_selection.instances import draw_instances
from edgewise.systems.service_selection.prices import DERATE, Demand
from edgewise.systems.service_selection.references import find
from edgewise.systems.service_selection.sampling import running_time
from edgewise.systems.service_selection.tokens import offers
from reference import online as slow

SYSTEM = registry.find("service-selection")
record = eqx.filter_jit(record_episode)
reset = eqx.filter_jit(lambda environment, key: environment.reset(key))
step = eqx.filter_jit(lambda environment, key, state, action: environment.step(key, state, action))
assign = eqx.filter_jit(lambda environment, *given: environment.assign(*given))
observe = eqx.filter_jit(lambda environment, state: environment.observe(state))
experienced = eqx.filter_jit(learn)
believe = eqx.filter_jit(lambda curves, *given: curves.learn(*given))


def system(**changes) -> ServiceSelection:
    return ServiceSelection(ServiceSelectionConfig(**{"providers": 6, "tasks": 60, "arrival_rate": 4e-4, **changes}))


def played(environment, name, seed=0):
    states, steps, actions = record(environment, find(environment, name), jax.random.key(seed))
    return states, steps, actions


class TestBeliefs:
    def test_they_are_those_of_gaussian_conditioning(self):
        prior = Prior.of_sizes(100, 10, 16, False)
        rng = np.random.default_rng(0)
        with jax.enable_x64(True):
            prior = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), dtype=float), prior)
            places = rng.integers(0, 16, (2, 5))
            scores = rng.uniform(0, 1, (2, 5))
            curves = believe(
                Curves.unknown(2), prior, jnp.asarray(100.0 + 10 * places), jnp.asarray(scores), jnp.asarray(0.05)
            )
            for who in range(2):
                mean, covariance = slow.posterior(
                    np.asarray(prior.mean), np.asarray(prior.basis), places[who], scores[who], 0.05
                )
                np.testing.assert_allclose(curves.table(prior)[who], mean, atol=1e-8)
                for kind in range(16):
                    value, deviation = curves.estimate(prior, jnp.asarray(100.0 + 10 * kind))
                    np.testing.assert_allclose(value[who], mean[kind], atol=1e-8)
                    np.testing.assert_allclose(deviation[who] ** 2, covariance[kind, kind], atol=1e-8)

    def test_running_tasks_make_sure_without_scores(self):
        prior = Prior.of_sizes(100, 10, 16, False)
        size = jnp.asarray([[150.0, 220.0], [0.0, 0.0]])
        told = believe(Curves.unknown(2), prior, size, jnp.full((2, 2), 0.3), jnp.zeros(()))
        coming = Curves.unknown(2).sharpened(prior, size, jnp.zeros(()))
        np.testing.assert_allclose(coming.covariance, told.covariance, atol=1e-5)
        np.testing.assert_allclose(coming.mean, 0.0)
        np.testing.assert_allclose(coming.covariance[1], np.eye(6), atol=1e-6)

    def test_a_curve_of_the_population_is_found_from_a_few_scores(self):
        environment = system()
        prior, providers = environment.prior, environment.providers
        size = jnp.broadcast_to(jnp.asarray([100.0, 150.0, 180.0, 200.0, 220.0, 250.0]), (6, 6))
        score = jnp.stack([providers.utility(each, False) for each in size[0]], axis=1)
        table = believe(Curves.unknown(6), prior, size, score, jnp.zeros(())).table(prior)
        truth = jnp.stack([providers.utility(each, False) for each in prior.sizes], axis=1)
        assert float(jnp.abs(table - truth).max()) < 5 * LEAST_ERROR

    def test_who_comes_anew_is_unknown(self):
        prior = Prior.of_sizes(100, 10, 16, False)
        size = jnp.full((2, 1), 150.0)
        curves = believe(Curves.unknown(2), prior, size, jnp.full((2, 1), 0.3), jnp.zeros(()))
        forgotten = curves.forget(jnp.asarray([True, False]))
        np.testing.assert_allclose(forgotten.covariance[0], np.eye(6))
        np.testing.assert_allclose(forgotten.mean[1], curves.mean[1])

    def test_experience_counts_what_ended_and_nothing_that_runs(self):
        environment = system()
        states, _, _ = played(environment, "crash-avoid")
        experience = begin(environment)
        for number in range(30):
            experience = experienced(environment, experience, jax.tree.map(lambda leaf, at=number: leaf[at], states))
        ended = np.asarray(states.ended.size)[:30]
        assert float(experience.done.sum()) == (ended > 0).sum() > 5
        np.testing.assert_allclose(experience.scores.sum(), np.asarray(states.ended.score)[:30].sum(), rtol=1e-5)
        assert float(experience.sizes.sum()) == 16 * 4 + 30


class TestBoundsFromShape:
    @pytest.mark.parametrize("places", [[], [4], [3, 9], [0, 5, 11], [2, 3, 13, 15]])
    def test_no_curve_of_the_shape_is_higher(self, places):
        environment = system()
        true = np.minimum(0.05 * np.arange(16) + 0.1, 0.6)
        experience = begin(environment)
        done = np.zeros((6, 16))
        done[:, places] = 2
        experience = eqx.tree_at(
            lambda each: (each.done, each.scores), experience, (jnp.asarray(done), jnp.asarray(done * true))
        )
        bounds = np.asarray(online.upper_bounds(experience, environment))[0]
        exact = [slow.highest_curve(places, true[places], 16, at) for at in range(16)]
        np.testing.assert_allclose(bounds, exact, atol=1e-5)


class TestPrices:
    def test_they_are_duals_of_the_fluid_program(self):
        environment = system(providers=5, arrival_rate=5e-4)
        sizes, capacity = environment.prior.sizes, environment.providers.capacity
        work = sizes * running_time(sizes)
        demand = Demand(environment.arrival_rate, jnp.full(16, 1 / 16), sizes, work)
        table = jax.vmap(lambda size: environment.providers.utility(size, False), out_axes=1)(sizes)
        price = prices.follow(jnp.zeros(5), table, demand, capacity, jnp.asarray(2.0), 20_000)
        value, duals = slow.fluid_optimum(
            np.asarray(table, float),
            np.full(16, 1 / 16),
            np.asarray(work, float),
            5e-4,
            DERATE * np.asarray(capacity),
            2.0,
        )
        per_task = np.asarray(duals) * 5e-4 * float(demand.mean_work)
        np.testing.assert_allclose(price, per_task, atol=0.03)
        net = np.asarray(table) - np.asarray(price)[:, None] * np.asarray(work / demand.mean_work)
        dual = np.maximum(net.max(0), -2.0).mean() + (np.asarray(price) * DERATE * np.asarray(capacity)).sum() / float(
            demand.offered
        )
        assert dual == pytest.approx(value, abs=0.01)
        assert (np.asarray(price) > 0.01).any()

    def test_who_takes_nothing_has_no_price(self):
        environment = system()
        demand = Demand(
            environment.arrival_rate, jnp.full(16, 1 / 16), environment.prior.sizes, 1e4 * environment.prior.sizes
        )
        capacity = environment.providers.capacity.at[0].set(0.0)
        price = prices.follow(jnp.full(6, 0.2), jnp.full((6, 16), 0.5), demand, capacity, jnp.asarray(2.0))
        assert float(price[0]) == 0


class TestReferences:
    @pytest.fixture(scope="class")
    def rewards(self):
        environment = ServiceSelection(ServiceSelectionConfig(tasks=600))
        return {
            name: float(played(environment, name)[1].reward.sum()) for name in ("crash-avoid", "prophet", *online.NAMES)
        }

    def test_they_learn_what_prophet_knows(self, rewards):
        for name in ("optimistic", "thompson", "epsilon-greedy"):
            assert 0.93 * rewards["prophet"] < rewards[name] < rewards["prophet"]
            assert rewards[name] > rewards["crash-avoid"]

    def test_a_price_on_room_beats_prophet(self, rewards):
        assert rewards["bid-price-prophet"] > 1.005 * rewards["prophet"]
        assert rewards["bid-price"] > max(rewards[name] for name in ("optimistic", "thompson", "epsilon-greedy"))

    @pytest.mark.parametrize("name", ["optimistic", "bid-price"])
    def test_they_read_nothing_hidden(self, name):
        """Curves and scores of running tasks may be anything as long as what has ended is the same."""
        environment = system()
        states, _, actions = played(environment, name)
        hidden = eqx.tree_at(lambda each: each.score, states, jnp.where(states.size > 0, 9.0, states.score))
        other = eqx.tree_at(lambda each: each.providers.end_score, environment, jnp.full(6, 0.99))
        policy = find(other, name)

        def follow(memory, state):
            action, memory = policy.step(jax.random.key(0), state, None, memory)
            return memory, action

        first = jax.tree.map(lambda leaf: leaf[0], hidden)
        again = eqx.filter_jit(lambda states: jax.lax.scan(follow, policy.begin(first), states)[1])(hidden)
        np.testing.assert_array_equal(again, actions)

    def test_what_was_learned_is_kept_for_a_second_episode(self):
        first = ServiceSelection(ServiceSelectionConfig(tasks=300))
        second = ServiceSelection(ServiceSelectionConfig(tasks=300, earlier_episodes=1))
        ratio = {}
        for name, environment in (("first", first), ("second", second)):
            total = {each: float(played(environment, each)[1].reward.sum()) for each in ("prophet", "bid-price")}
            ratio[name] = total["bid-price"] / total["prophet"]
        assert ratio["second"] > ratio["first"] + 0.01


class TestQuality:
    def test_delay_pays_each_accepted_task_once(self):
        at_once, late = system(), system(quality_delay=True)
        _, now, _ = played(at_once, "prophet")
        _, then, _ = played(late, "prophet")
        assert float(now.reward.sum()) == pytest.approx(float(then.reward.sum()), rel=1e-5)
        assert float(then.reward[0]) == 0.0

    def test_delay_pays_nothing_for_what_is_lost(self):
        """Two tasks of 200 fill a provider of 400; the third one crashes it, so that none of the three brings a score."""
        environment = ServiceSelection(
            ServiceSelectionConfig(providers=1, tasks=3, quality_delay=True),
            jax.tree.map(
                lambda leaf: leaf[:1],
                replace(system().providers, capacity=jnp.full(6, 400.0), start_steps=jnp.zeros(6)),
            ),
        )
        state, _ = reset(environment, jax.random.key(0))
        state = replace(state, task=jnp.asarray(200.0))
        total = 0.0
        for _ in range(3):
            state, timestep = assign(environment, state, jnp.asarray(0), jnp.zeros(()), jnp.asarray(200.0))
            total += float(timestep.reward)
        assert total == pytest.approx(-2 * 3)

    def test_noise_is_in_scores_and_rewards_and_not_in_the_arrivals(self):
        exact, noisy = system(tasks=200), system(tasks=200, quality_noise=0.1)
        states, steps, _ = played(exact, "prophet")
        noisy_states, noisy_steps, _ = played(noisy, "prophet")
        np.testing.assert_array_equal(states.task, noisy_states.task)
        error = np.asarray(noisy_steps.reward - steps.reward)
        assert 0.08 < error.std() < 0.12
        np.testing.assert_allclose(noisy_steps.info["utility"], steps.info["utility"], rtol=1e-6)

    def test_levels_wander_with_the_spread_that_was_asked_for(self):
        environment = system(tasks=400, quality_drift=0.1, drift_time=20_000.0)
        states, _, _ = played(environment, "prophet")
        level = np.asarray(states.market.level)
        assert 0.07 < level.std() < 0.13
        assert np.abs(np.diff(level, axis=0)).max() < 0.5
        near, far = (np.corrcoef(level[:-lag].ravel(), level[lag:].ravel())[0, 1] for lag in (1, 100))
        assert near > 0.8 > 0.3 > far

    def test_providers_leave_finish_what_they_have_and_are_followed_by_others(self):
        environment = system(tasks=400, provider_turnover=1.5, arrival_rate=1.5e-4)
        states, steps, actions = played(environment, "bid-price")
        there = np.asarray(states.market.open)
        assert there[0].all()
        assert 0.5 < there.mean() < 1.0
        assert len(np.unique(np.asarray(states.market.providers.end_score), axis=0)) > 3
        closed = ~np.take_along_axis(there, np.asarray(actions)[:, None], 1)[:, 0]
        assert not closed.any()
        assert float(steps.info["crashed"].sum()) == 0
        total = sum(float(steps.info[name].sum()) for name in ("finished", "crashed", "unfinished"))
        assert total == 400

    def test_a_task_for_one_who_left_is_lost_alone(self):
        environment = system(provider_turnover=1.0)
        state, _ = reset(environment, jax.random.key(0))
        state, _ = assign(environment, state, jnp.asarray(2), jnp.zeros(()), jnp.asarray(100.0))
        state = replace(state, market=replace(state.market, open=state.market.open.at[2].set(False)))
        following, timestep = assign(environment, state, jnp.asarray(2), jnp.zeros(()), jnp.asarray(100.0))
        assert float(timestep.reward) == -2.0
        assert float(following.size[2].sum()) == float(state.size[2].sum()) > 0


class TestEntities:
    @pytest.fixture(scope="class")
    def environment(self):
        return registry.make("service-selection", observation="entities", providers=5, tasks=30, arrival_rate=2.5e-4)

    def test_it_keeps_the_contract_of_environments(self, environment):
        assert check_environment(environment) is None

    def test_it_plays_the_same_episodes_as_the_paper_s_view(self, environment):
        flat = environment.system
        reference = SYSTEM.references(environment, ("prophet",))["prophet"]
        _, entities, _ = record(environment, reference, jax.random.key(1))
        _, vector, _ = played(flat, "prophet", 1)
        np.testing.assert_allclose(entities.reward, vector.reward, rtol=1e-6)

    def test_only_those_with_room_are_seen(self, environment):
        states, steps, _ = record(
            environment, SYSTEM.references(environment, ("round-robin",))["round-robin"], jax.random.key(2)
        )
        fits = np.asarray(jax.vmap(environment.system.free)(states.system)) >= np.asarray(states.system.task)[:, None]
        fits = np.where(fits.any(1, keepdims=True), fits, True)
        np.testing.assert_array_equal(np.asarray(steps.observation["providers"]["mask"])[:-1], fits[1:])
        assert not fits.all()

    def test_no_number_tells_what_is_hidden(self, environment):
        state, _ = reset(environment, jax.random.key(3))
        state, _ = step(environment, jax.random.key(4), state, {"provider": jnp.asarray([1])})
        hidden = replace(state, system=replace(state.system, score=state.system.score + 5.0))
        other = EntitySelection(
            eqx.tree_at(lambda each: each.providers.end_score, environment.system, jnp.full(5, 0.99))
        )
        before, after = observe(environment, state), observe(other, hidden)
        assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), before, after))
        assert faults(environment.observation_space, before) == []

    def test_permuted_providers_are_seen_permuted(self, environment):
        order = np.asarray([3, 1, 4, 0, 2])
        state, _ = reset(environment, jax.random.key(5))
        for key in jax.random.split(jax.random.key(6), 8):
            state, _ = step(
                environment, key, state, {"provider": jnp.argmax(environment.system.free(state.system))[None]}
            )

        def permuted(tree):
            return jax.tree.map(lambda leaf: leaf[order] if leaf.ndim and leaf.shape[0] == 5 else leaf, tree)

        other = EntitySelection(
            eqx.tree_at(lambda e: e.providers, environment.system, permuted(environment.system.providers))
        )
        before, after = observe(environment, state), observe(other, permuted(state))
        for name, number in after["providers"].items():
            np.testing.assert_allclose(number, np.asarray(before["providers"][name])[order], atol=1e-5)
        for name, number in after["pairs"].items():
            expected = np.asarray(before["pairs"][name])
            np.testing.assert_allclose(number, expected if name == "mask" else expected[:, order], atol=1e-5)

    def test_the_credit_lacks_what_no_decision_changes(self, environment):
        alone = EntitySelection(environment.system)
        state, _ = reset(alone, jax.random.key(7))
        best = float(alone.system.rewards(state.system).max())
        _, timestep = step(alone, jax.random.key(8), state, {"provider": jnp.asarray([0])})
        assert float(timestep.credit["rows"][0]) == pytest.approx(float(timestep.reward) - best, abs=1e-6)

    def test_who_decides_like_the_rival_has_no_credit(self, environment):
        assert environment.rivalled
        rule = SYSTEM.references(environment, ("bid-price",))["bid-price"]
        _, steps, _ = record(environment, rule, jax.random.key(9))
        np.testing.assert_array_equal(steps.credit["rows"], 0.0)
        _, others, _ = record(environment, SYSTEM.references(environment, ("random",))["random"], jax.random.key(9))
        assert float(others.credit["rows"].sum()) < -1.0

    def test_a_fresh_policy_decides_by_the_rule(self, environment):
        entry = find_algorithm("entity-ppo")
        algorithm = entry.build(entry.config(width=8, rounds=1), environment.spaces, 1)
        policy = algorithm.policy(algorithm.init(jax.random.key(0)))
        rule = SYSTEM.references(environment, ("bid-price",))["bid-price"]
        states, _, _ = record(environment, rule, jax.random.key(10))

        @eqx.filter_jit
        @jax.vmap
        def behind(state):
            merit = offers(environment.system, state.system, state.experience)
            best = jnp.where(merit.can, merit.optimistic, -jnp.inf)
            return best.max() - best[policy(observe(environment, state), None)["provider"][0]]

        assert float(behind(states).max()) < 0.005


class TestInstances:
    def test_streams_have_nothing_in_common(self):
        config = ServiceSelectionConfig(observation="entities")
        drawn = {stream: draw_instances(config, 6, 3, 0, stream) for stream in ("training", "evaluation", "held out")}
        scores = {np.asarray(each.providers.end_score).tobytes() for group in drawn.values() for each in group}
        assert len(scores) == 9
        again = draw_instances(config, 6, 3, 0, "training")[2]
        np.testing.assert_array_equal(again.providers.capacity, drawn["training"][2].providers.capacity)

    def test_sizes_become_groups(self):
        config = ServiceSelectionConfig(observation="entities", instances="drawn", sizes=(3, 5), instances_per_size=2)
        groups = SYSTEM.build(config)
        assert isinstance(groups, InstanceGroups)
        assert [group.instance(0).providers for group in groups.groups] == [3, 5]
        assert "3 5" in SYSTEM.played(config)

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"instances": "drawn"}, "observation"),
            ({"instances": "somewhere", "observation": "entities"}, "instances"),
            ({"instances": "drawn", "observation": "entities", "workload": "bursty"}, "workload"),
            ({"quality_noise": -0.1}, "quality_noise"),
            ({"drift_time": 0.0}, "drift_time"),
            ({"earlier_episodes": -1}, "earlier_episodes"),
        ],
    )
    def test_what_is_not_allowed_is_named(self, changes, named):
        with pytest.raises(ConfigurationError, match=named):
            ServiceSelectionConfig(**changes)


class TestShipped:
    def test_as_a_reference_it_decides_as_on_entities(self):
        environment = system(tasks=40)
        policy = LearnedPolicy(load_policy(SYSTEM.shipped["general"]).policy)
        _, _, mine = record(EntitySelection(environment), policy, jax.random.key(0))
        reference = SYSTEM.references(environment, ("general-1",))["general-1"]
        _, steps, theirs = record(environment, reference, jax.random.key(0))
        np.testing.assert_array_equal(mine["provider"][:, 0], theirs)
        assert float(steps.info["crashed"].sum()) == 0

    def test_it_serves_any_number_of_providers(self):
        artefact = load_policy(SYSTEM.shipped["general"])
        for count in (2, 9):
            environment = registry.make("service-selection", observation="entities", providers=count)
            _, observation = reset(environment, jax.random.key(1))
            assert 0 <= int(artefact.act(observation)["provider"][0]) < count
