"""Adapters to Gymnasium and gymnax, under the official checkers with warnings as errors."""

from __future__ import annotations

import subprocess
import sys
import warnings

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from countdown import Countdown
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.environments import registry
from edgewise.environments.adapters import fork
from edgewise.environments.adapters.gymnasium import GymnasiumEnvironment, GymnasiumVectorEnvironment
from edgewise.environments.adapters.registration import register_gymnasium
from edgewise.environments.adapters.spaces import from_bounds, to_array, to_gymnasium
from edgewise.environments.environment import step_autoreset
from edgewise.environments.spaces import Box, Discrete

ID = "edgewise/AgentMigration-v0"
SMALL = {"vehicles": 3, "rsus": 2, "slots": 6}
COPIES = 3

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def small():
    return registry.make("agent-migration", **SMALL)


@pytest.fixture(scope="module")
def gymnax():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pytest.importorskip("gymnax")


@pytest.fixture(scope="module")
def adapters(gymnax):
    from edgewise.environments.adapters import gymnax as adapters

    return adapters


@pytest.fixture(scope="module")
def cartpole(gymnax, adapters):
    return adapters.from_gymnax(*gymnax.make("CartPole-v1"))


@pytest.fixture(scope="module")
def wrapped(adapters):
    return adapters.to_gymnax(Countdown())


ALONE = [name for name in registry.names() if not registry.find(name).several_agents]


class TestRegistration:
    def test_import_registers_the_ids_without_loading_jax(self):
        code = (
            "import sys, edgewise, gymnasium;"
            f"assert {ID!r} in gymnasium.registry;"
            "assert not {'jax', 'equinox', 'gymnax'} & set(sys.modules), 'slow import';"
            "assert edgewise.__version__"
        )
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)

    def test_an_id_belongs_to_one_system(self):
        register_gymnasium("agent-migration", ID)
        with pytest.raises(ConfigurationError, match="gymnasium_id = 'CartPole-v1': must be an id that no other"):
            register_gymnasium("agent-migration", "CartPole-v1")

    def test_a_name_is_taken_once(self):
        with pytest.raises(ConfigurationError, match="name = 'agent-migration': must be a name other than"):
            registry.register(registry.find("agent-migration"))

    def test_a_new_system_is_found_by_name_and_by_id(self, monkeypatch):
        import dataclasses

        monkeypatch.setattr(registry.SYSTEMS, "_registered", {})
        entry = dataclasses.replace(registry.find("agent-migration"), name="other", gymnasium_id="edgewise/Other-v0")
        try:
            registry.register(entry)
            assert registry.find("other") is entry
            assert gymnasium.make("edgewise/Other-v0", **SMALL).unwrapped.environment.vehicles == 3
        finally:
            gymnasium.registry.pop("edgewise/Other-v0", None)


class TestSpaces:
    def test_box_and_discrete_to_gymnasium(self):
        box = to_gymnasium(Box(np.array([-1.0, 0.0], np.float32), np.array([1.0, 2.0], np.float32)))
        assert box == gymnasium.spaces.Box(*np.array([[-1, 0], [1, 2]], np.float32))
        assert to_gymnasium(Discrete(3)) == gymnasium.spaces.Discrete(3)

    def test_bounds_may_be_scalars(self):
        box = from_bounds("space", gymnasium.spaces.Box(-1.0, 2.0, (2, 3)))
        assert box.shape == (2, 3)
        assert (box.low == -1).all()
        assert (box.high == 2).all()
        assert from_bounds("space", gymnasium.spaces.Discrete(4)) == Discrete(4)

    def test_a_tuple_of_spaces_is_refused(self):
        with pytest.raises(
            ConfigurationError, match=r"^action_space = .*: must be a box, a discrete space or a dictionary"
        ):
            from_bounds("action_space", gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(2)]))

    def test_elements_become_arrays_of_the_right_type_and_shape(self):
        box = Box(np.zeros(2, np.float32), np.ones(2, np.float32))
        assert to_array(box, [[0, 1]], batch=None).dtype == np.float32
        assert to_array(Discrete(3), 2).dtype == np.int32
        np.testing.assert_array_equal(to_array(box, [-3, 0.5]), np.array([0, 0.5], np.float32))
        with pytest.raises(ConfigurationError, match=r"shape = \(3,\): must be that of the space, \(2,\)"):
            to_array(box, [0, 1, 2])


