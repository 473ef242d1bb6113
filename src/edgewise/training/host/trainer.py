"""Learners of both kinds, trained in an environment that is stepped outside of compiled code."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from edgewise.algorithms.base import OnPolicyAlgorithm, ReplayLearner, Step
from edgewise.common.errors import ConfigurationError
from edgewise.environments.elements import clipped
from edgewise.environments.host.task import HostTask
from edgewise.environments.spaces import Space, components
from edgewise.numerics.select import select
from edgewise.policies.learned import LearnedPolicy
from edgewise.policies.scaled import with_inputs
from edgewise.training.config import TrainingConfig
from edgewise.training.experience import first_of
from edgewise.training.host.collector import Collector, Row, stack
from edgewise.training.host.evaluation import evaluate_host
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyState, begin, learn, remember, replay_of
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyState, check_division
from edgewise.training.replay import Replay
from edgewise.training.trainer import Health, Trainer, health

Keys = Key[Array, " n"]


def host_trainer(task: HostTask, evaluation: HostTask, algorithm: Any, config: TrainingConfig) -> HostTrainer:
    """The trainer of an algorithm.

    Args:
        task: what to learn in, as the learner sees it.
        evaluation: the task for evaluations, its observations as they are.
        algorithm: the learner.
        config: sizes and budgets.

    Raises:
        ConfigurationError: if the budget does not suit the algorithm, or its replay does not fit into memory.
    """
    if isinstance(algorithm, OnPolicyAlgorithm):
        assert isinstance(config, OnPolicyConfig)
        return HostOnPolicyTrainer(task, evaluation, algorithm, config)
    assert isinstance(config, OffPolicyConfig)
    return HostOffPolicyTrainer(task, evaluation, algorithm, config)


class HostTrainer(Trainer):
    """Every learner acts in copies of its own; all learners act and learn side by side.

    A checkpoint holds the learner and its replay, not the environments: a run that goes on from it starts new episodes.

    Args:
        task: what to learn in, as the learner sees it.
        evaluation: the task for evaluations, its observations as they are.
        algorithm: the learner.
        copies: the copies of the environment, for each learner.
    """

    def __init__(self, task: HostTask, evaluation: HostTask, algorithm: Any, copies: int) -> None:
        self._task = task
        self._evaluation = evaluation
        self._learner = algorithm
        self._copies = copies
        self._collectors: list[Collector] = []

    def policies(self, state: Any) -> Any:
        return with_inputs(eqx.filter_vmap(self._learner.policy)(state.train_state), self._task.inputs)

    @property
    def learner(self) -> Any:
        return self._learner

    def blank_policy(self) -> Any:
        inside = eqx.filter_eval_shape(lambda key: self._learner.policy(self._learner.init(key)), jax.random.key(0))
        return with_inputs(inside, self._task.inputs)

    def evaluate(self, policies: Any, seed: int, episodes: int) -> dict[str, Float[Array, "n e"]]:
        count = jax.tree.leaves(policies)[0].shape[0]
        each = [jax.tree.map(lambda leaf, i=i: leaf[i], policies) for i in range(count)]
        played = [evaluate_host(self._evaluation, LearnedPolicy(policy), seed, episodes) for policy in each]
        return {name: jnp.asarray(np.stack([result[name] for result in played])) for name in played[0]}

    def score(self, number: int, result: dict[str, Float[Array, "n e"]]) -> Float[Array, " n"]:
        """The mean return."""
        return result["return"].mean(1)

    @property
    def judged_in(self) -> Any:
        return self._evaluation

    def close(self) -> None:
        for collector in self._collectors:
            collector.close()
        self._collectors = []

    def open(self, keys: Keys) -> None:
        """Start episodes in new copies, one set for each key."""
        self.close()
        for seed in np.asarray(_seeds(keys)).tolist():
            self._collectors.append(Collector(self._task.copies(self._copies, seed), seed))

    @property
    def ready(self) -> bool:
        """Whether every learner has a row of steps."""
        return all(collector.ready for collector in self._collectors)

    @property
    def observation(self) -> Float[Array, "n e o"]:
        """What every copy shows: actions are chosen by it."""
        return jnp.asarray(np.stack([collector.observation for collector in self._collectors]))

    @property
    def fresh(self) -> Bool[Array, "n e"]:
        """Copies at the start of an episode."""
        return jnp.asarray(np.stack([collector.fresh for collector in self._collectors]))

    def step(self, drawn: Array, carried: Array) -> None:
        """Step every copy of every learner by the actions carried out."""
        for collector, *actions in zip(self._collectors, np.asarray(drawn), np.asarray(carried), strict=True):
            collector.advance(*actions)

    def take(self) -> Row:
        """The oldest row of every learner, [learners, copies, ...]."""
        return stack([collector.take() for collector in self._collectors])

    def forget(self) -> None:
        """Drop the steps that no row was made of."""
        for collector in self._collectors:
            collector.forget()


class HostOffPolicyTrainer(HostTrainer):
    """Act, store, learn from replayed experience: `OffPolicyLoop` with its environment outside."""

    def __init__(
        self, task: HostTask, evaluation: HostTask, algorithm: ReplayLearner[Any, Any], config: OffPolicyConfig
    ) -> None:
        super().__init__(task, evaluation, algorithm, config.environments)
        if config.reward_delay:
            allowed = "0 in an environment that is stepped outside of compiled code"
            raise ConfigurationError("reward_delay", config.reward_delay, allowed)
        self._config = config
        self._replay = replay_of(algorithm, config)
        check_memory(self._replay, task, config.seeds)

    def start(self, keys: Array) -> OffPolicyState:
        learner_keys, reset_keys, warmup_keys, later = _split(keys, 4)
        self.open(reset_keys)
        space = self._task.spaces.action
        state = _begin((self._replay, space), learner_keys, later, self.observation)
        for iteration in range(self._config.warmup_iterations):
            while not self.ready:
                action, warmup_keys = _explore((space, self._copies), warmup_keys)
                self.step(action, action)
            state = _remember((self._replay, iteration >= self._replay.recent), state, _step(self.take()))
        return state

    def go_on(self, state: OffPolicyState) -> OffPolicyState:
        self.open(state.key)
        return _cut(self._replay, state)

    def advance(self, state: OffPolicyState, iterations: int) -> tuple[OffPolicyState, dict[str, Array], Health]:
        metrics = []
        for _ in range(iterations):
            while not self.ready:
                action, memory, key = _decide(
                    self._learner, state.train_state, self.observation, self.fresh, state.memory, state.key
                )
                state = eqx.tree_at(lambda state: (state.memory, state.key), state, (memory, key))
                self.step(action, action)
            state, learned = _learn((self._replay, self._config.updates), state, _step(self.take()))
            metrics.append(learned)
        means = _means(metrics)
        return state, means, _health(means, state.train_state)


class HostOnPolicyTrainer(HostTrainer):
    """Roll the newest policy out and learn from that: `OnPolicyLoop` with its environment outside."""

    def __init__(
        self, task: HostTask, evaluation: HostTask, algorithm: OnPolicyAlgorithm[Any, Any], config: OnPolicyConfig
    ) -> None:
        super().__init__(task, evaluation, algorithm, config.environments)
        self._config = config
        check_division(algorithm, config)

    def start(self, keys: Array) -> OnPolicyState:
        learner_keys, reset_keys, later = _split(keys, 3)
        self.open(reset_keys)
        return _init(self._learner, learner_keys, later)

    def go_on(self, state: OnPolicyState) -> OnPolicyState:
        self.open(state.key)
        return state

    def advance(self, state: OnPolicyState, iterations: int) -> tuple[OnPolicyState, dict[str, Array], Health]:
        metrics = []
        for _ in range(iterations):
            self.forget()  # steps of the policy before
            rows = []
            for _ in range(self._config.rollout):
                while not self.ready:
                    statics = (self._learner, self._task.spaces.action)
                    drawn, carried, key = _draw(statics, state.train_state, self.observation, state.key)
                    state = eqx.tree_at(lambda state: state.key, state, key)
                    self.step(drawn, carried)
                rows.append(self.take())
            state, learned = _update(self._learner, state, _step(stack(rows, axis=1)))
            metrics.append(learned)
        means = _means(metrics)
        return state, means, _health(means, state.train_state)


def check_memory(replay: Replay, task: HostTask, seeds: int) -> None:
    """Require a replay that fits into the machine's memory.

    Raises:
        ConfigurationError: naming the largest capacity that does.
    """
    item = 2 * components(task.spaces.observation) * np.dtype(np.float32).itemsize
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if replay.capacity * item * seeds > available:
        raise ConfigurationError(
            "replay_capacity", replay.capacity, f"at most {available // (item * seeds)}, which fit into memory"
        )


def _step(row: Row) -> Step:
    return Step(*map(jnp.asarray, row))


def _means(metrics: list[dict[str, Array]]) -> dict[str, Array]:
    fetched = jax.device_get(metrics)
    return {name: jnp.asarray(np.mean([each[name] for each in fetched], axis=0)) for name in fetched[0]}


_health = eqx.filter_jit(health)


@jax.jit
def _seeds(keys: Keys) -> Array:
    return jax.vmap(lambda key: jax.random.randint(key, (), 0, 2**31 - 1))(keys)


@eqx.filter_jit
def _split(keys: Keys, count: int) -> tuple[Keys, ...]:
    parts = jax.vmap(lambda key: jax.random.split(key, count))(keys)
    return tuple(parts[:, i] for i in range(count))


@eqx.filter_jit
def _begin(statics: tuple[Replay, Space], learner_keys: Keys, keys: Keys, observation: Array) -> OffPolicyState:
    replay, space = statics

    def one(learner_key: Array, key: Array, observation: Array) -> OffPolicyState:
        first, never = first_of(observation), jnp.zeros((), bool)
        blank = Step(first, space.sample(learner_key), jnp.zeros(()), never, never, first)
        state = begin(replay, learner_key, key, (), observation, blank)
        return replace(state, observation=())

    return eqx.filter_vmap(one)(learner_keys, keys, observation)


@eqx.filter_jit
def _cut(replay: Replay, state: OffPolicyState) -> OffPolicyState:
    """The episodes in flight are cut here."""

    def one(state: OffPolicyState) -> OffPolicyState:
        recent = tuple(replace(step, ended=jnp.ones_like(step.ended)) for step in state.recent)
        return replace(state, recent=recent, replay=replay.cut(state.replay))

    return eqx.filter_vmap(one)(state)


@eqx.filter_jit
def _init(learner: OnPolicyAlgorithm[Any, Any], learner_keys: Keys, keys: Keys) -> OnPolicyState:
    return eqx.filter_vmap(lambda first, later: OnPolicyState(learner.init(first), (), (), later))(learner_keys, keys)


@eqx.filter_jit
def _explore(statics: tuple[Space, int], keys: Keys) -> tuple[Array, Keys]:
    space, copies = statics

    def one(key: Array) -> tuple[Array, Array]:
        key, action_key = jax.random.split(key)
        return jax.vmap(space.sample)(jax.random.split(action_key, copies)), key

    return jax.vmap(one)(keys)


@eqx.filter_jit(donate="all-except-first")
def _remember(statics: tuple[Replay, bool], state: OffPolicyState, row: Step) -> OffPolicyState:
    replay, store = statics
    return eqx.filter_vmap(lambda state, row: remember(replay, state, row, store))(state, row)


@eqx.filter_jit
def _decide(
    learner: ReplayLearner[Any, Any], train_state: Any, observation: Array, fresh: Array, memory: Any, keys: Keys
) -> tuple[Array, Any, Keys]:
    def one(train_state: Any, observation: Array, fresh: Array, memory: Any, key: Array) -> tuple[Array, Any, Array]:
        key, action_key = jax.random.split(key)
        memory = select(fresh, learner.initial_memory(fresh.shape), memory)
        return *learner.step(train_state, observation, memory, action_key, explore=True), key

    return eqx.filter_vmap(one)(train_state, observation, fresh, memory, keys)


@eqx.filter_jit(donate="all-except-first")
def _learn(statics: tuple[Replay, int], state: OffPolicyState, row: Step) -> tuple[OffPolicyState, dict[str, Array]]:
    replay, updates = statics

    def one(state: OffPolicyState, row: Step) -> tuple[OffPolicyState, dict[str, Array]]:
        key, learn_key = jax.random.split(state.key)
        state = remember(replay, replace(state, key=key), row)
        return learn(replay, state, jax.random.split(learn_key, updates))

    return eqx.filter_vmap(one)(state, row)


@eqx.filter_jit
def _draw(
    statics: tuple[OnPolicyAlgorithm[Any, Any], Space], train_state: Any, observation: Array, keys: Keys
) -> tuple[Array, Array, Keys]:
    learner, space = statics

    def one(train_state: Any, observation: Array, key: Array) -> tuple[Array, Array, Array]:
        key, action_key = jax.random.split(key)
        drawn = learner.act(train_state, observation, action_key)
        return drawn, clipped(space, drawn), key

    return eqx.filter_vmap(one)(train_state, observation, keys)


@eqx.filter_jit(donate="all-except-first")
def _update(
    learner: OnPolicyAlgorithm[Any, Any], state: OnPolicyState, rollout: Step
) -> tuple[OnPolicyState, dict[str, Array]]:
    def one(state: OnPolicyState, rollout: Step) -> tuple[OnPolicyState, dict[str, Array]]:
        key, learn_key = jax.random.split(state.key)
        train_state, metrics = learner.update(state.train_state, rollout, learn_key)
        return OnPolicyState(train_state, (), (), key), metrics

    return eqx.filter_vmap(one)(state, rollout)
