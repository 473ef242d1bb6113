"""An interior-point method for concave programmes of one form, and an upper bound that proves how good its result is."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float, Int

MAX_ITERATIONS = 60
"""Most steps; a dozen or two are usual."""
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
LEAST_SLACK = 0.1
"""Slacks, in scaled units, begin here or above: a start may be infeasible, but not at the boundary."""
HALVINGS = 7
"""Lengths that are tried for a step, each half of the one before."""


class Programme(eqx.Module):
    """Maximise `constant + linear z + sum_i weights_i (1 - exp(-rate z_i))` where `matrix z <= limits` and z >= 0.

    The first `rounds` variables are also at most `top`; the others have no weight.

    Attributes:
        weights, linear, constant: of the objective; weights are not negative.
        matrix, limits: of the constraints.
        units: a typical size of each variable.
        rate: the rate of the exponential.
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
        multipliers: the multipliers of the rows of `matrix`.
        iterations: steps made.
    """

    z: Float[Array, " n"]
    multipliers: Float[Array, " m"]
    iterations: Int[Array, ""]


class _Iterate(eqx.Module):
    """A point of the method, or a change of one: variables, slacks of all constraints, their multipliers."""

    x: Float[Array, " n"]
    slack: Float[Array, " all"]
    dual: Float[Array, " all"]

    def moved(self, step: _Iterate, length: Float[Array, ""]) -> _Iterate:
        """The iterate after part of a step."""
        return _Iterate(self.x + length * step.x, self.slack + length * step.slack, self.dual + length * step.dual)

    def reach(self, step: _Iterate) -> Float[Array, ""]:
        """Part of a step, at most 1, that keeps slacks and multipliers from falling below 0."""
        return jnp.minimum(_room(self.slack, step.slack), _room(self.dual, step.dual))


class _Scaled(eqx.Module):
    """A programme with variables, rows and objective of sizes near one.

    Its constraints are the rows of `matrix`, then x >= 0, then x <= top for the first variables.

    Attributes:
        weights, linear, rates: of the objective.
        matrix: rows of the constraints.
        limits: the limits of all constraints.
        heights: by which the rows were divided.
        peak: by which the objective was divided.
        bounded: how many variables have an upper bound.
    """

    weights: Float[Array, " n"]
    linear: Float[Array, " n"]
    rates: Float[Array, " n"]
    matrix: Float[Array, "m n"]
    limits: Float[Array, " all"]
    heights: Float[Array, " m"]
    peak: Float[Array, ""]
    bounded: int = eqx.field(static=True)

    def product(self, x: Float[Array, " n"]) -> Float[Array, " all"]:
        """All constraints' left-hand sides."""
        return jnp.concatenate([self.matrix @ x, -x, x[: self.bounded]])

    def parts(self, y: Float[Array, " all"]) -> tuple[Float[Array, " m"], Float[Array, " n"], Float[Array, " n"]]:
        """A vector over all constraints by their kinds: rows, lower bounds, upper bounds with 0 where there is none."""
        rows, size = len(self.heights), len(self.linear)
        low, high = y[rows : rows + size], y[rows + size :]
        return y[:rows], low, jnp.zeros(size).at[: self.bounded].set(high)

    def transposed(self, y: Float[Array, " all"]) -> Float[Array, " n"]:
        """The transpose of `product`."""
        rows, low, high = self.parts(y)
        return self.matrix.T @ rows - low + high

    def gradient(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        """The gradient of the objective."""
        return self.weights * self.rates * jnp.exp(-self.rates * x) + self.linear

    def residuals(self, now: _Iterate) -> tuple[Float[Array, " n"], Float[Array, " all"]]:
        """By how much stationarity and the constraints are missed."""
        return self.transposed(now.dual) - self.gradient(now.x), self.product(now.x) + now.slack - self.limits


def maximise(programme: Programme) -> Solution:
    """Mehrotra's predictor-corrector method on the optimality conditions, from a start that need not be feasible.

    Variables, rows and the objective are scaled to sizes near one. Stops when slacks times multipliers and residuals are
    near rounding level, or no further step is possible.
    """
    epsilon = float(np.finfo(programme.matrix.dtype).eps)
    scaled = _scale(programme)

    def body(carry: tuple[_Iterate, Array, Array]) -> tuple[_Iterate, Array, Array]:
        now, count, _ = carry
        following = _advance(scaled, now)
        sound = jnp.isfinite(following.x).all() & jnp.isfinite(following.dual).all()
        kept = jax.tree.map(lambda new, old: jnp.where(sound, new, old), following, now)
        residual, missing = scaled.residuals(kept)
        gap, before = (kept.slack * kept.dual).sum(), (now.slack * now.dual).sum()
        far = jnp.maximum(jnp.abs(residual).max(), jnp.abs(missing).max()) > epsilon**RESIDUAL
        unfinished = far | ((gap > epsilon**GAP) & (gap < PROGRESS * before))
        return kept, count + 1, sound & unfinished & (count + 1 < MAX_ITERATIONS)

    start = jnp.minimum(1.0, 0.5 * programme.top / programme.units)
    slack = jnp.maximum(scaled.limits - scaled.product(start), LEAST_SLACK)
    first = _Iterate(start, slack, jnp.ones_like(slack))
    last, count, _ = jax.lax.while_loop(lambda carry: carry[2], body, (first, jnp.zeros((), int), jnp.ones((), bool)))
    rows = len(scaled.heights)
    return Solution(last.x * programme.units, last.dual[:rows] * scaled.peak / scaled.heights, count)


def _scale(programme: Programme) -> _Scaled:
    matrix = programme.matrix * programme.units
    heights = jnp.maximum(jnp.abs(matrix).max(axis=1, initial=0.0), SMALLEST)
    matrix, limits = matrix / heights[:, None], programme.limits / heights
    peak = jnp.maximum(programme.weights.max(), jnp.abs(programme.linear * programme.units).max())
    bounded = programme.rounds
    tops = programme.top / programme.units[:bounded]
    return _Scaled(
        weights=programme.weights / peak,
        linear=programme.linear * programme.units / peak,
        rates=programme.rate * programme.units,
        matrix=matrix,
        limits=jnp.concatenate([limits, jnp.zeros(len(programme.units)), tops]),
        heights=heights,
        peak=peak,
        bounded=bounded,
    )


def _advance(scaled: _Scaled, now: _Iterate) -> _Iterate:
    """One step: predict without centring, correct for what that misses, and go as far as the conditions get better."""
    residual, missing = scaled.residuals(now)
    products, stiffness = now.slack * now.dual, now.dual / now.slack
    by_rows, low, high = scaled.parts(stiffness)
    curvature = scaled.weights * scaled.rates**2 * jnp.exp(-scaled.rates * now.x)
    factor = cho_factor((scaled.matrix.T * by_rows) @ scaled.matrix + jnp.diag(curvature + low + high))

    def direction(target: Array) -> _Iterate:
        """The Newton step that would take the products away by `target`."""
        step = cho_solve(factor, -residual - scaled.transposed(stiffness * missing - target / now.slack))
        slack = -missing - scaled.product(step)
        return _Iterate(step, slack, -(target + now.dual * slack) / now.slack)

    affine = direction(products)
    predicted = now.moved(affine, now.reach(affine))
    mean = products.mean()
    target = mean * ((predicted.slack * predicted.dual).mean() / mean) ** 3
    corrected = direction(products + affine.slack * affine.dual - target)
    plain = direction(products - target)
    return _best_length(scaled, now, missing, target, corrected, plain)


def _best_length(
    scaled: _Scaled,
    now: _Iterate,
    missing: Float[Array, " all"],
    target: Float[Array, ""],
    corrected: _Iterate,
    plain: _Iterate,
) -> _Iterate:
    """The corrected step, or that part of the plain one after which the optimality conditions are missed least.

    Args:
        scaled: the programme.
        now: where the steps begin.
        missing: by how much the constraints are missed there; it shrinks with the length of a step.
        target: wanted products of slacks and multipliers.
        corrected, plain: the steps.
    """
    priced = scaled.transposed(now.dual)

    def miss(step: _Iterate, change: Float[Array, " n"], length: Float[Array, ""]) -> Float[Array, ""]:
        """How far the conditions are missed after part of a step that changes `priced` so."""
        iterate = now.moved(step, length)
        residual = priced + length * change - scaled.gradient(iterate.x)
        total = (residual**2).sum() + ((1 - length) ** 2) * (missing**2).sum()
        return total + ((iterate.slack * iterate.dual - target) ** 2).sum()

    def shorten(carry: tuple[_Iterate, Array, Array], _: None) -> tuple[tuple[_Iterate, Array, Array], None]:
        best, least, length = carry
        found = miss(plain, plain_change, length)
        best = jax.tree.map(lambda new, old: jnp.where(found < least, new, old), now.moved(plain, length), best)
        return (best, jnp.minimum(least, found), length / 2), None

    plain_change = scaled.transposed(plain.dual)
    first = STEP * now.reach(corrected)
    best, least = now.moved(corrected, first), miss(corrected, scaled.transposed(corrected.dual), first)
    (best, _, _), _ = jax.lax.scan(shorten, (best, least, STEP * now.reach(plain)), None, HALVINGS)
    return best


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
        multipliers: the multipliers of the rows of `matrix`.
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