class TestSingle:
    @pytest.mark.parametrize("name", ALONE)
    def test_official_checker(self, name):
        check_env(gymnasium.make(registry.find(name).gymnasium_id, disable_env_checker=True).unwrapped)

    @pytest.mark.parametrize("name", ALONE)
    def test_stable_baselines_checker(self, name):
        checker = pytest.importorskip("stable_baselines3.common.env_checker")
        checker.check_env(gymnasium.make(registry.find(name).gymnasium_id).unwrapped)

    def test_official_checker_on_discrete_actions_and_real_ends(self, cartpole):
        environment = GymnasiumEnvironment(cartpole)
        assert environment.action_space == gymnasium.spaces.Discrete(2)
        check_env(environment, skip_render_check=True)

    def test_whole_episode_through_gymnasiums_wrappers(self):
        environment = gymnasium.make(ID, **SMALL)
        environment.reset(seed=0)
        environment.action_space.seed(0)
        for slot in range(SMALL["slots"]):
            observation, reward, terminated, truncated, info = environment.step(environment.action_space.sample())
            assert observation in environment.observation_space
            assert observation.dtype == np.float32
            assert type(reward) is float
            assert {type(value) for value in info.values()} == {float}
            assert terminated is False
            assert truncated is (slot == SMALL["slots"] - 1)

    def test_seed_decides_the_path(self, small):
        environment = GymnasiumEnvironment(small)
        action = np.zeros(environment.action_space.shape, np.float32)

        def path(seed):
            return [environment.reset(seed=seed)[0], environment.step(action)[0], environment.reset()[0]]

        first, again, other = path(1), path(1), path(2)
        np.testing.assert_array_equal(first, again)
        assert all(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))
        assert not np.array_equal(first[0], first[2])

    def test_unseeded_environments_differ(self, small):
        one, two = (GymnasiumEnvironment(small).reset()[0] for _ in range(2))
        assert not np.array_equal(one, two)

    def test_clear_errors(self, small):
        environment = GymnasiumEnvironment(small)
        with pytest.raises(gymnasium.error.ResetNeeded):
            environment.step(environment.action_space.sample())
        environment.reset(seed=0)
        with pytest.raises(ConfigurationError, match=r"shape = \(3,\): must be that of the space, \(11,\)"):
            environment.step(np.zeros(3, np.float32))
        with pytest.raises(ConfigurationError, match="render_mode = 'film': must be one of None, human"):
            GymnasiumEnvironment(small, render_mode="film")
        with pytest.raises(ConfigurationError, match="vehicles = 0"):
            gymnasium.make(ID, vehicles=0)

    @pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
    def test_an_unknown_keyword_is_the_type_error_that_other_libraries_expect(self, make):
        with pytest.raises(
            TypeError, match=r"unexpected keyword argument 'vehicels'.* did you mean vehicles\?"
        ) as caught:
            make(ID, vehicels=3)
        assert isinstance(caught.value, ConfigurationError)
        assert "\n" not in str(caught.value)

    def test_render_without_a_mode_is_warned_of_and_an_environment_of_nobodys_system_draws_nothing(self, small):
        with pytest.warns(UserWarning, match="without a render_mode"):
            assert GymnasiumEnvironment(small).render() is None
        with pytest.warns(UserWarning, match="draws no such frames"):
            environment = GymnasiumEnvironment(small, "rgb_array")
        with pytest.raises(NotImplementedError, match="render_mode = 'rgb_array': must be None"):
            environment.render()

    def test_components_outside_of_a_box_count_as_its_bound(self, small):
        environment = GymnasiumEnvironment(small)
        action = np.linspace(-1, 1, environment.action_space.shape[0]).astype(np.float32)
        outside = np.where(np.abs(action) > 0.5, np.sign(action) * 1e30, action)
        results = []
        for each in (np.clip(outside, -1, 1), outside):
            environment.reset(seed=0)
            results.append(environment.step(each))
        np.testing.assert_array_equal(results[0][0], results[1][0])
        assert results[0][1:] == results[1][1:]

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_an_action_that_is_not_finite_is_refused(self, small, value):
        environment = GymnasiumEnvironment(small)
        environment.reset(seed=0)
        action = np.zeros(11, np.float32)
        action[4] = value
        with pytest.raises(ConfigurationError, match=r"^action\[4\] = (nan|inf): must be numbers that are finite$"):
            environment.step(action)

    @pytest.mark.parametrize("action", [2, -1, 0.7, np.float64(1), "1", None, [0, 1], np.uint64(2**40)])
    def test_a_choice_that_does_not_exist_is_refused(self, action):
        environment = GymnasiumEnvironment(Countdown())
        environment.reset(seed=0)
        with pytest.raises(ConfigurationError, match=r"^action") as caught:
            environment.step(action)
        assert "\n" not in str(caught.value)

    def test_an_array_of_one_choice_is_that_choice(self):
        environment = GymnasiumEnvironment(Countdown())
        steps = []
        for action in (1, np.array([1]), jnp.asarray(1)):
            environment.reset(seed=0)
            steps.append(environment.step(action)[:2])
        assert steps[0] == steps[1] == steps[2]


