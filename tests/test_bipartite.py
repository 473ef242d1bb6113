"""Bipartite observations and matchings as actions: spaces, descriptions, loops, replay, artefacts."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.base import OffPolicyAlgorithm, OnPolicyAlgorithm, Step, Transition
from edgewise.common.errors import EdgewiseError
from edgewise.environments.bipartite import COLUMN, PAIRS, Bipartite, matching_fields, resized_action, sizes_of
from edgewise.environments.checker import check_environment, environment_faults
from edgewise.environments.description import Description, plain_description, plain_space, read_description, read_space
from edgewise.environments.elements import as_arrays, clipped, differences, faults
from edgewise.environments.scaled import ScaledObservations
from edgewise.environments.spaces import (
    MASK,
    Box,
    Choices,
    Dict,
    Discrete,
    Entities,
    Flags,
    components,
    padding,
    stacked,
)
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.description_file import ArtefactError
from edgewise.policies.golden import check_golden, make_golden
from edgewise.policies.learned import LearnedPolicy
from edgewise.policies.registry import KINDS, register_kind
from edgewise.policies.scaled import with_inputs
from edgewise.training.evaluation import evaluate
from edgewise.training.experience import n_step
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyLoop
from edgewise.training.saved import load_learned
from matching_policy import CheapestMachine
from matching_task import MatchingTask, best_reward


class TestChoices:
    def test_samples_are_integers_below_n(self):
        drawn = np.asarray(Choices((50,), 3).sample(jax.random.key(0)))
        assert drawn.shape == (50,)
        assert drawn.dtype == np.int32
        assert set(drawn.tolist()) == {0, 1, 2}

    def test_faults_name_the_first_value_that_is_no_choice(self):
        space = Dict({"target": Choices((2,), 3)})
        assert faults(space, {"target": np.array([0, 2])}) == []
        assert faults(space, {"target": np.array([0, 3])}) == ["target = 3: must be an integer in [0, 2]"]
        assert faults(space, {"target": np.array([0.5, 1])}) == ["target = 0.5: must be an integer in [0, 2]"]
        assert "must end in (2,)" in faults(space, {"target": np.array([0])})[0]

    def test_less_than_one_choice_is_refused(self):
        with pytest.raises(ValueError, match="n = 0"):
            Choices((2,), 0)

    def test_arrays_padding_and_stacking_keep_the_kind(self):
        space = Choices((2,), 3)
        assert as_arrays(space, [1.0, 2.0]).dtype == np.int32
        assert padding(space).tolist() == [0, 0]
        assert stacked(space, 4) == Choices((4, 2), 3)
        assert components(space) == 2

    def test_plain_values_are_read_back(self):
        space = Dict({"target": Choices((2,), 3), "on": Flags((3,))})
        assert read_space(json.loads(json.dumps(plain_space(space)))) == space


def with_candidates(jobs: int, machines: int, candidates: int) -> Bipartite:
    space = MatchingTask(jobs, machines).observation_space
    parts = {"price": Box.of(0, 1, "1", (candidates,)), COLUMN: Choices((candidates,), machines)}
    return Bipartite({**space.fields, PAIRS: Entities(parts, jobs)}, "jobs", "machines")


class TestBipartite:
    def test_sizes_are_those_of_the_sets_and_of_the_arrays(self):
        space = MatchingTask(jobs=4, machines=3).observation_space
        assert space.sizes == (4, 3)
        other = MatchingTask(jobs=6, machines=2).observation_space.sample(jax.random.key(0))
        assert sizes_of(space, jax.tree.map(lambda x: x[None], other)) == (6, 2)

    @pytest.mark.parametrize(
        ("pairs", "told"),
        [
            (Entities({"price": Box.of(0, 1, "1", (3,))}, 5), "'pairs' has 5 rows: must have the 4 of 'jobs'"),
            (Entities({"price": Box.of(0, 1, "1", (2,))}, 4), r"pairs/price has shape \(2,\): must begin with the 3"),
            (Box.of(0, 1, "1", (4, 3)), "'pairs': must be the name of a field that is a set"),
        ],
    )
    def test_pairs_that_do_not_fit_the_sets_are_refused(self, pairs, told):
        fields = dict(MatchingTask().observation_space.fields)
        with pytest.raises(ValueError, match=told):
            Bipartite({**fields, PAIRS: pairs}, "jobs", "machines")

    def test_one_set_cannot_be_rows_and_columns(self):
        fields = dict(MatchingTask(jobs=3, machines=3).observation_space.fields)
        with pytest.raises(ValueError, match="must differ"):
            Bipartite(fields, "jobs", "jobs")

    def test_scaling_keeps_the_kind(self):
        scaled = ScaledObservations(MatchingTask(), 1.0)
        assert isinstance(scaled.observation_space, Bipartite)
        assert scaled.spaces.actions == "matching"
        _, observation = scaled.reset(jax.random.key(0))
        assert faults(scaled.observation_space, observation) == []

    def test_rows_may_have_pairs_with_candidates_only(self):
        space = with_candidates(jobs=5, machines=4, candidates=3)
        assert (space.candidates, space.pairs_per_row) == (3, 3)
        for key in jax.random.split(jax.random.key(0), 8):
            drawn = space.sample(key)
            assert faults(space, drawn) == []
            jobs, machines = np.asarray(drawn["jobs"][MASK]), np.asarray(drawn["machines"][MASK])
            index = np.asarray(drawn[PAIRS][COLUMN])
            assert all(len(set(row)) == 3 for row in index[jobs].tolist())
            assert machines[index[jobs]].sum(1).tolist() == [min(3, machines.sum())] * jobs.sum()
            assert ((np.asarray(drawn[PAIRS]["price"]) == 0) | (jobs[:, None] & machines[index])).all()

    def test_candidates_keep_their_number_at_other_sizes_if_there_are_so_many(self):
        space = with_candidates(jobs=5, machines=4, candidates=3)
        assert space.resized(7, 6) == with_candidates(7, 6, 3)
        assert space.resized(7, 2) == with_candidates(7, 2, 2)
        assert space.sized_as(MatchingTask(2, 9).observation_space) == MatchingTask(2, 9).observation_space
        assert MatchingTask(2, 9).observation_space.sized_as(space) == space

    def test_candidates_that_are_no_columns_are_refused(self):
        space = MatchingTask(5, 4).observation_space
        for wrong in (Choices((3,), 5), Flags((3,)), Choices((5,), 4)):
            pairs = Entities({"price": Box.of(0, 1, "1", wrong.shape), COLUMN: wrong}, 5)
            with pytest.raises(ValueError, match="pairs/column"):
                Bipartite({**space.fields, PAIRS: pairs}, "jobs", "machines")

    def test_descriptions_with_candidates_are_read_back(self):
        space = with_candidates(jobs=5, machines=4, candidates=3)
        assert read_space(json.loads(json.dumps(plain_space(space)))) == space

    def test_descriptions_are_read_back(self):
        description = Description.of(MatchingTask().observation_space, "observation")
        back = read_description(json.loads(json.dumps(plain_description(description))))
        assert back == description
        assert hash(back.space) == hash(description.space)

    def test_actions_are_a_matching_only_over_two_sets(self):
        spaces = MatchingTask().spaces
        assert spaces.actions == "matching"
        assert replace(spaces, observation=Box.of(0, 1, "1", (3,))).actions == "dict"
        assert replace(spaces, action=Dict({"on": Flags((3,))})).actions == "dict"
        assert replace(spaces, action=Discrete(3)).actions == "discrete"

    def test_fields_of_a_matching(self):
        assert matching_fields(MatchingTask().action_space) == ("machine", "on")
        assert matching_fields(MatchingTask(switches=False).action_space) == ("machine", None)
        with pytest.raises(ValueError, match="one Choices"):
            matching_fields(Dict({"on": Flags((3,))}))

    def test_differences_name_the_fields(self):
        one, other = MatchingTask().observation_space, MatchingTask(machines=2).observation_space
        assert differences(one, one) == []
        assert "pairs/price has shape (4, 2): must be (4, 3)" in differences(one, other)
        without = Dict({k: v for k, v in one.fields.items() if k != "jobs"})
        assert differences(Dict(one.fields), without) == ["jobs is missing"]
        assert differences(one, without) == ["it is a structure of kind dict: must be a structure of kind bipartite"]


class TestTask:
    @pytest.mark.parametrize("task", [MatchingTask(), MatchingTask(crowding=1.0, switches=False, surcharge=0.5)])
    def test_keeps_the_contract(self, task):
        check_environment(task)

    def test_no_action_beats_the_optimum_and_one_reaches_it(self):
        task = MatchingTask(jobs=2, machines=2, crowding=0.5, switches=False)
        state, _ = task.reset(jax.random.key(3))
        rewards = [
            float(task.step(jax.random.key(0), state, {"machine": jnp.array([a, b])})[1].reward)
            for a in range(2)
            for b in range(2)
        ]
        assert max(rewards) == pytest.approx(best_reward(task, state), abs=1e-6)

    def test_credit_adds_up_to_the_reward(self):
        task = MatchingTask(crowding=0.5)
        state, _ = task.reset(jax.random.key(1))
        _, timestep = task.step(jax.random.key(0), state, task.action_space.sample(jax.random.key(2)))
        paid = sum(float(timestep.credit[part].sum()) for part in ("rows", "columns"))
        assert paid == pytest.approx(float(timestep.reward), abs=1e-6)


@dataclass(frozen=True)
class Fixed:
    """Settings of a learner that learns nothing."""

    discount: float = 0.9
    batch_size: int = 8
    n_step: int = 1


class OffPolicy(OffPolicyAlgorithm[Fixed, Any]):
    """Keeps the last batch that it was given, and acts at random."""

    def init(self, key):
        return jnp.zeros(3)

    def policy(self, train_state):
        return train_state

    def act(self, train_state, observation, key, explore):
        batch = observation["jobs"]["mask"].shape[:-1]
        return jax.vmap(self.spaces.action.sample)(jax.random.split(key, batch[0]))

    def update(self, train_state, batch: Transition, key):
        credit = batch.credit["rows"].sum() + batch.credit["columns"].sum()
        told = jnp.stack([batch.reward.sum(), credit, batch.next_privileged["machines"]["surcharge"].max()])
        return told, {"largest": batch.action["machine"].max().astype(float)}


class OnPolicy(OnPolicyAlgorithm[Fixed, Any]):
    """Keeps what it was given."""

    def init(self, key):
        return jnp.zeros(2)

    def policy(self, train_state):
        return train_state

    def act(self, train_state, observation, key):
        return OffPolicy.act(self, train_state, observation, key, True)

    def update(self, train_state, rollout: Step, key):
        after, before = (
            rollout.next_privileged["machines"]["surcharge"][:-1],
            rollout.privileged["machines"]["surcharge"][1:],
        )
        same = (after == before).all(-1)
        return jnp.stack([(same | rollout.ended[:-1]).all(), (same & rollout.ended[:-1]).any()]).astype(float), {}


class TestLoops:
    @pytest.mark.parametrize("steps", [1, 3])
    def test_off_policy_learners_get_actions_credit_and_what_critics_may_see(self, steps):
        task = MatchingTask(surcharge=1.0)
        config = OffPolicyConfig(steps=64, environments=4, warmup_steps=16, updates=1, evaluations=1)
        loop = OffPolicyLoop(task, OffPolicy(Fixed(n_step=steps), task.spaces, 1), config)
        state = eqx.filter_jit(loop.start)(jax.random.key(0))
        state, metrics = eqx.filter_jit(loop.chunk)(state, 4)
        reward, credit, surcharge = state.train_state.tolist()
        assert reward == pytest.approx(credit, abs=1e-4)
        assert 0 < surcharge <= 1
        assert metrics["largest"] <= 2

    def test_on_policy_learners_see_the_final_state_of_an_episode(self):
        task = MatchingTask(surcharge=1.0)
        config = OnPolicyConfig(steps=64, environments=2, rollout=8, evaluations=1)
        loop = OnPolicyLoop(task, OnPolicy(Fixed(), task.spaces, 1), config)
        state = eqx.filter_jit(loop.start)(jax.random.key(0))
        state, _ = eqx.filter_jit(loop.chunk)(state, 1)
        continues, restarts_alike = state.train_state
        assert continues
        assert not restarts_alike

    def test_boxes_within_a_structure_are_clipped(self):
        space = Dict({"target": Choices((2,), 3), "share": Box.of(0, 1, "1", (2,))})
        action = clipped(space, {"target": jnp.array([2, 0]), "share": jnp.array([-1.0, 0.5])})
        assert action["share"].tolist() == [0, 0.5]
        assert action["target"].tolist() == [2, 0]

    def test_credit_of_several_steps_is_summed_like_their_reward(self):
        reward = jnp.array([[1.0], [2.0], [4.0]])
        ended = jnp.array([[False], [True], [False]])
        rows = jnp.stack([reward, 2 * reward], axis=-1)
        window = Step(
            reward, {"a": reward}, reward, ended, ended, reward, reward, 10 * reward, {"rows": rows, "links": ended}
        )
        transition = n_step(window, 0.5)
        assert transition.reward.tolist() == [2.0]
        assert transition.credit["rows"].tolist() == [[2.0, 4.0]]
        assert transition.credit["links"].tolist() == [True]  # flags stay flags
        assert transition.privileged.tolist() == [1.0]
        assert transition.next_privileged.tolist() == [20.0]
        assert transition.action["a"].tolist() == [1.0]


class TestSizes:
    @pytest.mark.parametrize("sizes", [(2, 5), (4, 3), (7, 1)])
    def test_resized_spaces_are_those_of_the_other_size(self, sizes):
        task, other = MatchingTask(), MatchingTask(jobs=sizes[0], machines=sizes[1])
        assert task.observation_space.resized(*sizes) == other.observation_space
        assert resized_action(task.action_space, (4, 3), sizes) == other.action_space

    def test_bounds_that_differ_between_columns_become_the_widest(self):
        fields = dict(MatchingTask().observation_space.fields)
        price = Box(np.array([0, -1, 0], np.float32), np.array([1, 1, 3], np.float32))
        space = Bipartite({**fields, PAIRS: Entities({"price": price}, 4)}, "jobs", "machines").resized(4, 2)
        assert space.of_entities(PAIRS).fields["price"] == Box.of(-1, 3, "1", (2,))

    def test_samples_have_consistent_masks_and_blank_padding(self):
        space = MatchingTask(jobs=3, machines=3).observation_space
        seen = jax.vmap(space.sample)(jax.random.split(jax.random.key(0), 40))
        rows, columns = np.asarray(seen["jobs"]["mask"]), np.asarray(seen["machines"]["mask"])
        assert faults(space, seen) == []
        assert (np.asarray(seen[PAIRS]["mask"]) == rows).all()
        assert set(rows.sum(1)) == set(columns.sum(1)) == {1, 2, 3}
        there = rows[:, :, None] & columns[:, None, :]
        assert (np.asarray(seen[PAIRS]["price"]) > 0).tolist() == there.tolist()

    def test_scaling_learned_at_one_size_holds_at_another(self):
        small, large = (ScaledObservations(MatchingTask(jobs=2, machines=m), 1.0) for m in (2, 5))
        _, observation = MatchingTask(jobs=2, machines=5).reset(jax.random.key(0))
        assert small.scaling == large.scaling
        scaled = small.inputs(observation)[PAIRS]["price"]
        assert scaled.tolist() == (2 * observation[PAIRS]["price"] - 1).tolist()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    if KINDS.name_of(CheapestMachine) is None:
        register_kind("cheapest-machine", CheapestMachine)
    folder = tmp_path_factory.mktemp("policies") / "cheapest"
    scaled = with_inputs(CheapestMachine(jnp.asarray(2.0)), ScaledObservations(MatchingTask(), 1.0).scaling)
    seen = Description.of(MatchingTask().observation_space, "observation")
    done = Description.of(MatchingTask().action_space, "action")
    save_policy(folder, PolicyArtefact(scaled, "matching", {}, "none", 0, seen, done))
    return folder


class TestArtefacts:
    def test_actions_are_trees_of_integers_and_flags(self, saved):
        artefact = load_policy(saved)
        _, observation = MatchingTask().reset(jax.random.key(0))
        action = artefact.act(observation)
        assert action["machine"].dtype == np.int32
        assert faults(MatchingTask().action_space, action) == []
        assert artefact.decode(action).keys() == {"machine", "on"}

    @pytest.mark.parametrize("sizes", [(9, 2), (4, 3), (3, 6)])
    def test_any_size_gives_the_action_of_the_policy_that_was_saved(self, saved, sizes):
        task = MatchingTask(*sizes)
        _, observation = jax.vmap(task.reset)(jax.random.split(jax.random.key(1), 5))
        action = load_policy(saved).act(observation)
        price = jnp.where(observation["machines"]["mask"][:, None], observation[PAIRS]["price"], jnp.inf)
        present = np.asarray(observation["jobs"]["mask"])
        assert (action["machine"] == np.argmin(price, -1))[present].all()
        assert (action["on"] == observation["machines"]["faulty"]).all()

    def test_sizes_that_contradict_each_other_are_refused_by_field(self, saved):
        _, observation = MatchingTask(5, 2).reset(jax.random.key(0))
        observation[PAIRS]["price"] = observation[PAIRS]["price"][:, :1]
        with pytest.raises(ArtefactError, match=r"pairs/price has shape \(5, 1\): must end in \(5, 2\)"):
            load_policy(saved).act(observation)

    def test_missing_fields_are_refused(self, saved):
        _, observation = MatchingTask(5, 2).reset(jax.random.key(0))
        del observation["machines"]["faulty"]
        with pytest.raises(ArtefactError, match="machines/faulty is missing"):
            load_policy(saved).act(observation)
        with pytest.raises(ArtefactError, match="no dictionary"):
            load_policy(saved).act(np.zeros(3))

    def test_a_policy_of_fixed_size_refuses_others(self, saved, monkeypatch):
        monkeypatch.setattr(CheapestMachine, "any_size", False)
        _, observation = MatchingTask(5, 2).reset(jax.random.key(0))
        with pytest.raises(ArtefactError, match=r"must end in \(4,\)"):
            load_policy(saved).act(observation)
        with pytest.raises(EdgewiseError, match=r"jobs/mask has shape \(5,\): must be \(4,\)"):
            load_learned(saved, MatchingTask(5, 2))

    def test_environments_of_any_size_are_played(self, saved):
        for sizes in ((2, 2), (6, 4)):
            task = MatchingTask(*sizes)
            policy = LearnedPolicy(load_learned(saved, task))
            result = evaluate(task, policy, jax.random.key(0), 2)
            assert (result["return"] > -1.1 * task.steps).all()

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"price": Box.of(0, 1, "EUR", (2,))}, "pairs/price is in EUR: must be in 1"),
            ({"cost": Box.of(0, 1, "1", (2,))}, "pairs/price is missing; pairs/cost is unknown"),
        ],
    )
    def test_environments_with_other_fields_are_refused_by_name(self, saved, change, told):
        fields = dict(MatchingTask(5, 2).observation_space.fields)
        space = Bipartite({**fields, PAIRS: Entities(change, 5)}, "jobs", "machines")

        class Other(MatchingTask):
            @property
            def observation_space(self):
                return space

        with pytest.raises(EdgewiseError, match=told):
            load_learned(saved, Other(5, 2))

    def test_environments_with_other_actions_are_refused(self, saved):
        with pytest.raises(EdgewiseError, match=r"the action .* does not fit the policy: on is missing"):
            load_learned(saved, MatchingTask(switches=False))

    def test_an_example_that_is_not_repeated_is_told(self, saved, tmp_path):
        policy = load_policy(saved).policy
        observation = Description.of(MatchingTask().observation_space, "observation")
        golden = make_golden(policy, observation)
        other = replace(golden, action={**golden.action, "machine": (golden.action["machine"] + 1) % 3})
        assert check_golden(policy, golden) is None
        assert "the action of example" in check_golden(policy, other)


class Contradicting(MatchingTask):
    """Masks of pairs that are not those of the rows, and credit of columns only."""

    def observe(self, state):
        seen = super().observe(state)
        return {**seen, PAIRS: {**seen[PAIRS], "mask": ~state.jobs}}

    def step(self, key, state, action):
        after, timestep = super().step(key, state, action)
        return after, replace(timestep, credit={"columns": timestep.credit["columns"]})


def test_checker_tells_contradicting_masks_and_credit():
    told = "\n".join(environment_faults(Contradicting()))
    assert "pairs/mask is not jobs/mask" in told
    assert 'credit must be a dictionary whose "rows" are one number for each of the 4 jobs' in told
