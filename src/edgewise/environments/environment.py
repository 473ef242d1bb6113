"""The environment contract: pure `reset` and `step`, spaces, and auto-reset for compiled loops."""

from __future__ import annotations

import abc
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.environments.spaces import Space, Spaces
from edgewise.numerics.rescaling import Rescaling
from edgewise.numerics.scaling import AnyScaling
from edgewise.numerics.select import select

State = TypeVar("State")
Observation = Any
Action = Any


class Late(eqx.Module):
    """A reward by the decisions that brought it: one part at once, others later. All parts together are the reward.

    Attributes:
        own: what the decision of this step brings at once.
        age: steps ago at which the decision of each payment was made, 0 for that of this step; never before the episode's start.
        reward: the payments, 0 where there is none; at most one for each decision in a step.
    """

    own: Float[Array, "*batch"]
    age: Int[Array, "*batch m"]
    reward: Float[Array, "*batch m"]


class TimeStep(eqx.Module):
    """What a step returns beside the state.

    Attributes:
        observation: the observation after the step (of the final state, when the episode ends here).
        reward: scalar; a dictionary keyed by agent id in a game.
        terminated: the episode ended inside the decision problem; values beyond it are zero.
        truncated: the episode was cut; values beyond it exist and are bootstrapped.
        info: named reward terms and domain metrics, scalars.
        credit: the reward decomposed, for learners that use it: a dictionary with "rows", one number for each row of a bipartite
            observation, "links", the columns whose switches concern each row, and perhaps "columns", one number for each;
            empty if the environment does not decompose it.
        late: the reward by the decisions that brought it, a `Late`, for learners that wait for what comes late
            (`reward_delay`); empty if decisions are paid at once. The rows of a credit hold the payments as they come.
    """

    observation: Observation
    reward: Any
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]
    info: dict[str, Array]
    credit: Any = ()
    late: Any = ()


class Environment(eqx.Module, Generic[State]):
    """A decision problem as two pure functions. Its array fields can be swept with `jax.vmap`."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray) -> tuple[State, Observation]:
        """Draw an initial state and return it with its observation."""

    @abc.abstractmethod
    def step(self, key: PRNGKeyArray, state: State, action: Action) -> tuple[State, TimeStep]:
        """Advance one slot. There is no reset inside: see `step_autoreset`."""

    @property
    @abc.abstractmethod
    def observation_space(self) -> Space:
        """Space of the observation."""

    @property
    @abc.abstractmethod
    def action_space(self) -> Space:
        """Space of the action."""

    @property
    @abc.abstractmethod
    def horizon(self) -> int:
        """Steps after which an episode has ended for certain."""

    @property
    def action_mask(self) -> bool:
        """Whether an observation ends with one flag per action, 1 where it is allowed.

        In a structured observation its field "action_mask" holds the flags.
        """
        return False

    @property
    def privileged_space(self) -> Space | None:
        """Space of what `privileged` gives; None if that is empty."""
        return None

    def privileged(self, state: State) -> Any:
        """What a critic may see of the state in training, and no policy when it acts: a PyTree of arrays; empty for nothing."""
        return ()

    @property
    def rescaling(self) -> Rescaling | None:
        """How its actions become those that a deployed policy takes; None if they are the same."""
        return None

    def __hash__(self) -> int:
        return structure_hash(self)

    @property
    def scaling(self) -> AnyScaling | None:
        """How its observations were made from those that a deployed policy takes; None if they are the same."""
        return None

    @property
    def spaces(self) -> Spaces:
        """Observation and action space together."""
        return Spaces(self.observation_space, self.action_space, self.action_mask, self.privileged_space)


def structure_hash(environment: Any) -> int:
    """A hash of all but the values of arrays, which equality compares: `jax.jit(environment.step)` needs one.

    Raises:
        TypeError: telling what works, if a static field cannot be hashed.
    """
    leaves, structure = jax.tree.flatten(environment)
    try:
        return hash((structure, *((jnp.shape(leaf), str(getattr(leaf, "dtype", type(leaf)))) for leaf in leaves)))
    except TypeError as error:
        name = type(environment).__name__
        raise TypeError(f"{name} holds what jax.jit cannot hash ({error}): use equinox.filter_jit") from None


def step_autoreset(
    environment: Environment[State], key: PRNGKeyArray, state: State, action: Action
) -> tuple[State, TimeStep, Observation]:
    """Step, and reset where the episode ended.

    Returns:
        The state to go on from, the time step (with the *final* observation of an ended episode), and the
        observation of the state to go on from.
    """
    _, timestep, state, observation = step_and_restart(environment, key, state, action)
    return state, timestep, observation


def step_and_restart(
    environment: Environment[State], key: PRNGKeyArray, state: State, action: Action
) -> tuple[State, TimeStep, State, Observation]:
    """Step, and reset where the episode ended.

    Returns:
        The state after the step (the *final* one of an ended episode) and the time step; then the state to go on from and its
        observation.
    """
    step_key, reset_key = jax.random.split(key)
    next_state, timestep = environment.step(step_key, state, action)
    fresh_state, fresh_observation = environment.reset(reset_key)
    ended = timestep.terminated | timestep.truncated
    following = select(ended, fresh_state, next_state)
    observation = select(ended, fresh_observation, timestep.observation)
    return next_state, timestep, following, observation


def scalar(value: float | Array) -> Float[Array, ""]:
    """A scalar of the default float type."""
    return jnp.asarray(value, dtype=float)