@pytest.fixture(scope="module")
def vector():
    return gymnasium.make_vec(ID, num_envs=COPIES, vectorization_mode="vector_entry_point", **SMALL)


class TestVector:
    def test_spaces_are_batches_of_the_single_ones(self, vector):
        single = gymnasium.make(ID, **SMALL)
        assert isinstance(vector, GymnasiumVectorEnvironment)
        assert vector.num_envs == COPIES
        assert vector.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
        assert vector.single_observation_space == single.observation_space
        assert vector.single_action_space == single.action_space
        assert vector.observation_space == gymnasium.vector.utils.batch_space(single.observation_space, COPIES)
        assert vector.action_space == gymnasium.vector.utils.batch_space(single.action_space, COPIES)

    def test_same_as_gymnasiums_own_vectoriser(self, small):
        """Observations, rewards, flags and infos, over two episodes and a half."""
        vector = GymnasiumVectorEnvironment(small, COPIES, AutoresetMode.SAME_STEP)
        mode = {"autoreset_mode": AutoresetMode.SAME_STEP}
        own = gymnasium.make_vec(ID, num_envs=COPIES, vectorization_mode="sync", vector_kwargs=mode, **SMALL)
        np.testing.assert_allclose(vector.reset(seed=4)[0], own.reset(seed=4)[0], atol=1e-5)
        vector.action_space.seed(0)
        for _ in range(15):
            actions = vector.action_space.sample()
            *mine, info = vector.step(actions)
            *theirs, other = own.step(actions)
            assert mine[0] in vector.observation_space
            for this, that in zip(mine, theirs, strict=True):
                assert this.shape == that.shape
                assert this.dtype == that.dtype
                np.testing.assert_allclose(this, that, rtol=1e-4, atol=1e-5)
            assert info.keys() >= other.keys()
            present = set(info) - set(other)
            assert not present or (mine[2] | mine[3]).all()
            self.compare_infos({name: info[name] for name in other}, other)

    def compare_infos(self, mine, theirs):
        for name, that in theirs.items():
            this = mine[name]
            if isinstance(that, dict):
                assert this.keys() == that.keys()
                self.compare_infos(this, that)
            elif name == "final_obs":
                np.testing.assert_allclose(np.stack(this), np.stack(that), atol=1e-5)
            else:
                assert this.dtype == that.dtype
                np.testing.assert_allclose(this, that, rtol=1e-4, atol=1e-5)

    def test_actions_that_no_copy_can_take_are_refused(self, vector):
        vector.reset(seed=0)
        actions = np.zeros((COPIES, 11), np.float32)
        actions[1, 3] = np.nan
        with pytest.raises(ConfigurationError, match=r"^actions\[1, 3\] = nan: must be"):
            vector.step(actions)
        with pytest.raises(ConfigurationError, match=r"^actions: shape = \(2, 11\): must be that of .*\(3, 11\)"):
            vector.step(actions[:2])
        choices = GymnasiumVectorEnvironment(Countdown(), COPIES)
        choices.reset(seed=0)
        with pytest.raises(ConfigurationError, match=r"^actions\[2\] = 2: must be an integer in \[0, 1\]$"):
            choices.step(np.array([0, 1, 2]))

    def test_gymnasiums_vector_wrappers_take_the_default_mode(self):
        inner = GymnasiumVectorEnvironment(Countdown(), COPIES)
        wrapped = gymnasium.wrappers.vector.NormalizeObservation(inner)
        assert wrapped.reset(seed=0)[0].shape == (COPIES, 1)

    def test_episode_statistics_wrapper_counts_every_episode(self):
        inner = GymnasiumVectorEnvironment(Countdown(), COPIES)
        recorded = gymnasium.wrappers.vector.RecordEpisodeStatistics(inner)
        limit = Countdown().limit
        recorded.reset(seed=0)
        for _ in range(2 * limit + 1):
            recorded.step(np.zeros(COPIES, dtype=int))
        assert list(recorded.length_queue) == [limit] * 2 * COPIES

    def test_unseeded_reset_goes_on(self, vector):
        first = vector.reset(seed=3)[0]
        second = vector.reset()[0]
        assert not np.array_equal(first, second)
        vector.reset(seed=3)
        np.testing.assert_array_equal(second, vector.reset()[0])
        assert len(np.unique(first, axis=0)) == COPIES

    def test_one_seed_for_each_copy(self, vector):
        observations = vector.reset(seed=[3, 4, 3])[0]
        np.testing.assert_array_equal(observations[0], observations[2])
        np.testing.assert_array_equal(observations[:2], vector.reset(seed=3)[0][:2])


