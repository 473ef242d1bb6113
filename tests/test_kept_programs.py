"""Compiled functions that are kept for a few sizes."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.numerics.kept_programs import NotCompiledError, SizedProgram, made_only


def test_few_sizes_stay_compiled_and_others_are_compiled_again() -> None:
    traced: list[tuple[int, ...]] = []

    def scaled(power: Any, told: dict[str, Any]) -> Any:
        traced.append(told["x"].shape)
        return told["x"] ** power

    program, plain = SizedProgram(scaled, kept=2), eqx.filter_jit(lambda power, told: told["x"] ** power)
    for size in (1, 2, 1, 3, 1, 2):
        told = {"x": np.linspace(0, 1, size, dtype=np.float32)}
        np.testing.assert_array_equal(program(3, told), plain(3, told))
    assert traced == [(1,), (2,), (3,), (2,)]
    assert program(2, {"x": jnp.asarray([2, 2])}).tolist() == [4, 4]
    assert len(traced) == 5
    with made_only():
        assert program(2, {"x": jnp.asarray([3, 3])}).tolist() == [9, 9]
        with pytest.raises(NotCompiledError):
            program(2, {"x": jnp.zeros(9)})
