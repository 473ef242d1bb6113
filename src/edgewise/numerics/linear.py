"""Systems of linear equations, alone or many at a time.

A batched call of LAPACK shares the threads of the program that waits for it: where as many calls run at a time as there are
threads, all wait for ever (jaxlib 0.10). So small systems are solved by elimination in plain operations, which is several
times faster for many of them, and LAPACK gets large ones one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

UNROLLED = 8
"""Up to this size the program of an elimination has no loop."""
ELIMINATED = 64
"""Beyond this size LAPACK solves one by one: at 50 elimination is several times faster, at 200 it is as much slower."""
Solver = Callable[[Array, Array], Array]


def solve(matrix: Float[Array, "*batch n n"], right: Float[Array, "*batch n k"]) -> Float[Array, "*batch n k"]:
    """X of `matrix` X = `right`; not finite if the matrix is singular."""
    return _each(partial(_eliminate, pivoting=True), jnp.linalg.solve, matrix, right)


def solve_positive(matrix: Float[Array, "*batch n n"], right: Float[Array, "*batch n k"]) -> Float[Array, "*batch n k"]:
    """The same for a symmetric positive definite matrix."""
    return _each(partial(_eliminate, pivoting=False), _by_factors, matrix, right)


def is_positive_definite(matrix: Float[Array, "n n"]) -> Bool[Array, ""]:
    """Whether all eigenvalues of a symmetric matrix are positive: all pivots are."""
    return (_pivots(matrix) > 0).all()


def _each(elimination: Solver, lapack: Solver, matrix: Array, right: Array) -> Array:
    small = matrix.shape[-1] <= ELIMINATED
    solver = elimination if small else jax.custom_batching.sequential_vmap(lapack)
    solution: Array = jnp.vectorize(solver, signature="(n,n),(n,k)->(n,k)")(matrix, right)
    return solution


def _by_factors(matrix: Array, right: Array) -> Array:
    return jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(matrix), True), right)


def _eliminate(matrix: Float[Array, "n n"], right: Float[Array, "n k"], pivoting: bool) -> Float[Array, "n k"]:
    """Gauss and Jordan's elimination, with exchange of rows or without."""
    size = matrix.shape[0]
    rows = jnp.arange(size)

    def step(place: int | Array, table: Array) -> Array:
        if pivoting:
            largest = jnp.argmax(jnp.where(rows < place, -1.0, jnp.abs(table[:, place])))
            order = jnp.where(rows == place, largest, jnp.where(rows == largest, place, rows))
            table = table[order]
        row = table[place] / table[place, place]
        return jnp.where(rows[:, None] == place, row, table - table[:, place, None] * row)

    return _repeat(size, step, jnp.concatenate([matrix, right], axis=1))[:, size:]


def _pivots(matrix: Float[Array, "n n"]) -> Float[Array, " n"]:
    """Of elimination without exchange of rows."""
    size = matrix.shape[0]
    rows = jnp.arange(size)

    def step(place: int | Array, table: Array) -> Array:
        rest = table - table[:, place, None] * table[place] / table[place, place]
        return jnp.where(rows[:, None] <= place, table, rest)

    return jnp.diagonal(_repeat(size, step, matrix))


def _repeat(size: int, step: Callable[[int | Array, Array], Array], table: Array) -> Array:
    if size > UNROLLED:
        return jax.lax.fori_loop(0, size, step, table)
    for place in range(size):
        table = step(place, table)
    return table