def test_jax_jit_takes_the_functions_of_an_environment(small):
    other = eqx.tree_at(lambda e: e.parameters.trust_penalty_s, small, small.parameters.trust_penalty_s + 9)
    other = eqx.tree_at(lambda e: e.parameters.reputation_threshold, other, jnp.asarray(1.0))
    state, _ = jax.jit(small.reset)(jax.random.key(0))
    action = jnp.zeros(small.action_space.shape)
    rewards = [jax.jit(each.step)(jax.random.key(1), state, action)[1].reward for each in (small, other, small)]
    assert rewards[0] == rewards[2] != rewards[1]


class TestProcesses:
    def test_copies_that_were_forked_are_refused_instead_of_waiting_for_ever(self):
        with warnings.catch_warnings(action="ignore"):  # of JAX about the fork, and of Gymnasium about the error
            copies = gymnasium.vector.AsyncVectorEnv([lambda: gymnasium.make(ID, **SMALL)] * 2, context="fork")
            with pytest.raises(EdgewiseError, match="was forked from one that runs JAX") as caught:
                copies.reset(seed=0)
            copies.close(terminate=True)
        assert "\n" not in str(caught.value)

    def test_what_was_made_before_the_fork_is_refused_too(self, monkeypatch):
        single = GymnasiumEnvironment(Countdown())
        several = GymnasiumVectorEnvironment(Countdown(), 2)
        single.reset(seed=0), several.reset(seed=0)
        monkeypatch.setattr(fork, "_LOADED_IN", -1)  # as in a process with another number
        for environment in (single, several):
            with pytest.raises(EdgewiseError, match="was forked from one that runs JAX"):
                environment.step(environment.action_space.sample())
            with pytest.raises(EdgewiseError, match="was forked from one that runs JAX"):
                environment.reset(seed=0)

    @pytest.mark.slow
    def test_copies_in_fresh_processes_work(self):
        kwargs = {"context": "spawn"}
        copies = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="async", vector_kwargs=kwargs, **SMALL)
        observations, _ = copies.reset(seed=3)
        np.testing.assert_allclose(observations[0], gymnasium.make(ID, **SMALL).reset(seed=3)[0], atol=1e-5)
        copies.close()


