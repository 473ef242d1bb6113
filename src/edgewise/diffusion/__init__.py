"""The diffusion policy: noise schedules, denoising network, reverse chain and consistency loss.

Step numbers k run from 1 (least noise) to K; arrays over steps hold step k at index k - 1.
"""

from edgewise.diffusion.categorical import CategoricalDiffusionPolicy
from edgewise.diffusion.chain import (
    DiffusionPolicy,
    add_noise,
    clean_action,
    clipped_mean,
    consistency_loss,
    posterior_mean,
    reverse_chain,
    squashed_mean,
)
from edgewise.diffusion.denoiser import Denoiser, time_embedding
from edgewise.diffusion.schedule import Schedule, make_schedule

__all__ = [
    "CategoricalDiffusionPolicy",
    "Denoiser",
    "DiffusionPolicy",
    "Schedule",
    "add_noise",
    "clean_action",
    "clipped_mean",
    "consistency_loss",
    "make_schedule",
    "posterior_mean",
    "reverse_chain",
    "squashed_mean",
    "time_embedding",
]
