"""The contract of learners: pure functions around one PyTree of arrays, the train state.

How to write a learner. It takes three things, about 60 lines in all:

1. Its configuration, a frozen dataclass whose fields are documented one by one. A learner from replayed experience needs
   the fields `discount` and `batch_size`, and `n_step` if its transitions span several steps; a learner from rollouts
   needs `minibatches` if it divides them.
2. Its train state, an Equinox module of networks and optimiser states.
3. The learner itself, a subclass of one of the contracts below, with its losses and its update.

The contract to choose:

- `OffPolicyAlgorithm`: learns from replayed transitions. Write `init`, `policy`, `act`, `update`.
- `PrioritisedAlgorithm`: learns from transitions replayed by priority. Write `update_prioritised` instead of `update`.
- `RecurrentAlgorithm`: has a memory and learns from replayed windows of steps. Write `initial_memory` and `step` too.
- `OnPolicyAlgorithm`: learns from rollouts of its newest policy. Write `init`, `policy`, `act`, `update`.
- `edgewise.algorithms.game.GameAlgorithm`: learns from rollouts of a game.

Every contract declares the fields `config`, `spaces` and `updates` and Equinox makes the constructor, so a learner writes no
`__init__`. What it demands of them belongs into `__check_init__`; `require_box` and `require_choices` are the usual
demands. Box actions lie in [-1, 1] always: environments with another box are rescaled before a learner sees them.

What learners have in common is at hand: `optimisers` (an optimiser whose rate falls, and one gradient step), `critic`
(action values and their loss), `actor_critic`, `q_learning`, `policy_gradient`, `advantage`, and the networks of
`edgewise.networks` and `edgewise.policies`. A method that has a body here is final: subclasses do not override it;
`with_policy` alone has one for learners that cannot start from a policy.
except for `with_policy`, with which a learner goes on from a policy that is there already.

`edgewise.algorithms.registry.register_algorithm` gives a learner a name, for the command line and for experiments.
"""

from __future__ import annotations

import abc
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Discrete, Space, Spaces

Metrics = dict[str, Float[Array, ""]]
"""What an update reports, by name."""


class Transition(eqx.Module):
    """One step of experience, or n of them in a row, or a batch of such.

    Attributes:
        observation: before the step; a vector, or a PyTree of arrays in a structured space.
        action: taken; an array, or a PyTree of arrays in a structured space.
        reward: received; over n steps their discounted sum.
        discount: gamma^n, or 0 where the episode *terminated*; a truncated episode keeps its discount.
        next_observation: after the n steps; the final observation where the episode ended.
        privileged: what a critic may see of the state before the step beside its observation; empty for nothing.
        next_privileged: the same of the state after the n steps.
        credit: the reward decomposed as `TimeStep.credit`, over n steps its discounted sum; empty if the environment does
            not decompose it.
    """

    observation: PyTree[Array]
    action: PyTree[Array]
    reward: Array
    discount: Array
    next_observation: PyTree[Array]
    privileged: PyTree[Array] = ()
    next_privileged: PyTree[Array] = ()
    credit: PyTree[Array] = ()


class Step(eqx.Module):
    """One step of the environment, or several along leading axes.

    Attributes:
        observation: before the step; a vector, or a PyTree of arrays in a structured space.
        action: taken; an array, or a PyTree of arrays in a structured space.
        reward: received.
        terminated: the episode ended inside the decision problem.
        ended: it ended for any reason.
        next_observation: after the step; the final observation where the episode ended.
        privileged: what a critic may see of the state before the step beside its observation; empty for nothing.
        next_privileged: the same of the state after the step; of the final state where the episode ended.
        credit: the reward decomposed as `TimeStep.credit`; empty if the environment does not decompose it.
        late: as `TimeStep.late`, until the payments have gone to the steps that they belong to; empty for learners.
    """

    observation: PyTree[Array]
    action: PyTree[Array]
    reward: Float[Array, ...]
    terminated: Bool[Array, ...]
    ended: Bool[Array, ...]
    next_observation: PyTree[Array]
    privileged: PyTree[Array] = ()
    next_privileged: PyTree[Array] = ()
    credit: PyTree[Array] = ()
    late: PyTree[Array] = ()


