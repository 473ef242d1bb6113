"""Vehicles on their rectangles: against the reference, by hand, and what never changes."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgewise.systems.agent_migration.mobility.loops import LoopState, RectangularLoops
from reference.agent_migration import System

V = 11
SYSTEM = System(V=V, origin=(-300.0, 500.0), side=1500.0)
LOOPS = RectangularLoops.build(V, SYSTEM.origin, SYSTEM.side, (10.0, 20.0), 0.1, 30.0)
EXAMPLES = settings(max_examples=30, deadline=None, derandomize=True)
STARTS = arrays(np.float32, 2 * V, elements=st.floats(0, 1, width=32, exclude_max=True, allow_subnormal=False))
NOISE = arrays(np.float32, V, elements=st.floats(-6, 6, width=32, allow_subnormal=False))

reset = eqx.filter_jit(LOOPS.reset)
advance = eqx.filter_jit(LOOPS.advance)
positions = eqx.filter_jit(LOOPS.positions)
predict = eqx.filter_jit(LOOPS.predict)


def sides(v):
    x0, y0, x1, y1, direction = SYSTEM.loop(v)
    return x0, y0, x1, y1, direction


@EXAMPLES
@given(arrays(np.float32, V, elements=st.floats(-9000, 9000, width=32, allow_subnormal=False)))
def test_places_agree_with_the_reference(arc):
    where = positions(LoopState(jnp.asarray(arc), jnp.ones(V)))
    expected = [SYSTEM.on_loop(v, float(arc[v])) for v in range(V)]
    np.testing.assert_allclose(where, expected, atol=5e-3)


@EXAMPLES
@given(STARTS, NOISE)
def test_vehicles_stay_on_their_rectangle_for_ever(start, noise):
    state = reset(jnp.asarray(start))
    for _ in range(5):
        state = advance(state, jnp.asarray(noise))
        for v, (x, y) in enumerate(np.asarray(positions(state))):
            x0, y0, x1, y1, _ = sides(v)
            off = min(abs(x - x0), abs(x - x1), abs(y - y0), abs(y - y1))
            assert off < 1e-2
            assert x0 - 1e-2 <= x <= x1 + 1e-2
            assert y0 - 1e-2 <= y <= y1 + 1e-2


@EXAMPLES
@given(STARTS, NOISE)
def test_a_slot_covers_speed_times_time_in_the_direction_of_the_loop(start, noise):
    state = reset(jnp.asarray(start))
    after = advance(state, jnp.asarray(noise))
    assert (state.speed >= 10).all()
    assert (state.speed <= 20).all()
    np.testing.assert_array_equal(after.speed, state.speed)
    way = np.asarray(after.progress - state.progress)
    direction = np.array([sides(v)[4] for v in range(V)])
    expected = direction * np.asarray(state.speed) * (1 + 0.1 * np.clip(noise, -2, 2)) * 30
    np.testing.assert_allclose(way, expected, rtol=1e-4, atol=5e-3)


@EXAMPLES
@given(STARTS)
def test_the_forecast_is_where_the_mean_speed_leads(start):
    state = reset(jnp.asarray(start))
    direction = np.array([sides(v)[4] for v in range(V)])
    arc = np.asarray(state.progress, float) + direction * 15.0 * 30
    np.testing.assert_allclose(predict(state), [SYSTEM.on_loop(v, arc[v]) for v in range(V)], atol=5e-3)


def test_round_the_first_rectangle_by_hand():
    """1400 m by 1400 m from (300, 300), counter-clockwise: bottom, right, top, left, and round again."""
    loops = RectangularLoops.build(1, (0.0, 0.0), 2000.0, (10.0, 20.0), 0.1, 30.0)
    way = {
        0: (300, 300), 700: (1000, 300), 1400: (1700, 300), 2100: (1700, 1000), 3500: (1000, 1700), 4900: (300, 1000),
        5600: (300, 300), 5700: (400, 300), -100: (300, 400),
    }  # fmt: skip
    for arc, place in way.items():
        where = loops.positions(LoopState(jnp.asarray([float(arc)]), jnp.ones(1)))
        np.testing.assert_allclose(where, [place], atol=1e-3)


def test_the_table_of_loops_and_directions():
    loops = RectangularLoops.build(8, (0.0, 0.0), 2000.0, (10.0, 20.0), 0.1, 30.0)
    table = [System().loop(v) for v in range(8)]
    np.testing.assert_allclose(loops.rectangles, [row[:4] for row in table], rtol=1e-6)
    np.testing.assert_allclose(loops.direction, [row[4] for row in table])


@pytest.mark.parametrize("vehicles", [1, 8, 20])
def test_sizes(vehicles):
    loops = RectangularLoops.build(vehicles, (0.0, 0.0), 2000.0, (10.0, 20.0), 0.1, 30.0)
    assert loops.vehicles == vehicles
    assert loops.start_draws == 2 * vehicles
    state = loops.reset(jnp.linspace(0, 0.999, loops.start_draws))
    assert loops.positions(state).shape == (vehicles, 2)
    assert not loops.entered(state).any()


def test_starts_cover_the_whole_loop_and_the_whole_range_of_speeds():
    starts = np.linspace(0, 1, 200, endpoint=False, dtype=np.float32)
    states = jax.vmap(LOOPS.reset)(jnp.asarray(np.repeat(starts[:, None], 2 * V, axis=1)))
    for v in range(V):
        np.testing.assert_allclose(np.asarray(states.progress)[:, v], starts * SYSTEM.perimeter(v), rtol=1e-4)
        np.testing.assert_allclose(np.asarray(states.speed)[:, v], 10 + 10 * starts, rtol=1e-5)
