"""An interior-point method for concave programmes of one form, and an upper bound that proves how good its result is."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float, Int

MAX_ITERATIONS = 60
GAP = 0.7
"""The method stops when slacks times multipliers, against the largest weight, add up to less than epsilon to this power."""
RESIDUAL = 0.63
"""And when no optimality condition misses by more than epsilon to this power."""
PROGRESS = 0.9
"""Where the optimality conditions hold, it also stops when a step leaves more than this part of slacks times multipliers."""
SMALLEST = 1e-30
"""Height of a row without entries."""
STEP = 0.995
"""Part of the way to the boundary that a step may go."""
HALVINGS = 7
"""Lengths that are tried for a step, each half of the one before."""


class Programme(eqx.Module):
    """Maximise `constant + linear z + sum_i weights_i (1 - exp(-rate z_i))` where `matrix z <= limits` and z >= 0.

    The first `rounds` variables are also at most `top`; the others have no weight.

    Attributes:
        weights, linear, constant: of the objective; weights are not negative.
        matrix, limits: of the constraints.
        units: a typical size of each variable.
        rate: of the exponential.
        top: upper bound of the first variables.
        rounds: how many are bounded by it.
    """

    weights: Float[Array, " n"]
    linear: Float[Array, " n"]
    constant: Float[Array, ""]
    matrix: Float[Array, "m n"]
    limits: Float[Array, " m"]
    units: Float[Array, " n"]
    rate: float = eqx.field(static=True)
    top: float = eqx.field(static=True)
    rounds: int = eqx.field(static=True)

    def value(self, z: Float[Array, " n"]) -> Float[Array, ""]:
        """The objective."""
        return self.constant + self.linear @ z - self.weights @ jnp.expm1(-self.rate * z)


class Solution(eqx.Module):
    """Result of the interior-point method.

    Attributes:
        z: variables.
        multipliers: of the rows of `matrix`.
        iterations: steps made.
    """

    z: Float[Array, " n"]
    multipliers: Float[Array, " m"]
    iterations: Int[Array, ""]


class _Iterate(eqx.Module):
    x: Float[Array, " n"]
    slack: Float[Array, " all"]
    dual: Float[Array, " all"]


class _Step(eqx.Module):
    x: Float[Array, " n"]
    slack: Float[Array, " all"]
    dual: Float[Array, " all"]


def maximise(programme: Programme) -> Solution:
    """Mehrotra's predictor-corrector method on the optimality conditions, from a start that need not be feasible.

    Variables, rows and the objective are scaled to sizes near one. Stops when slacks times multipliers and residuals are
    near rounding level, or no further step is possible.
    """
    epsilon = float(np.finfo(programme.matrix.dtype).eps)
    matrix = programme.matrix * programme.units
    heights = jnp.maximum(jnp.abs(matrix).max(axis=1, initial=0.0), SMALLEST)
    matrix, limits = matrix / heights[:, None], programme.limits / heights
    peak = jnp.maximum(programme.weights.max(), jnp.abs(programme.linear * programme.units).max())
    weights, linear = programme.weights / peak, programme.linear * programme.units / peak
    rates = programme.rate * programme.units
    size, rows, bounded = len(linear), len(limits), programme.rounds
    limits = jnp.concatenate([limits, jnp.zeros(size), programme.top / programme.units[:bounded]])

    def product(x: Array) -> Array:
        return jnp.concatenate([matrix @ x, -x, x[:bounded]])

    def transposed(y: Array) -> Array:
        low, high = y[rows : rows + size], y[rows + size :]
        return matrix.T @ y[:rows] - low + jnp.zeros(size).at[:bounded].set(high)

    def gradient(x: Array) -> Array:
        return weights * rates * jnp.exp(-rates * x) + linear

    def residuals(now: _Iterate) -> tuple[Array, Array]:
        return transposed(now.dual) - gradient(now.x), product(now.x) + now.slack - limits

    def advance(now: _Iterate) -> _Iterate:
        residual, missing = residuals(now)
        products, stiffness = now.slack * now.dual, now.dual / now.slack
        low, high = stiffness[rows : rows + size], stiffness[rows + size :]
        curvature = weights * rates**2 * jnp.exp(-rates * now.x)
        diagonal = curvature + low + jnp.zeros(size).at[:bounded].set(high)
        factor = cho_factor((matrix.T * stiffness[:rows]) @ matrix + jnp.diag(diagonal))

        def direction(target: Array) -> _Step:
            step = cho_solve(factor, -residual - transposed(stiffness * missing - target / now.slack))
            slack = -missing - product(step)
            return _Step(step, slack, -(target + now.dual * slack) / now.slack)

        def reach(step: _Step) -> Float[Array, ""]:
            return jnp.minimum(_room(now.slack, step.slack), _room(now.dual, step.dual))

        def moved(step: _Step, length: Float[Array, ""]) -> _Iterate:
            return _Iterate(now.x + length * step.x, now.slack + length * step.slack, now.dual + length * step.dual)

        affine = direction(products)
        predicted = moved(affine, reach(affine))
        mean = products.mean()
        target = mean * ((predicted.slack * predicted.dual).mean() / mean) ** 3
        corrected = direction(products + affine.slack * affine.dual - target)
        plain = direction(products - target)
        priced = transposed(now.dual)

        def miss(step: _Step, change: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, ""]:
            """How far the conditions are missed after part of a step that changes `priced` so; `missing` shrinks with it."""
            iterate = moved(step, length)
            residual = priced + length * change - gradient(iterate.x)
            total = (residual**2).sum() + ((1 - length) ** 2) * (missing**2).sum()
            return total + ((iterate.slack * iterate.dual - target) ** 2).sum()

        def shorten(carry: tuple[_Iterate, Array, Array], _: None) -> tuple[tuple[_Iterate, Array, Array], None]:
            best, least, length = carry
            found = miss(plain, plain_change, length)
            best = jax.tree.map(lambda new, old: jnp.where(found < least, new, old), moved(plain, length), best)
            return (best, jnp.minimum(least, found), length / 2), None

        plain_change = transposed(plain.dual)
        first = STEP * reach(corrected)
        best, least = moved(corrected, first), miss(corrected, transposed(corrected.dual), first)
        (best, _, _), _ = jax.lax.scan(shorten, (best, least, STEP * reach(plain)), None, HALVINGS)
        return best

    def body(carry: tuple[_Iterate, Array, Array]) -> tuple[_Iterate, Array, Array]:
        now, count, _ = carry
        following = advance(now)
        sound = jnp.isfinite(following.x).all() & jnp.isfinite(following.dual).all()
        kept = jax.tree.map(lambda new, old: jnp.where(sound, new, old), following, now)
        residual, missing = residuals(kept)
        gap, before = (kept.slack * kept.dual).sum(), (now.slack * now.dual).sum()
        far = jnp.maximum(jnp.abs(residual).max(), jnp.abs(missing).max()) > epsilon**RESIDUAL
        unfinished = far | ((gap > epsilon**GAP) & (gap < PROGRESS * before))
        return kept, count + 1, sound & unfinished & (count + 1 < MAX_ITERATIONS)

    start = jnp.minimum(1.0, 0.5 * programme.top / programme.units)
    slack = jnp.maximum(limits - product(start), 0.1)
    first = _Iterate(start, slack, jnp.ones_like(slack))
    last, count, _ = jax.lax.while_loop(lambda carry: carry[2], body, (first, jnp.zeros((), int), jnp.ones((), bool)))
    return Solution(last.x * programme.units, last.dual[:rows] * peak / heights, count)


def _room(value: Array, change: Array) -> Float[Array, ""]:
    """Part of a change, at most 1, that keeps the value from falling below 0."""
    return jnp.min(jnp.where(change < 0, -value / change, 1.0), initial=1.0)


def upper_bound(programme: Programme, multipliers: Float[Array, " m"], value: Float[Array, ""]) -> Float[Array, ""]:
    """What no feasible point can exceed, by Lagrangian duality in closed form.

    The constraints of `matrix` are priced with the multipliers, whatever they are as long as none is negative; the rest is
    maximised over the bounds variable by variable. Variables without an upper bound only cost (`linear` is negative), and no
    point at least as good as one of the given value spends more on them than all income less that value.

    Args:
        programme: the problem.
        multipliers: of the rows of `matrix`.
        value: objective of a feasible point.
    """
    rate, top, bounded = programme.rate, programme.top, programme.rounds
    priced = programme.linear - multipliers @ programme.matrix
    slope, weights = priced[:bounded], programme.weights[:bounded]
    falling = slope < 0
    ratio = weights * rate / jnp.where(falling, -slope, 1.0)
    inner = jnp.log(jnp.maximum(ratio, 1.0)) / rate
    best = jnp.where(falling, jnp.minimum(inner, top), top)
    income = slope * best - weights * jnp.expm1(-rate * best)
    all_income = -weights.sum() * jnp.expm1(-rate * top) + programme.constant
    excess = jnp.max(jnp.maximum(priced[bounded:], 0.0) / -programme.linear[bounded:], initial=0.0)
    bound = programme.constant + multipliers @ programme.limits + income.sum() + excess * (all_income - value)
    return jnp.maximum(bound, value)
