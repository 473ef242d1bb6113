"""The diffusion policy: noise schedules, denoising network, reverse chain and consistency loss.

Step numbers k run from 1 (least noise) to K; arrays over steps hold step k at index k - 1.
"""

from edgewise.diffusion.chain import (
    add_noise,
    clean_action,
    clipped_mean,
    noise_mean,
    posterior_mean,
    reverse_chain,
    squashed_mean,
)
from edgewise.diffusion.denoiser import Denoiser, time_embedding
from edgewise.diffusion.pruning import compact, prune
from edgewise.diffusion.schedule import Schedule, make_schedule
from edgewise.policies.categorical_diffusion import CategoricalDiffusionPolicy
from edgewise.policies.diffusion import DiffusionPolicy, consistency_loss
from edgewise.policies.squashed_diffusion import SquashedDiffusionPolicy

__all__ = [
    "CategoricalDiffusionPolicy",
    "Denoiser",
    "DiffusionPolicy",
    "Schedule",
    "SquashedDiffusionPolicy",
    "add_noise",
    "clean_action",
    "clipped_mean",
    "compact",
    "consistency_loss",
    "make_schedule",
    "noise_mean",
    "posterior_mean",
    "prune",
    "reverse_chain",
    "squashed_mean",
    "time_embedding",
]
