"""Noise schedules of the forward process."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from edgewise.common.errors import check_choice, check_integer

ScheduleName = Literal["vp", "linear", "cosine"]
VP_BETA = (0.1, 10.0)
"""b_min and b_max of the variance-preserving process (D2SAC paper, section 4)."""
LINEAR_BETA = (1e-4, 2e-2)
"""First and last beta of the linear schedule (Ho et al., 2020)."""
LINEAR_STEPS = 1000
"""The number of steps for which `LINEAR_BETA` was chosen."""
COSINE_OFFSET = 8e-3
"""Keeps the first beta of the cosine schedule from vanishing (Nichol and Dhariwal, 2021)."""
MAX_BETA = 0.999
"""A step that adds more would leave nothing to denoise from (Nichol and Dhariwal, 2021)."""


class Schedule(eqx.Module):
    """Noise levels of K steps.

    Attributes:
        beta: variance added at step k, equation (24) of the CGDM paper.
        alpha: 1 - beta.
        alpha_bar: running product of alpha, equation (26).
        posterior_variance: variance of x_{k-1} given x_k and x_0, equation (28); zero at k = 1.
    """

    beta: Float[Array, " k"]
    alpha: Float[Array, " k"]
    alpha_bar: Float[Array, " k"]
    posterior_variance: Float[Array, " k"]

    @property
    def steps(self) -> int:
        """Number of denoising steps K."""
        return self.beta.shape[-1]


def make_schedule(name: ScheduleName, steps: int) -> Schedule:
    """Build a noise schedule.

    Args:
        name: "vp", the discretised variance-preserving process of the D2SAC paper, section 4
            (beta_k = 1 - exp(-b_min/K - (2k - 1)(b_max - b_min)/(2 K^2)), b = 0.1..10); "linear", beta rising evenly, its
            usual end points 1e-4 and 2e-2 for 1000 steps scaled to K so that the total noise stays; "cosine", alpha_bar
            falling as a squared cosine (Nichol and Dhariwal, 2021).
        steps: K, at least 1.

    Raises:
        ConfigurationError: for an unknown name or a number of steps below 1.
    """
    check_choice("schedule", name, ("vp", "linear", "cosine"))
    check_integer("denoising_steps", steps, 1)
    k = np.arange(1, steps + 1)
    if name == "vp":
        low, high = VP_BETA
        beta = 1 - np.exp(-low / steps - (2 * k - 1) * (high - low) / (2 * steps**2))
    elif name == "linear":
        scale = LINEAR_STEPS / steps
        beta = np.linspace(LINEAR_BETA[0] * scale, LINEAR_BETA[1] * scale, steps)
    else:
        level = np.cos((np.arange(steps + 1) / steps + COSINE_OFFSET) / (1 + COSINE_OFFSET) * np.pi / 2) ** 2
        beta = 1 - level[1:] / level[:-1]
    beta = np.minimum(beta, MAX_BETA)
    alpha = 1 - beta
    alpha_bar = np.cumprod(alpha)
    before = np.concatenate([[1.0], alpha_bar[:-1]])
    arrays = (beta, alpha, alpha_bar, (1 - before) / (1 - alpha_bar) * beta)
    return Schedule(*(jnp.asarray(a, dtype=float) for a in arrays))
