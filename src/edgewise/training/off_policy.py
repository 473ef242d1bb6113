"""The off-policy loop: vectorised environments, replay and updates, scanned inside one compiled chunk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PRNGKeyArray, PyTree

from edgewise.algorithms.base import RecurrentAlgorithm, ReplayLearner, Step
from edgewise.common.errors import ConfigurationError, check_all, check_integer, check_range
from edgewise.common.plain import ADDED
from edgewise.environments.environment import Environment
from edgewise.numerics.select import select
from edgewise.training.config import TrainingConfig
from edgewise.training.experience import advance, blank_step
from edgewise.training.late import Line, check_late, empty_line, settle
from edgewise.training.loop import Loop, unscaled
from edgewise.training.replay import Replay, make_replay


@dataclass(frozen=True)
class OffPolicyConfig(TrainingConfig):
    """How much experience is collected, how it is replayed, and how often policies are evaluated.

    `steps` includes the warm-up.

    Attributes:
        updates: updates after each step of all copies; the update-to-data ratio is updates / environments.
        warmup_steps: steps with uniformly random actions before the first update.
        replay_capacity: transitions kept (CGDM and D2SAC papers: 1e6; each takes 4 bytes per component of its two
            observations and its action).
        reward_delay: steps for which every transition waits for rewards that come late, so that it is stored with those of
            its own decision; what comes later still goes to the oldest waiting one and is counted (`late_payments`). At 0
            rewards are taken as they come.
    """

    updates: int = 2
    warmup_steps: int = 5_000
    replay_capacity: int = 250_000
    reward_delay: int = field(default=0, metadata=ADDED)

    def check_sizes(self) -> None:
        check_all(
            [
                partial(check_integer, "updates", self.updates, 1),
                partial(check_integer, "warmup_steps", self.warmup_steps, 0),
                partial(check_range, "replay_capacity", self.replay_capacity, self.environments),
                partial(check_integer, "reward_delay", self.reward_delay, 0),
            ]
        )

    @property
    def fewest_steps(self) -> str:
        least = self.warmup_iterations * self.environments + self.evaluations * self.environments
        return f"warmup_steps + evaluations * environments = {least}"

    @property
    def warmup_iterations(self) -> int:
        """Warm-up steps of each copy."""
        return -(-self.warmup_steps // self.environments)

    @property
    def iterations(self) -> int:
        """Steps of each copy after the warm-up."""
        return self.steps // self.environments - self.warmup_iterations

    @property
    def total_updates(self) -> int:
        """Updates of the whole run."""
        return self.iterations * self.updates

    def steps_done(self, chunks: int) -> int:
        return (self.warmup_iterations + self.iterations_done(chunks)) * self.environments


class OffPolicyState(eqx.Module):
    """Everything that a run needs to go on, for one seed (or with a leading axis of seeds).

    Attributes:
        train_state: the train state of the algorithm.
        replay: the replay of Flashbax.
        recent: the latest steps of every copy that the replay needs beside the newest one, oldest first.
        environment_state, observation: of every copy.
        memory: memory of the algorithm for every copy; as at the start of an episode after the warm-up, which does not use it.
        key: randomness to come.
        line: the steps that wait for late rewards before they go on to `recent`; empty if none does.
    """

    train_state: Any
    replay: Any
    recent: tuple[Step, ...]
    environment_state: Any
    observation: Any
    memory: Any
    key: PRNGKeyArray
    line: Line | tuple[()] = ()


class OffPolicyLoop(Loop):
    """An off-policy run: act, store, learn from replayed experience.

    Attributes:
        environment: what to learn in.
        algorithm: the learner.
        config: sizes and budgets.
    """

    environment: Environment[Any]
    algorithm: ReplayLearner[Any, Any]
    config: OffPolicyConfig = eqx.field(static=True)

    def __check_init__(self) -> None:
        """Raise a ConfigurationError if the budget leaves too little experience for the first update, or no reward is late."""
        check_late(self.environment, self.config.reward_delay)
        _ = self._replay

    @property
    def _replay(self) -> Replay:
        return replay_of(self.algorithm, self.config)

    def start(self, key: PRNGKeyArray) -> OffPolicyState:
        """Fresh learner, environments and replay, the latter filled by the warm-up."""
        c = self.config
        learner_key, reset_key, warmup_key, key = jax.random.split(key, 4)
        state, observation = jax.vmap(self.environment.reset)(jax.random.split(reset_key, c.environments))
        space = self.environment.action_space
        action = space.sample(reset_key)
        blank = blank_step(self.environment, state, observation, action, self.algorithm.privileged)
        loop = begin(self._replay, learner_key, key, state, observation, blank, c.reward_delay)

        def explore(loop: OffPolicyState, key: PRNGKeyArray, store: bool) -> tuple[OffPolicyState, None]:
            action_key, step_key = jax.random.split(key)
            action = jax.vmap(space.sample)(jax.random.split(action_key, c.environments))
            return self._collect(loop, action, loop.memory, step_key, store), None

        keys = jax.random.split(warmup_key, c.warmup_iterations)
        incomplete = self._replay.recent + c.reward_delay
        if incomplete:
            loop, _ = jax.lax.scan(partial(explore, store=False), loop, keys[:incomplete])
        loop, _ = jax.lax.scan(partial(explore, store=True), loop, keys[incomplete:])
        return loop

    def policy(self, train_state: Any) -> Any:
        return unscaled(self.algorithm.policy(train_state), self.environment)

    def iterate(self, state: OffPolicyState) -> tuple[OffPolicyState, dict[str, Array]]:
        key, action_key, step_key, learn_key = jax.random.split(state.key, 4)
        action, memory = self.algorithm.step(
            state.train_state, state.observation, state.memory, action_key, explore=True
        )
        state = self._collect(replace(state, key=key), action, memory, step_key)
        state, metrics = learn(self._replay, state, jax.random.split(learn_key, self.config.updates))
        if isinstance(state.line, Line):
            metrics |= {"late_payments": state.line.overdue.sum()}
        return state, metrics

    def _collect(
        self, loop: OffPolicyState, action: PyTree[Array], memory: Any, key: PRNGKeyArray, store: bool = True
    ) -> OffPolicyState:
        copies = self.config.environments
        keys = jax.random.split(key, copies)
        before = loop.environment_state, loop.observation
        options = self.algorithm.privileged, self.config.reward_delay > 0
        state, observation, newest = advance(self.environment, keys, *before, action, action, *options)
        return replace(
            remember(self._replay, loop, newest, store),
            environment_state=state,
            observation=observation,
            memory=select(newest.ended, self.algorithm.initial_memory((copies,)), memory),
        )


def replay_of(algorithm: ReplayLearner[Any, Any], config: OffPolicyConfig) -> Replay:
    """The replay of a run.

    A run shorter than a batch learns all the same: batches are drawn with replacement.

    Raises:
        ConfigurationError: if the budget leaves too little experience for the first update, or fewer transitions are to be
            kept than a batch has.
    """
    shortest = (algorithm.span - 1 + config.reward_delay) * config.environments
    if config.warmup_steps < shortest:
        waiting = " + reward_delay" if config.reward_delay else ""
        raise ConfigurationError(
            "warmup_steps",
            config.warmup_steps,
            f"at least (steps that an item of the replay spans - 1{waiting}) * environments = {shortest}",
        )
    most = -(-config.steps // config.environments) * config.environments
    if not isinstance(algorithm, RecurrentAlgorithm):
        if config.replay_capacity < algorithm.batch_size:
            allowed = f"at most the transitions kept, replay_capacity = {config.replay_capacity}"
            raise ConfigurationError("batch_size", algorithm.batch_size, allowed)
        most = max(most, algorithm.batch_size)  # Flashbax asks for room for a batch
    return make_replay(algorithm, config.environments, min(config.replay_capacity, most))


def begin(
    replay: Replay,
    learner_key: PRNGKeyArray,
    key: PRNGKeyArray,
    environment_state: Any,
    observation: Any,
    blank: Step,
    reward_delay: int = 0,
) -> OffPolicyState:
    """A fresh learner without experience.

    Args:
        replay: the replay of the run.
        learner_key: randomness of the learner.
        key: randomness of what comes later.
        environment_state: the environment state of every copy.
        observation: the observation of every copy.
        blank: a step of a single copy, for shapes and types.
        reward_delay: steps that wait for late rewards.
    """
    copies = jax.tree.map(lambda x: jnp.broadcast_to(x, (replay.environments, *x.shape)), blank)
    return OffPolicyState(
        train_state=replay.learner.init(learner_key),
        replay=replay.init(blank),
        recent=(copies,) * replay.recent,
        environment_state=environment_state,
        observation=observation,
        memory=replay.learner.initial_memory((replay.environments,)),
        key=key,
        line=empty_line(copies, reward_delay) if reward_delay else (),
    )


def remember(replay: Replay, loop: OffPolicyState, newest: Step, store: bool = True) -> OffPolicyState:
    """Take the newest step of every copy in, and store what it completes."""
    line = loop.line
    if isinstance(line, Line):
        line, newest = settle(line, newest)
    window = (*loop.recent, newest)
    memory = loop.replay
    if store:
        memory = replay.add(memory, jax.tree.map(lambda *steps: jnp.stack(steps), *window))
    return replace(loop, replay=memory, recent=window[1:], line=line)


def learn(replay: Replay, loop: OffPolicyState, keys: Key[Array, " u"]) -> tuple[OffPolicyState, dict[str, Array]]:
    """One update for each key; metrics are means over them."""
    train_state, memory, metrics = replay.learn(loop.train_state, loop.replay, keys)
    return replace(loop, train_state=train_state, replay=memory), jax.tree.map(jnp.mean, metrics)
