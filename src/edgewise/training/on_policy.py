"""The on-policy loop: rollouts of vectorised environments and updates, scanned inside one compiled chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, PRNGKeyArray

from edgewise.algorithms.base import OnPolicyAlgorithm, Step
from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.environments.elements import clipped
from edgewise.environments.environment import Environment
from edgewise.training.config import TrainingConfig
from edgewise.training.experience import advance as steps
from edgewise.training.loop import Loop, unscaled


@dataclass(frozen=True)
class OnPolicyConfig(TrainingConfig):
    """How much experience is collected for an update, and how often policies are evaluated.

    Attributes:
        rollout: steps of each copy of the environment per update.
    """

    rollout: int = 64

    def check_sizes(self) -> None:
        check_integer("rollout", self.rollout, 1)

    @property
    def fewest_steps(self) -> str:
        return f"evaluations * environments * rollout = {self.evaluations * self.rollout_steps}"

    @property
    def rollout_steps(self) -> int:
        """Steps of all copies together per update."""
        return self.environments * self.rollout

    @property
    def iterations(self) -> int:
        """Rollouts of the run."""
        return self.steps // self.rollout_steps

    @property
    def total_updates(self) -> int:
        return self.iterations

    def steps_done(self, chunks: int) -> int:
        return self.iterations_done(chunks) * self.rollout_steps


class OnPolicyState(eqx.Module):
    """Everything that a run needs to go on, for one seed (or with a leading axis of seeds).

    Attributes:
        train_state: the train state of the algorithm.
        environment_state, observation: of every copy.
        key: randomness to come.
    """

    train_state: Any
    environment_state: Any
    observation: Any
    key: PRNGKeyArray


class OnPolicyLoop(Loop):
    """An on-policy run: roll the newest policy out, learn from that, and forget it.

    Episodes go on from one rollout to the next.

    Attributes:
        environment: what to learn in.
        algorithm: the learner.
        config: sizes and budgets.
    """

    environment: Environment[Any]
    algorithm: OnPolicyAlgorithm[Any, Any]
    config: OnPolicyConfig = eqx.field(static=True)

    def __check_init__(self) -> None:
        """Raise a ConfigurationError if a rollout cannot be divided as the algorithm needs."""
        check_division(self.algorithm, self.config)

    def start(self, key: PRNGKeyArray) -> OnPolicyState:
        learner_key, reset_key, key = jax.random.split(key, 3)
        state, observation = jax.vmap(self.environment.reset)(jax.random.split(reset_key, self.config.environments))
        return OnPolicyState(self.algorithm.init(learner_key), state, observation, key)

    def policy(self, train_state: Any) -> Any:
        return unscaled(self.algorithm.policy(train_state), self.environment)

    def iterate(self, state: OnPolicyState) -> tuple[OnPolicyState, dict[str, Array]]:
        key, rollout_key, learn_key = jax.random.split(state.key, 3)
        environment_state, observation, rollout = self.roll_out(state, rollout_key)
        train_state, metrics = self.algorithm.update(state.train_state, rollout, learn_key)
        return OnPolicyState(train_state, environment_state, observation, key), metrics

    def roll_out(self, loop: OnPolicyState, key: PRNGKeyArray) -> tuple[Any, Any, Step]:
        """State and observation of every copy after a rollout, and its steps, [time, copies, ...]."""

        def advance(carry: tuple[Any, Any], key: PRNGKeyArray) -> tuple[tuple[Any, Any], Step]:
            state, observation = carry
            action_key, step_key = jax.random.split(key)
            action = self.algorithm.act(loop.train_state, observation, action_key)
            keys = jax.random.split(step_key, self.config.environments)
            carried_out = clipped(self.environment.action_space, action)
            state, observation, step = steps(self.environment, keys, state, observation, carried_out, action)
            return (state, observation), step

        (state, observation), rollout = jax.lax.scan(
            advance, (loop.environment_state, loop.observation), jax.random.split(key, self.config.rollout)
        )
        return state, observation, rollout


def check_division(algorithm: OnPolicyAlgorithm[Any, Any], config: OnPolicyConfig) -> None:
    """Require a rollout that can be divided as the algorithm needs.

    Raises:
        ConfigurationError: if it cannot.
    """
    if config.rollout_steps % algorithm.shares:
        raise ConfigurationError(
            "minibatches", algorithm.shares, f"a divisor of environments * rollout = {config.rollout_steps}"
        )
