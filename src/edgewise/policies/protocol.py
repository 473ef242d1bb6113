"""What a deployable policy is: with or without a memory of its episode."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Array, PRNGKeyArray, PyTree

from edgewise.numerics.scaling import AnyScaling


class Deployable(Protocol):
    """An Equinox module whose arrays, with its `architecture`, are all that acting needs.

    A policy on vectors has the property `observation_size` too; of what other observations are made, its artefact describes.
    A policy on two sets and their pairs (`Bipartite`) that takes any numbers of rows and columns has `any_size`, True.
    """

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and switches as plain values, from which `blank` builds a policy with arrays of the same shapes."""

    @staticmethod
    def blank(architecture: dict[str, Any]) -> Any:
        """A policy of the given architecture; its numbers mean nothing yet, and may be abstract: only shapes are taken."""


@runtime_checkable
class DeployablePolicy(Deployable, Protocol):
    """A policy that needs no more than the observation."""

    def __call__(self, observation: PyTree[Array], key: PRNGKeyArray | None) -> PyTree[Array]:
        """An action for each observation; the deterministic one without a key."""


@runtime_checkable
class Remembering(Protocol):
    """What can be asked of a memory of the episode."""

    def initial_memory(self, batch: tuple[int, ...]) -> Any:
        """Memory at the start of an episode: a PyTree of arrays that begin with the batch axes."""

    def step(self, observation: PyTree[Array], memory: Any, key: PRNGKeyArray | None) -> tuple[PyTree[Array], Any]:
        """An action for each observation, the deterministic one without a key; and the memory to go on with."""


@runtime_checkable
class Scaled(Protocol):
    """A policy that scales an observation and asks another one."""

    @property
    def policy(self) -> Any:
        """The other one."""

    @property
    def inputs(self) -> AnyScaling:
        """How it scales."""


class RecurrentPolicy(Deployable, Remembering, Protocol):
    """A policy that remembers what it has seen of an episode."""


def core(policy: Any) -> Any:
    """The policy that takes observations as its learner saw them."""
    return policy.policy if isinstance(policy, Scaled) else policy


def inputs_of(policy: Any) -> AnyScaling | None:
    """The scaling of the observations that the learner saw; None if there is none."""
    return policy.inputs if isinstance(policy, Scaled) else None


def takes_any_size(policy: Any) -> bool:
    """Whether a policy takes any numbers of rows and columns of a `Bipartite` observation."""
    return bool(getattr(core(policy), "any_size", False))


def as_learned(policy: Any, observation: Any) -> Any:
    """An observation as the policy's learner saw it."""
    inputs = inputs_of(policy)
    return observation if inputs is None else inputs(observation)


def initial_memory(policy: Any, batch: tuple[int, ...] = ()) -> Any:
    """A policy's memory at the start of an episode; an empty tuple for one without."""
    return policy.initial_memory(batch) if isinstance(policy, Remembering) else ()


def step(policy: Any, observation: PyTree[Array], memory: Any, key: PRNGKeyArray | None) -> tuple[PyTree[Array], Any]:
    """Actions of a policy with or without a memory, and the memory to go on with."""
    if isinstance(policy, Remembering):
        return policy.step(observation, memory, key)
    return policy(observation, key), memory