class TestToGymnax:
    def test_step_follows_the_same_path_as_step_autoreset(self, wrapped):
        countdown, params = Countdown(), wrapped.default_params
        observation, state = wrapped.reset(jax.random.key(0), params)
        own_state, own_observation = countdown.reset(jax.random.key(0))
        assert observation == own_observation
        ends = {"terminated": 0, "truncated": 0}
        for key in jax.random.split(jax.random.key(1), 40):
            action = countdown.action_space.sample(key)
            observation, state, reward, terminated, truncated, info = wrapped.step(key, state, action, params)
            own_state, timestep, own_observation = eqx.filter_jit(step_autoreset)(countdown, key, own_state, action)
            assert observation == own_observation == wrapped.observe(key, state, action, params)
            assert info["final_observation"] == timestep.observation
            assert (reward, terminated, truncated) == (timestep.reward, timestep.terminated, timestep.truncated)
            assert info["count"] == timestep.info["count"]
            assert info["discount"] == 1 - terminated
            ends["terminated"] += int(terminated)
            ends["truncated"] += int(truncated)
        assert min(ends.values()) > 1

    def test_a_shorter_limit_truncates_earlier(self, wrapped):
        params = wrapped.default_params.replace(max_steps_in_episode=2)
        _, state = wrapped.reset(jax.random.key(0), params)
        flags = []
        for key in jax.random.split(jax.random.key(1), 4):
            _, state, _, terminated, truncated, _ = wrapped.step(key, state, jnp.asarray(0), params)
            flags.append((bool(terminated), bool(truncated)))
        assert flags == [(False, False), (False, True)] * 2

    def test_gymnaxs_own_rollout_runs_it(self, wrapped):
        from gymnax.experimental.rollout import RolloutWrapper

        keys = jax.random.split(jax.random.key(0), COPIES)
        observations, actions, rewards, _, done, returns = RolloutWrapper(env=wrapped).batch_rollout(keys, None)
        steps = Countdown().limit
        assert observations.shape == (COPIES, steps, 1)
        assert actions.shape == rewards.shape == (COPIES, steps)
        assert done.any(axis=1).all()
        first = np.argmax(done, axis=1)
        np.testing.assert_allclose(returns[:, 0], [rewards[i, : end + 1].sum() for i, end in enumerate(first)])

    def test_parameters_can_be_swept(self, small, adapters):
        """The environment travels in the parameters, so one program runs it at several penalties."""
        environment = adapters.to_gymnax(small)
        penalties = jnp.array([0.0, 10.0, 20.0])
        one = environment.default_params
        many = eqx.tree_at(lambda p: p.environment.parameters.trust_penalty_s, one, penalties)
        axes = jax.tree.map(lambda _: None, one)
        axes = eqx.tree_at(lambda p: p.environment.parameters.trust_penalty_s, axes, 0, is_leaf=lambda x: x is None)
        worst = jnp.asarray(1.0)
        many = eqx.tree_at(lambda p: p.environment.parameters.reputation_threshold, many, worst)
        state = environment.reset_env(jax.random.key(0), one)[1]

        def reward(params):
            return environment.step_env(jax.random.key(1), state, jnp.zeros(small.action_space.shape), params)[2]

        rewards = jax.jit(jax.vmap(reward, in_axes=(axes,)))(many)
        np.testing.assert_allclose(rewards[0] - rewards[1:], penalties[1:] / small.parameters.slot_seconds, rtol=1e-4)

    def test_spaces_and_name(self, small, adapters, wrapped):
        environment = adapters.to_gymnax(small)
        space = environment.action_space(environment.default_params)
        assert space.shape == small.action_space.shape
        assert space.contains(space.sample(jax.random.key(0)))
        assert environment.name == "AgentMigration"
        assert environment.num_actions == 3 * 2 + 3 + 2
        assert wrapped.action_space().n == wrapped.num_actions == 2
        observation, _ = wrapped.reset(jax.random.key(0))
        assert wrapped.observation_space().contains(observation)