@runtime_checkable
class ReplayConfig(Protocol):
    """What the configuration of a learner from replayed experience holds."""

    @property
    def discount(self) -> float:
        """Discount factor gamma per step."""

    @property
    def batch_size(self) -> int:
        """Items of the replay per update."""


@runtime_checkable
class PriorityConfig(ReplayConfig, Protocol):
    """What the configuration of a learner from prioritised replay holds."""

    @property
    def priority_exponent(self) -> float:
        """Omega: a transition is drawn with a probability in proportion to priority^omega; 0 draws uniformly."""


Config = TypeVar("Config")
AnyReplayConfig = TypeVar("AnyReplayConfig", bound=ReplayConfig)
AnyPriorityConfig = TypeVar("AnyPriorityConfig", bound=PriorityConfig)
TrainState = TypeVar("TrainState")


class Algorithm(eqx.Module, Generic[Config, TrainState]):
    """What all learners of one agent have.

    Attributes:
        config: the learner's configuration.
        spaces: the spaces of the environment, as the learner sees it.
        updates: calls of `update` in the whole run, for everything that decays.
    """

    config: Config = eqx.field(static=True)
    spaces: Spaces = eqx.field(static=True)
    updates: int = eqx.field(static=True)

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> TrainState:
        """Fresh networks and optimisers."""

    @abc.abstractmethod
    def policy(self, train_state: TrainState) -> Any:
        """The module that is deployed: a `DeployablePolicy`, or a `RecurrentPolicy` if the learner has a memory."""

    def with_policy(self, train_state: TrainState, policy: Any) -> TrainState:
        """The state whose policy is the given one, so that learning goes on from it; by default a learner cannot.

        Args:
            train_state: fresh; whatever is no part of the policy stays as it is.
            policy: of the kind and the architecture of those that `policy` returns.

        Raises:
            ConfigurationError: if the learner cannot start from a policy.
        """
        raise ConfigurationError(
            "algorithm", type(self).__name__, "one that can start from a policy: it has a method with_policy of its own"
        )

    @property
    def privileged(self) -> bool:
        """Whether it learns from what only a critic may see: `privileged` of the configuration; yes without that field."""
        return bool(getattr(self.config, "privileged", True))

    @property
    def observation_size(self) -> int:
        """Components of an observation.

        Raises:
            ConfigurationError: if it is not a vector.
        """
        return vector_size("observation_space", self.spaces.observation)

    @property
    def action_size(self) -> int:
        """Components of an action.

        Raises:
            ConfigurationError: if it is not a vector of real numbers.
        """
        return vector_size("action_space", self.spaces.action)

    @property
    def actions(self) -> int:
        """Number of actions.

        Raises:
            ConfigurationError: if the actions are no finite set.
        """
        return choices(self.spaces.action)


class ReplayLearner(Algorithm[AnyReplayConfig, TrainState]):
    """What the off-policy loop needs of a learner."""

    @property
    def discount(self) -> float:
        """Discount factor gamma per step."""
        return self.config.discount

    @property
    def batch_size(self) -> int:
        """Items of the replay per update."""
        return self.config.batch_size

    @property
    @abc.abstractmethod
    def span(self) -> int:
        """Steps of the environment that an item of the replay spans."""

    @abc.abstractmethod
    def initial_memory(self, batch: tuple[int, ...]) -> Any:
        """Memory at the start of an episode, of any leading batch shape; an empty tuple without one."""

    @abc.abstractmethod
    def step(
        self,
        train_state: TrainState,
        observation: PyTree[Array],
        memory: Any,
        key: PRNGKeyArray,
        explore: bool,
    ) -> tuple[PyTree[Array], Any]:
        """Actions for observations of any leading batch shape, and the memory to go on with."""

    @abc.abstractmethod
    def update(self, train_state: TrainState, batch: Any, key: PRNGKeyArray) -> tuple[TrainState, Metrics]:
        """One learning step on a batch: `Transition` [batch, ...], or `Step` [batch, span, ...] in a `RecurrentAlgorithm`."""


