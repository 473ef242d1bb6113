"""Entity environments and games with changing agents behind the interfaces of other libraries."""

from __future__ import annotations

import warnings

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import FlattenObservation

from edgewise.common.errors import ConfigurationError
from edgewise.environments.adapters.flat_actions import FlatActions
from edgewise.environments.adapters.gymnasium import GymnasiumEnvironment, GymnasiumVectorEnvironment
from edgewise.environments.adapters.pettingzoo import PettingZooEnvironment
from edgewise.environments.adapters.spaces import to_array, to_gymnasium
from edgewise.environments.environment import step_autoreset
from edgewise.environments.game_checker import check_game
from edgewise.environments.scaled import ScaledGame
from edgewise.environments.spaces import Choices
from matching_task import MatchingTask
from workers_game import TOOLS, Workers

TASK = MatchingTask()


@pytest.fixture(scope="module")
def flat():
    return FlattenObservation(FlatActions(GymnasiumEnvironment(TASK)))


@pytest.fixture(scope="module")
def wrapped():
    return pytest.importorskip("edgewise.environments.adapters.gymnax").to_gymnax(TASK)


@pytest.fixture(scope="module")
def adapted():
    return PettingZooEnvironment(Workers(), "workers")


class TestGymnasium:
    def test_its_own_checker_is_content(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(GymnasiumEnvironment(TASK), skip_render_check=True)

    def test_choices_are_multi_discrete(self):
        assert to_gymnasium(Choices((4,), 3)) == gymnasium.spaces.MultiDiscrete([3] * 4)
        assert to_array(Choices((2,), 3), np.array([2, 0])).dtype == np.int32

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ([0, 3], r"action\[1\] = 3: must be an integer in \[0, 2\]"),
            ([0.0, 1.0], r"an array of float64': must be an integer"),
            ([0], r"shape = \(1,\)"),
        ],
    )
    def test_choices_that_do_not_exist_are_refused(self, value, told):
        with pytest.raises(ConfigurationError, match=told):
            to_array(Choices((2,), 3), np.array(value))

    @pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
    def test_copies_of_changing_sizes_step_together(self, mode):
        copies = GymnasiumVectorEnvironment(TASK, 3, mode)
        observations, _ = copies.reset(seed=1)
        counts = set()
        for _ in range(6):
            assert copies.observation_space.contains(observations)
            counts |= set(observations["jobs"]["mask"].sum(1).tolist())
            observations, *_ = copies.step(copies.action_space.sample())
        assert len(counts) > 1

    def test_flat_actions_are_the_fields_in_their_order(self, flat):
        wrapper = flat.env
        assert wrapper.action_space == gymnasium.spaces.MultiDiscrete([3, 3, 3, 3, 2, 2, 2])
        fields = wrapper.action(np.array([2, 1, 0, 2, 1, 0, 1]))
        assert {name: part.tolist() for name, part in fields.items()} == {"machine": [2, 1, 0, 2], "on": [1, 0, 1]}

    def test_flat_actions_need_integers(self):
        with pytest.raises(ConfigurationError, match=r"action_space = .*: must be a Dict of Discrete"):
            FlatActions(gymnasium.make("Pendulum-v1"))

    def test_flat_spaces_hold_what_they_give(self, flat):
        observation, _ = flat.reset(seed=0)
        assert flat.observation_space.contains(observation)
        flat.action_space.seed(0)
        observation, *_ = flat.step(flat.action_space.sample())
        assert flat.observation_space.contains(observation)

    def test_checker_of_stable_baselines_is_content_with_flat_spaces(self, flat):
        checker = pytest.importorskip("stable_baselines3.common.env_checker")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            checker.check_env(flat)

    def test_a_learner_of_stable_baselines_takes_flat_spaces(self, flat):
        learner = pytest.importorskip("stable_baselines3").PPO("MlpPolicy", flat, n_steps=8, batch_size=8, n_epochs=1)
        learner.learn(8)
        action, _ = learner.predict(flat.observation_space.sample())
        assert flat.action_space.contains(np.asarray(action))


@pytest.mark.slow
class TestAgentMigration:
    """The system of this library that has an entity form, behind Gymnasium's interface."""

    NAME = "edgewise/AgentMigration-v0"

    def test_checker_is_content(self):
        environment = gymnasium.make(self.NAME, observation="entities", vehicles=4, rsus=3, slots=5)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(environment.unwrapped, skip_render_check=True)

    def test_flat_spaces_reach_the_end_of_an_episode(self):
        inside = gymnasium.make(self.NAME, observation="entities", vehicles=4, rsus=3, slots=5)
        flat = FlattenObservation(FlatActions(inside))
        flat.reset(seed=0)
        flat.action_space.seed(0)
        ends = [flat.step(flat.action_space.sample())[3] for _ in range(5)]
        assert ends == [False] * 4 + [True]


