"""What learners over sets with a denoising actor share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.entity import matching_sizes
from edgewise.algorithms.entity_actor_critic import EntityActorCritic, EntityActorCriticConfig
from edgewise.algorithms.entity_soft import Logits
from edgewise.common.errors import check_integer
from edgewise.diffusion.matching_denoiser import MatchingDenoiser
from edgewise.diffusion.schedule import ScheduleName, make_schedule
from edgewise.networks.bipartite import Features
from edgewise.policies.matching_diffusion import MatchingDiffusionPolicy, choice_logits, switch_logits

GAIN = 0.1
"""Size of the last layers' weights at the start, of their usual ones: scores begin near 0."""


@dataclass(frozen=True)
class EntityDiffusionConfig(EntityActorCriticConfig):
    """Common configuration. Values without a source are ours."""

    denoising_steps: int = 3
    """Denoising steps K (CGDM paper, Table II, and D2SAC paper, Table 2: 5)."""
    schedule: ScheduleName = "vp"
    """Noise schedule."""
    time_embedding: int = 16
    """Size of the embedding of the step's number (D2SAC paper, Table 1)."""

    def __post_init__(self) -> None:
        check_integer("denoising_steps", self.denoising_steps, 1)
        check_integer("time_embedding", self.time_embedding, 2)
        super().__post_init__()


Config = TypeVar("Config", bound=EntityDiffusionConfig)


class EntityDiffusion(EntityActorCritic[Config, MatchingDenoiser]):
    """Learns a `MatchingDiffusionPolicy`."""

    def new_actor(self, key: PRNGKeyArray) -> MatchingDenoiser:
        c = self.config
        return MatchingDenoiser(matching_sizes(self.spaces), c.width, c.rounds, c.time_embedding, GAIN, key)

    def policy_of(self, actor: MatchingDenoiser) -> MatchingDiffusionPolicy:
        c = self.config
        return MatchingDiffusionPolicy(actor, make_schedule(c.schedule, c.denoising_steps), self.sets)

    def actor_of(self, policy: MatchingDiffusionPolicy) -> MatchingDenoiser:
        return policy.denoiser


def logits_of(x: Features, scores: Float[Array, "*b n s"]) -> Logits:
    """Logits of the decisions that scores stand for."""
    return choice_logits(x, scores), switch_logits(scores)
