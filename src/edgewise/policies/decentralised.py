"""A policy on pairs whose rows and columns each decide by themselves, with the same weights, by what each of them sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.policies.registry import KINDS, kind_of


class DecentralisedPolicy(eqx.Module):
    """Takes the views of all R rows, then of all C columns: observations of the policy inside, along an axis [R + C].

    Of the decision for each view, only the own part of its observer is taken: the choice of a row in its own view, the switch of
    a column in its own. As rows and columns that a view masks have no influence on it, this is what they would decide apart.

    Attributes:
        policy: with whose weights everyone decides; any kind that takes any numbers of rows and columns.
    """

    policy: Any

    def __call__(self, observation: Mapping[str, Any], key: PRNGKeyArray | None) -> dict[str, Array]:
        """Every observer's own decision, sampled independently, or without a key the most probable one."""
        sets = self.policy.sets
        decisions = self.policy(observation, key)
        choices = decisions[sets.choice]
        rows = choices.shape[-1]
        action = {sets.choice: _own(choices[..., :rows, :])}
        if sets.switch is not None:
            action[sets.switch] = _own(decisions[sets.switch][..., rows:, :])
        return action

    @property
    def architecture(self) -> dict[str, Any]:
        """That of the policy inside, and its kind."""
        return {"kind": kind_of(self.policy), "policy": self.policy.architecture}

    @staticmethod
    def blank(architecture: dict[str, Any]) -> DecentralisedPolicy:
        """A policy of the given architecture; its numbers mean nothing yet."""
        return DecentralisedPolicy(KINDS.find(architecture["kind"]).blank(architecture["policy"]))


def decentralised(policy: Any) -> DecentralisedPolicy:
    """The same policy in the hands of those for whom it decides.

    Args:
        policy: on pairs, trained on the whole, such as `load_policy(folder).policy`.

    Raises:
        ConfigurationError: if it does not take any numbers of rows and columns.
    """
    if not getattr(policy, "any_size", False):
        raise ConfigurationError("policy", type(policy).__name__, "one that takes any numbers of rows and columns")
    return DecentralisedPolicy(policy)


def _own(decisions: Array) -> Array:
    """Of the decisions [*batch, n, n] that n observers make for all n of a kind, each one's own."""
    return jnp.diagonal(decisions, axis1=-2, axis2=-1)