class TestGymnax:
    def test_samples_are_elements_of_every_value(self, wrapped):
        space = wrapped.action_space()
        drawn = jax.vmap(space.sample)(jax.random.split(jax.random.key(0), 30))
        assert set(np.unique(drawn["machine"]).tolist()) == {0, 1, 2}
        assert set(np.unique(drawn["on"]).tolist()) == {False, True}
        assert space.contains(jax.tree.map(lambda leaf: leaf[0], drawn))
        assert not space.contains({"machine": jnp.full(4, 3), "on": jnp.zeros(3, bool)})

    def test_step_follows_the_same_path_as_step_autoreset(self, wrapped):
        params = wrapped.default_params
        observation, state = wrapped.reset(jax.random.key(0), params)
        own_state, _ = TASK.reset(jax.random.key(0))
        assert wrapped.observation_space().contains(observation)
        for key in jax.random.split(jax.random.key(1), 6):
            action = wrapped.action_space().sample(key)
            observation, state, reward, *_ = wrapped.step(key, state, action, params)
            own_state, timestep, own = eqx.filter_jit(step_autoreset)(TASK, key, own_state, dict(action))
            assert reward == timestep.reward
            assert all(jax.tree.leaves(jax.tree.map(lambda a, b: (a == b).all(), dict(observation), own)))


class TestPettingZoo:
    def test_the_game_keeps_the_contract(self):
        check_game(Workers())

    def test_its_own_checkers_are_content(self, adapted, capsys):
        from pettingzoo.test import parallel_api_test, parallel_seed_test
        from pettingzoo.test.state_test import test_parallel_env, test_state_space

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parallel_api_test(adapted, num_cycles=20)
            parallel_seed_test(lambda: PettingZooEnvironment(Workers(), "workers"), num_cycles=20)
            test_state_space(adapted)
            test_parallel_env(adapted)
        assert "Passed Parallel API test" in capsys.readouterr().out

    def test_agents_come_and_go(self, adapted):
        seen, _ = adapted.reset(seed=0)
        there, left = [list(adapted.agents)], []
        while adapted.agents:
            actions = {agent: np.flatnonzero(seen[agent]["action_mask"])[0] for agent in adapted.agents}
            seen, rewards, terminated, truncated, _ = adapted.step(actions)
            there.append(list(adapted.agents))
            left.append([agent for agent, gone in terminated.items() if gone])
            assert seen.keys() == rewards.keys() == terminated.keys() == truncated.keys()
        assert there[:3] == [["worker_0", "worker_2"], ["worker_0", "worker_1", "worker_2"], ["worker_1", "worker_2"]]
        assert left == [[], ["worker_0"], [], ["worker_1", "worker_2"]]

    def test_who_is_not_there_needs_no_action_and_who_is_does(self, adapted):
        adapted.reset(seed=0)
        adapted.step({"worker_0": 0, "worker_2": 0})
        with pytest.raises(ConfigurationError, match="that of worker_1 is missing"):
            adapted.step({"worker_0": 0, "worker_2": 0})

    def test_masks_are_told_beside_the_observation(self, adapted):
        seen, infos = adapted.reset(seed=3)
        for agent in adapted.agents:
            assert infos[agent]["action_mask"].dtype == np.int8
            assert (infos[agent]["action_mask"] == seen[agent]["action_mask"]).all()
            assert seen[agent]["action_mask"].sum() == TOOLS - 1

    def test_state_is_an_array_of_what_critics_may_see(self, adapted):
        adapted.reset(seed=1)
        state = adapted.state()
        assert state.shape == (TOOLS + TOOLS + 1,)
        broken = 1 - adapted.reset(seed=1)[0]["worker_0"]["action_mask"]
        flattened = gymnasium.spaces.unflatten(to_gymnasium(Workers().privileged_space), adapted.state())
        assert (flattened["broken"] == broken).all()

    def test_state_needs_a_reset(self):
        with pytest.raises(gymnasium.error.ResetNeeded):
            PettingZooEnvironment(Workers(), "workers").state()

    def test_scaled_games_show_the_same_agents_and_state(self):
        scaled, state = ScaledGame(Workers(), 1.0), Workers().reset(jax.random.key(0))[0]
        assert scaled.present(state) == Workers().present(state)
        assert scaled.privileged(state)["demand"] == state.demand
        assert scaled.privileged_space == Workers().privileged_space