class TestFromGymnax:
    def test_cartpole_follows_the_same_path_as_gymnaxs_own(self, gymnax, cartpole):
        environment, params = gymnax.make("CartPole-v1")
        observation, state = environment.reset(jax.random.key(0), params)
        own_state, own_observation = cartpole.reset(jax.random.key(0))
        np.testing.assert_allclose(own_observation, observation, rtol=1e-6)
        step = eqx.filter_jit(step_autoreset)
        ends = 0
        for key in jax.random.split(jax.random.key(1), 60):
            observation, state, reward, terminated, truncated, info = environment.step(
                key, state, jnp.asarray(1), params
            )
            own_state, timestep, own_observation = step(cartpole, key, own_state, jnp.asarray(1))
            np.testing.assert_allclose(own_observation, observation, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(timestep.observation, info["final_observation"], rtol=1e-5, atol=1e-6)
            assert timestep.reward == reward
            assert (bool(timestep.terminated), bool(timestep.truncated)) == (bool(terminated), bool(truncated))
            ends += int(terminated)
        assert ends > 3

    def test_time_limit_truncates_and_does_not_terminate(self, gymnax, adapters):
        environment, params = gymnax.make("Pendulum-v1")
        pendulum = adapters.from_gymnax(environment, params.replace(max_steps_in_episode=3))
        assert pendulum.horizon == 3
        assert pendulum.action_space.shape == (1,)

        def advance(state, key):
            state, timestep = pendulum.step(key, state, jnp.zeros(1))
            return state, timestep

        state, _ = pendulum.reset(jax.random.key(0))
        _, timesteps = jax.lax.scan(advance, state, jax.random.split(jax.random.key(1), 3))
        np.testing.assert_array_equal(timesteps.truncated, [False, False, True])
        assert not timesteps.terminated.any()

    def test_spaces_of_cartpole(self, cartpole):
        assert cartpole.action_space == Discrete(2)
        assert cartpole.horizon == 500
        observation = np.asarray(cartpole.reset(jax.random.key(0))[1])
        assert observation in to_gymnasium(cartpole.observation_space)
        assert observation.dtype == np.float32

    def test_there_and_back(self, wrapped, adapters):
        there, back = Countdown(), adapters.from_gymnax(wrapped)
        assert back.horizon == there.horizon
        assert back.action_space == there.action_space
        np.testing.assert_array_equal(back.observation_space.low, there.observation_space.low)
        np.testing.assert_array_equal(back.observation_space.high, there.observation_space.high)
        state, own_state = back.reset(jax.random.key(0))[0], there.reset(jax.random.key(0))[0]
        for key in jax.random.split(jax.random.key(1), there.horizon):
            state, timestep = back.step(key, state, jnp.asarray(1))
            own_state, own = there.step(key, own_state, jnp.asarray(1))
            assert timestep.observation == own.observation
            assert timestep.reward == own.reward
            assert (timestep.terminated, timestep.truncated) == (own.terminated, own.truncated)

    def test_without_gymnax_the_error_says_what_to_install(self):
        code = (
            "import sys; sys.modules['gymnax'] = None\n"
            "from edgewise.common.errors import EdgewiseError\n"
            "try:\n    import edgewise.environments.adapters.gymnax\n"
            "except EdgewiseError as error:\n    print(error)"
        )
        output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        assert output.startswith("gymnax cannot be imported")
        assert output.strip().endswith("pip install '.[gymnax]'")
