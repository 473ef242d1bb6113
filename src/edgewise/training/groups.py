"""Learning in environments of several sizes by turns, with one learner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.instances import InstanceGroups
from edgewise.training.config import TrainingConfig
from edgewise.training.loop import Loop
from edgewise.training.off_policy import OffPolicyConfig


class GroupedState(eqx.Module):
    """Everything that a run needs to go on, for one seed (or with a leading axis of seeds).

    Attributes:
        train_state: the train state of the algorithm.
        groups: the state of each group's own loop, without its train state.
    """

    train_state: Any
    groups: tuple[Any, ...]


class GroupedLoop(Loop):
    """A run in several groups: in an iteration each group in turn collects experience, and the learner learns from it.

    All is one program, in which every size is compiled once.

    Attributes:
        environment: the groups, as the learner sees them.
        algorithm: the learner, as the first group knows it.
        config: sizes and budgets of the whole run; copies are spread over the groups.
        loops: the loop of each group, over its part of the copies; their learners differ in nothing but the spaces.
    """

    environment: InstanceGroups
    algorithm: Any
    config: TrainingConfig = eqx.field(static=True)
    loops: tuple[Loop, ...]

    def __check_init__(self) -> None:
        """Raise a ConfigurationError if the learner's state depends on the sizes of the environment."""
        first, *others = (_kind(eqx.filter_eval_shape(loop.algorithm.init, jax.random.key(0))) for loop in self.loops)
        if any(other != first for other in others):
            raise ConfigurationError(
                "algorithm", type(self.algorithm).__name__, "one whose networks take observations of any size"
            )

    def start(self, key: PRNGKeyArray) -> GroupedState:
        states = [
            loop.start(each) for loop, each in zip(self.loops, jax.random.split(key, len(self.loops)), strict=True)
        ]
        return GroupedState(states[0].train_state, tuple(replace(state, train_state=()) for state in states))

    def policy(self, train_state: Any) -> Any:
        return self.loops[0].policy(train_state)

    def iterate(self, state: GroupedState) -> tuple[GroupedState, dict[str, Array]]:
        train_state, groups, metrics = state.train_state, [], []
        for loop, group in zip(self.loops, state.groups, strict=True):
            group, learned = loop.iterate(replace(group, train_state=train_state))
            train_state = group.train_state
            groups.append(replace(group, train_state=()))
            metrics.append(learned)
        means = jax.tree.map(lambda *values: jnp.stack(values).mean(0), *metrics)
        return GroupedState(train_state, tuple(groups)), means


def grouped(
    environment: InstanceGroups, config: TrainingConfig, build: Callable[[Any, TrainingConfig], Loop]
) -> GroupedLoop:
    """The loop of a run in groups.

    Args:
        environment: the groups, as the learner sees them.
        config: sizes and budgets of the whole run.
        build: from a group and its part of the sizes and budgets to its loop.

    Raises:
        ConfigurationError: if there are too few copies or evaluation episodes, or a group's part does not suit the algorithm.
    """
    count = len(environment.groups)
    for name in ("environments", "evaluation_episodes"):
        if getattr(config, name) < count:
            raise ConfigurationError(name, getattr(config, name), f"at least {count}, one for each size of instances")
    if config.input_span is not None and count > 1:
        raise ConfigurationError("input_span", config.input_span, "None with instances of several sizes")
    copies = environment.split(config.environments)
    loops = tuple(build(group, _part(config, each)) for group, each in zip(environment.groups, copies, strict=True))
    return GroupedLoop(environment=environment, algorithm=loops[0].algorithm, config=config, loops=loops)


def _part(config: TrainingConfig, copies: int) -> TrainingConfig:
    """Sizes and budgets of a group that has so many of the copies."""

    def part(steps: int) -> int:
        return -(-steps // config.environments) * copies

    changed: dict[str, Any] = {"environments": copies, "steps": part(config.steps)}
    if isinstance(config, OffPolicyConfig):
        capacity = max(config.replay_capacity * copies // config.environments, copies)
        changed |= {"warmup_steps": part(config.warmup_steps), "replay_capacity": capacity}
    return replace(config, **changed)


def _kind(train_state: Any) -> Any:
    leaves, structure = jax.tree.flatten(train_state)
    return structure, [(getattr(leaf, "shape", None), getattr(leaf, "dtype", leaf)) for leaf in leaves]
