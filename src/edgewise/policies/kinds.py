"""The kinds of policy that can be deployed, by the name that an artefact gives them."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.diffusion import CategoricalDiffusionPolicy, DiffusionPolicy
from edgewise.policies.categorical import CategoricalPolicy


@runtime_checkable
class DeployablePolicy(Protocol):
    """An Equinox module whose arrays, with its `architecture`, are all that acting needs."""

    @property
    def observation_size(self) -> int:
        """Components of an observation."""

    @property
    def architecture(self) -> dict[str, Any]:
        """Sizes and switches as plain values, from which `blank` builds a policy with arrays of the same shapes."""

    @staticmethod
    def blank(architecture: dict[str, Any]) -> DeployablePolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""

    def __call__(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray | None) -> Array:
        """An action for each observation; the deterministic one without a key."""


KINDS: dict[str, type[DeployablePolicy]] = {
    "diffusion": DiffusionPolicy,
    "categorical": CategoricalPolicy,
    "categorical-diffusion": CategoricalDiffusionPolicy,
}


def kind_of(policy: DeployablePolicy) -> str:
    """Name of a policy's kind."""
    return next(name for name, kind in KINDS.items() if type(policy) is kind)
