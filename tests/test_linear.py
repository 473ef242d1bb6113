"""Small linear systems against NumPy, alone, batched and under vmap."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.numerics.linear import ELIMINATED, UNROLLED, Solver, is_positive_definite, solve, solve_positive

DRAW = np.random.default_rng(4)
SIZES = (1, 2, UNROLLED, UNROLLED + 5)


def draw(*shape: int) -> jax.Array:
    return jnp.asarray(DRAW.normal(size=shape))


def positive(size: int, *batch: int) -> jax.Array:
    factor = draw(*batch, size, size)
    return factor @ jnp.swapaxes(factor, -1, -2) + 0.1 * jnp.eye(size)


@pytest.fixture(autouse=True)
def _double() -> object:
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("size", SIZES)
def test_solutions_are_those_of_numpy(size: int) -> None:
    matrices, right = positive(size, 3), draw(3, size, 2)
    expected = np.linalg.solve(matrices, right)
    for solver in (solve, solve_positive):
        np.testing.assert_allclose(solver(matrices, right), expected, rtol=1e-8)
        np.testing.assert_allclose(jax.jit(jax.vmap(solver))(matrices, right), expected, rtol=1e-8)
    general = draw(size, size)
    np.testing.assert_allclose(solve(general, right[0]), np.linalg.solve(general, right[0]), rtol=1e-7)


@pytest.mark.parametrize("solver", [solve, solve_positive])
def test_one_matrix_serves_many_right_sides(solver: Solver) -> None:
    matrix, right = positive(4), draw(5, 4, 1)
    found = jax.vmap(solver, in_axes=(None, 0))(matrix, right)
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-8)


@pytest.mark.parametrize("solver", [solve, solve_positive])
def test_large_batches_without_vmap(solver: Solver) -> None:
    matrices, right = positive(30, 40), draw(40, 30, 1)
    np.testing.assert_allclose(solver(matrices, right), np.linalg.solve(matrices, right), rtol=1e-6)


@pytest.mark.parametrize("solver", [solve, solve_positive])
def test_lapack_gets_large_matrices_one_by_one(solver: Solver) -> None:
    size = ELIMINATED + 1
    matrices, right = positive(size, 2, 3), draw(2, 3, size, 1)
    program = jax.jit(jax.vmap(solver))
    np.testing.assert_allclose(program(matrices, right), np.linalg.solve(matrices, right), rtol=1e-6)
    calls = [line for line in program.lower(matrices, right).as_text().splitlines() if "custom_call @lapack" in line]
    assert calls
    assert all(f"tensor<{size}x{size}xf64>" in line for line in calls)


@pytest.mark.parametrize("size", SIZES[1:])
def test_rows_are_exchanged_where_a_pivot_is_zero(size: int) -> None:
    cyclic, right = jnp.roll(jnp.eye(size), 1, axis=0), draw(2, size, 1)
    found = jax.vmap(solve, in_axes=(None, 0))(cyclic, right)
    np.testing.assert_allclose(found, np.roll(right, -1, axis=1))


def test_a_singular_matrix_has_no_finite_solution() -> None:
    assert not np.isfinite(solve(jnp.array([[1.0, 2.0], [2.0, 4.0]]), jnp.ones((2, 1)))).all()


@pytest.mark.parametrize("size", SIZES)
def test_positive_definite_matrices_are_known(size: int) -> None:
    matrix = positive(size)
    lowest = np.linalg.eigvalsh(matrix)[0]
    assert is_positive_definite(matrix)
    assert is_positive_definite(matrix - 0.99 * lowest * jnp.eye(size))
    assert not is_positive_definite(matrix - 1.01 * lowest * jnp.eye(size))
    several = jnp.stack([matrix - part * lowest * jnp.eye(size) for part in (0.99, 1.01)])
    np.testing.assert_array_equal(jax.vmap(is_positive_definite)(several), [True, False])


@pytest.mark.parametrize("solver", [solve, solve_positive])
def test_lapack_is_not_called_for_small_ones(solver: Solver) -> None:
    program = jax.jit(jax.vmap(solver)).lower(jnp.ones((3, 12, 12)), jnp.ones((3, 12, 1))).as_text()
    assert "custom_call" not in program
