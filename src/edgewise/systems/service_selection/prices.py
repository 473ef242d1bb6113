r"""Prices on room: what a step of capacity, taken for a second, is worth elsewhere.

The fluid limit of service selection is a linear program: tasks of K sizes arrive at the rate r p_k and take w_k = T_k d_k
step-seconds each; x_ki of those of size k go to provider i, at most the part DERATE of whose capacity C_i is filled on the
average, and what no one can take, x_k0, is lost for the penalty u_0 < 0 of a crash:

    maximise   sum_k p_k sum_i x_ki u_i(T_k)   subject to   r sum_k p_k w_k x_ki <= DERATE C_i,   sum_i x_ki = 1.

The duals of its first constraint are bid prices (Talluri and van Ryzin, 1998): a task pays lambda_i w_k at provider i.
Subgradient steps of the dual, with a soft maximum, follow the beliefs while serving.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

DERATE = 0.65
"""Part of a capacity that can be filled on the average: tasks come in bursts, and whole sizes do not fill it."""
RATE = 0.005
"""Step of the dual, in units of utility of a mean task, for a demand of twice what is there."""
STEPS = 3
"""Steps of the dual for each task that arrives."""
SOFTNESS = 0.002
"""Temperature of the soft maximum, in utility."""
FIXED, FULL, LAST = 0.6, 0.1, 0.06
"""Parts of its price that a task pays anywhere, in proportion to how full the provider is, and where no mean task fits after it.
They come from a regression of what decisions cost later, in simulated continuations on drawn instances."""


class Demand(eqx.Module):
    """What arrives.

    Attributes:
        rate: tasks per second.
        share: p_k, of each size.
        size: T_k, denoising steps.
        work: w_k, step-seconds of a task of each size.
    """

    rate: Float[Array, ""]
    share: Float[Array, " k"]
    size: Float[Array, " k"]
    work: Float[Array, " k"]

    @property
    def mean_work(self) -> Float[Array, ""]:
        """Step-seconds of a mean task."""
        return (self.share * self.work).sum()

    @property
    def mean_size(self) -> Float[Array, ""]:
        """T of a mean task, denoising steps."""
        return (self.share * self.size).sum()

    @property
    def offered(self) -> Float[Array, ""]:
        """Steps that run at a time if all are served."""
        return self.rate * self.mean_work


def follow(
    price: Float[Array, " i"],
    utility: Float[Array, "i k"],
    demand: Demand,
    capacity: Float[Array, " i"],
    penalty: Float[Array, ""],
    steps: int = STEPS,
) -> Float[Array, " i"]:
    """Prices after some steps of the dual.

    Args:
        price: lambda_i, utility per mean task.
        utility: u_i(T_k), believed or known.
        demand: what arrives.
        capacity: C_i, denoising steps; 0 for a provider that takes nothing.
        penalty: of a task that is lost.
        steps: how many.
    """
    relative = demand.work / demand.mean_work
    lost = jnp.broadcast_to(-penalty, (1, len(demand.work)))
    usable = jnp.maximum(DERATE * capacity, 1.0)

    def step(_: Any, price: Float[Array, " i"]) -> Float[Array, " i"]:
        net = utility - price[:, None] * relative
        offered = jnp.concatenate([jnp.where(capacity[:, None] > 0, net, -jnp.inf), lost])
        taken = jax.nn.softmax(offered / SOFTNESS, axis=0)[:-1]
        use = demand.rate * (taken * demand.share * demand.work).sum(-1)
        return jnp.maximum(price + RATE * (use - usable) / usable, 0.0)

    followed: Float[Array, " i"] = jax.lax.fori_loop(0, steps, step, jnp.where(capacity > 0, price, 0.0))
    return followed


def charge(
    price: Float[Array, " i"], work: Float[Array, ""], full: Float[Array, " i"], last: Bool[Array, " i"]
) -> Float[Array, " i"]:
    """What a task pays at every provider, in utility.

    Args:
        price: lambda_i, utility per mean task.
        work: step-seconds of the task over those of a mean one.
        full: part of each capacity that is in use.
        last: where no task of mean size fits beside it.
    """
    return price * work * (FIXED + FULL * full + LAST * last)
