"""Soft learning over sets: the mean gain and the weighted entropy of decisions that are given by logits.

The critics give the values of all choices of a row while the others decide as sampled, so that the mean over a row's own choices
is exact (discrete soft actor-critic, Christodoulou, 2019; (25) of the D2SAC paper).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.base import Metrics
from edgewise.algorithms.decision_value import Decided, mean_where
from edgewise.algorithms.entity_actor_critic import EntityActorCriticConfig
from edgewise.common.errors import check_range
from edgewise.networks.bipartite import Features
from edgewise.policies.matching import Sets, choice_entropy, switch_entropy

Logits = tuple[Float[Array, "*b v s"], Float[Array, "*b s"]]
"""Of every row's choice among the columns, and of every column's switch."""


@dataclass(frozen=True)
class EntitySoftConfig(EntityActorCriticConfig):
    """Configuration of learners that weigh the entropy of decisions. Values without a source are ours."""

    temperature: float = 0.1
    """Weight of the mean entropy of the decisions at the start, against gains of mean size 1."""
    final_temperature: float = 0.1
    """Share of it left at the end of the run; it falls linearly."""

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, 0)
        check_range("final_temperature", self.final_temperature, 0, 1)
        super().__post_init__()

    def temperature_at(self, part: Float[Array, ""]) -> Float[Array, ""]:
        """The weight when a share `part` of the run's updates is done."""
        return self.temperature * (1 - (1 - self.final_temperature) * part)


def sampled(logits: Logits, x: Features, sets: Sets, key: PRNGKeyArray) -> Decided:
    """Decisions with the probabilities that logits give; constants under differentiation."""
    choice, switch = jax.lax.stop_gradient(logits)
    choice_key, switch_key = jax.random.split(key)
    one = jax.nn.one_hot(jax.random.categorical(choice_key, choice), choice.shape[-1]) * x.row_mask[..., None]
    on = jax.random.bernoulli(switch_key, jax.nn.sigmoid(switch)) & x.column_mask & (sets.switch is not None)
    return Decided(one, on.astype(float))


def soft_objective(
    logits: Logits,
    gain: Decided,
    seen: Features,
    sets: Sets,
    temperature: Float[Array, ""],
    weight: Float[Array, " b"] | None = None,
    guarded: bool = False,
) -> tuple[Float[Array, ""], Metrics]:
    """Negative mean of gain and weighted entropy, choices and switches each averaged by themselves; and the two means.

    Args:
        logits: of the decisions.
        gain: of choices and switches, while the others decide as drawn from the same logits.
        seen: what the actor sees.
        sets: names.
        temperature: weight of the entropy.
        weight: of the gains of each transition. If None, all weigh 1.
        guarded: leave the terms of choices of probability 0 out of the entropy, and do not count on their being 0. It changes
            the rounding, and so the weights that a seed gives.
    """
    choice, switch = logits
    logarithm, on = jax.nn.log_softmax(choice), jax.nn.sigmoid(switch)
    probability = jnp.exp(logarithm)
    gained = mean_where(_weighed((probability * gain.choice).sum(-1), weight), seen.row_mask)
    finite = jnp.where(probability > 0, logarithm, 0.0) if guarded else logarithm
    entropy = mean_where(choice_entropy(probability, finite), seen.row_mask)
    if sets.switch is not None:
        gained += mean_where(_weighed(on * gain.switch, weight), seen.column_mask)
        entropy += mean_where(switch_entropy(on, switch), seen.column_mask)
    return -(gained + temperature * entropy), {"gain": gained, "entropy": entropy}


def _weighed(x: Float[Array, "b n"], weight: Float[Array, " b"] | None) -> Float[Array, "b n"]:
    return x if weight is None else weight[:, None] * x