class OffPolicyAlgorithm(ReplayLearner[AnyReplayConfig, TrainState]):
    """A learner without memory from replayed transitions."""

    @property
    def n_step(self) -> int:
        """Steps n that a transition spans: `n_step` of the configuration, or 1 if it has no such field."""
        return int(getattr(self.config, "n_step", 1))

    @property
    def span(self) -> int:
        return self.n_step

    @abc.abstractmethod
    def act(
        self, train_state: TrainState, observation: PyTree[Array], key: PRNGKeyArray, explore: bool
    ) -> PyTree[Array]:
        """Actions for observations of any leading batch shape."""

    def initial_memory(self, batch: tuple[int, ...]) -> tuple[()]:
        return ()

    def step(
        self,
        train_state: TrainState,
        observation: PyTree[Array],
        memory: Any,
        key: PRNGKeyArray,
        explore: bool,
    ) -> tuple[PyTree[Array], Any]:
        return self.act(train_state, observation, key, explore), memory


class PrioritisedAlgorithm(OffPolicyAlgorithm[AnyPriorityConfig, TrainState]):
    """A learner that gives every transition a priority, by which it is sampled."""

    @property
    def priority_exponent(self) -> float:
        """Omega: a transition is drawn with a probability in proportion to priority^omega; 0 draws uniformly."""
        return self.config.priority_exponent

    @abc.abstractmethod
    def importance_exponent(self, train_state: TrainState) -> Float[Array, ""]:
        """Beta: a transition drawn with probability P has a weight in proportion to P^-beta."""

    @abc.abstractmethod
    def update_prioritised(
        self, train_state: TrainState, batch: Transition, weight: Float[Array, " b"], key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics, Float[Array, " b"]]:
        """One learning step on a weighted batch; returns the new priorities too, at least 0."""

    def update(self, train_state: TrainState, batch: Transition, key: PRNGKeyArray) -> tuple[TrainState, Metrics]:
        train_state, metrics, _ = self.update_prioritised(train_state, batch, jnp.ones_like(batch.reward), key)
        return train_state, metrics


class RecurrentAlgorithm(ReplayLearner[AnyReplayConfig, TrainState]):
    """A learner with a memory, from windows of `span` successive steps of one copy of the environment.

    A window may start inside an episode and reach into the next one.
    """


class OnPolicyAlgorithm(Algorithm[Config, TrainState]):
    """A learner from rollouts of its newest policy."""

    @property
    def shares(self) -> int:
        """Equal parts into which a rollout must be divisible: `minibatches` of the configuration, or 1 without that field."""
        return int(getattr(self.config, "minibatches", 1))

    @abc.abstractmethod
    def act(self, train_state: TrainState, observation: PyTree[Array], key: PRNGKeyArray) -> PyTree[Array]:
        """Actions sampled for observations of any leading batch shape; the loop clips what is carried out to a box."""

    @abc.abstractmethod
    def update(self, train_state: TrainState, rollout: Step, key: PRNGKeyArray) -> tuple[TrainState, Metrics]:
        """Learn from a rollout of this state's policy, [time, copies, ...], with the actions as they were sampled."""


def require_box(spaces: Spaces) -> None:
    """Require vectors as observations, and [-1, 1]^A as actions.

    Raises:
        ConfigurationError: naming the space that is no such box.
    """
    vector_size("observation_space", spaces.observation)
    vector_size("action_space", spaces.action)
    box = spaces.action
    assert isinstance(box, Box)
    if not box.is_unit:
        raise ConfigurationError("action_space", str(box), "[-1, 1]^A, as `RescaledActions` shows any finite box")


def require_choices(spaces: Spaces, masking: bool = False) -> None:
    """Require vectors as observations, a finite set of actions, and an action mask if it is to be used.

    Raises:
        ConfigurationError: naming the space if it is no such one, or if the environment shows no mask.
    """
    vector_size("observation_space", spaces.observation)
    choices(spaces.action)
    if masking and not spaces.action_mask:
        raise ConfigurationError("masking", True, "used in an environment whose observations end with an action mask")


def vector_size(field: str, space: Space) -> int:
    """Number of components of a vector space.

    Raises:
        ConfigurationError: naming the field, if the space is not a vector.
    """
    if not isinstance(space, Box) or len(space.shape) != 1:
        raise ConfigurationError(field, str(space), "a vector of real numbers")
    return space.shape[0]


def choices(space: Space) -> int:
    """Number of actions of a finite set.

    Raises:
        ConfigurationError: if the space is no such one.
    """
    if not isinstance(space, Discrete):
        raise ConfigurationError("action_space", str(space), "a finite set of actions")
    return space.n
