"""D2SAC: soft actor-critic whose actor denoises the distribution of a choice (D2SAC paper, section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.algorithms.categorical_actor_critic import CategoricalActorCritic, CategoricalActorCriticConfig
from edgewise.common.errors import check_choice, check_integer
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import ScheduleName, make_schedule
from edgewise.policies.categorical_diffusion import CategoricalDiffusionPolicy, Prediction


@dataclass(frozen=True)
class D2SACConfig(CategoricalActorCriticConfig):
    """Configuration of D2SAC; "Table 1" and "Table 2" are those of the D2SAC paper."""

    denoising_steps: int = 5
    """Denoising steps K (Table 2)."""
    schedule: ScheduleName = "vp"
    """Noise schedule (paper: vp)."""
    predicts: Prediction = "clean"
    """What the denoiser gives: the "noise" in x_k, bounded by tanh, as in the paper's (12); or the "clean" x_0."""
    time_embedding: int = 16
    """Size of the step embedding (Table 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("denoising_steps", self.denoising_steps, 1)
        check_integer("time_embedding", self.time_embedding, 2)
        check_choice("predicts", self.predicts, get_args(Prediction))


class D2SAC(CategoricalActorCritic[D2SACConfig, Denoiser, CategoricalDiffusionPolicy]):
    """Deep diffusion soft actor-critic for a finite set of actions."""

    def new_actor(self, key: PRNGKeyArray) -> Denoiser:
        return Denoiser(self.observation_size, self.actions, self.config.hidden, self.config.time_embedding, key)

    def policy_of(self, actor: Denoiser) -> CategoricalDiffusionPolicy:
        c = self.config
        schedule = make_schedule(c.schedule, c.denoising_steps)
        return CategoricalDiffusionPolicy(actor, schedule, c.predicts, c.masking)

    def log_probabilities(
        self, actor: Denoiser, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> Float[Array, "*batch a"]:
        return self.policy_of(actor).log_probabilities(observation, key)
