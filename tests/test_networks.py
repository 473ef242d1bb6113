"""Building blocks of the networks against NumPy in double precision."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.algorithms.critic import ActionValue
from edgewise.networks.mlp import MLP, dense, mish, orthogonal, orthonormal, soft_update

KEY = jax.random.key(2)


def np_mlp(network: MLP, x: np.ndarray) -> np.ndarray:
    for layer in network.layers[:-1]:
        x = x @ np.asarray(layer.weight, float).T + np.asarray(layer.bias, float)
        x = x * np.tanh(np.log1p(np.exp(x)))
    return x @ np.asarray(network.layers[-1].weight, float).T + np.asarray(network.layers[-1].bias, float)


@settings(max_examples=200, deadline=None)
@given(st.floats(-80, 80, width=32))
def test_mish_is_x_tanh_softplus(x: float) -> None:
    np.testing.assert_allclose(mish(jnp.asarray(x)), x * np.tanh(np.log1p(np.exp(x))), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("x", [-1e30, -100.0, 0.0, 19.99, 20.0, 20.01, 100.0, 1e30])
def test_mish_and_its_slope_stay_finite(x: float) -> None:
    value, slope = jax.value_and_grad(mish)(jnp.asarray(x))
    assert np.isfinite([value, slope]).all()
    assert float(value) == pytest.approx(max(x, 0.0), rel=1e-6, abs=1e-6)
    assert float(slope) == pytest.approx({0.0: 0.6}.get(x, float(x > 0)), abs=1e-5)


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_mlp_takes_any_batch(batch: tuple[int, ...]) -> None:
    network = MLP((4, 9, 7, 3), KEY)
    x = np.random.default_rng(0).normal(size=(*batch, 4))
    y = network(jnp.asarray(x, float))
    assert y.shape == (*batch, 3)
    np.testing.assert_allclose(y, np_mlp(network, x), rtol=1e-4, atol=1e-5)


def test_mlp_ends_linear_and_layers_start_apart() -> None:
    network = MLP((2, 6, 6, 1), KEY)
    assert not np.array_equal(network.layers[0].bias, network.layers[1].bias)
    doubled = eqx.tree_at(lambda n: (n.layers[-1].weight, n.layers[-1].bias), network, replace_fn=lambda w: 2 * w)
    x = jax.random.normal(KEY, (5, 2))
    np.testing.assert_allclose(doubled(x), 2 * network(x), rtol=1e-5)


def test_dense_without_bias() -> None:
    layer = eqx.nn.Linear(3, 2, use_bias=False, key=KEY)
    x = np.random.default_rng(1).normal(size=(4, 3))
    np.testing.assert_allclose(
        dense(layer, jnp.asarray(x, float)), x @ np.asarray(layer.weight).T, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("rate", [0.0, 0.005, 0.5, 1.0])
def test_soft_update_moves_by_the_rate(rate: float) -> None:
    target, source = (
        {"a": jnp.array([1.0, -2.0]), "b": jnp.array(4.0)},
        {"a": jnp.array([3.0, 2.0]), "b": jnp.array(0.0)},
    )
    moved = soft_update(target, source, rate)
    np.testing.assert_allclose(moved["a"], [1 + 2 * rate, -2 + 4 * rate], rtol=1e-6)
    np.testing.assert_allclose(moved["b"], 4 - 4 * rate, rtol=1e-6)


def test_twin_critics_are_two_networks_on_the_joined_input() -> None:
    critic = ActionValue(3, 2, (8, 8), KEY)
    draw = np.random.default_rng(2)
    observation, action = draw.normal(size=(6, 3)), draw.normal(size=(6, 2))
    values = critic(jnp.asarray(observation, float), jnp.asarray(action, float))
    joint = np.concatenate([observation, action], axis=1)
    expected = np.stack([np_mlp(network, joint)[:, 0] for network in critic.networks])
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(expected[0], expected[1])


def test_orthogonal_layers_keep_lengths_up_to_their_gain() -> None:
    network = orthogonal(MLP((3, 8, 5, 2), KEY), 0.01, KEY)
    for layer, gain in zip(network.layers, (2**0.5, 2**0.5, 0.01), strict=True):
        weight = np.asarray(layer.weight, float)
        singular = np.linalg.svd(weight, compute_uv=False)
        np.testing.assert_allclose(singular, gain, rtol=1e-5)
        np.testing.assert_array_equal(layer.bias, 0)
    other = orthogonal(MLP((3, 8, 5, 2), KEY), 0.01, jax.random.key(3))
    assert not np.allclose(other.layers[0].weight, network.layers[0].weight)


@pytest.mark.parametrize("shape", [(64, 64), (64, 5), (5, 64), (1, 4), (1, 1)])
def test_orthonormal_matrices_are_those_of_the_factorisation_without_calling_lapack(shape: tuple[int, int]) -> None:
    def draw(key: jax.Array) -> jax.Array:
        return orthonormal(*shape, key)

    keys = jax.random.split(KEY, 3)
    several = jax.vmap(draw)(keys)
    for key, one in zip(keys, several, strict=True):
        np.testing.assert_allclose(one, jax.nn.initializers.orthogonal()(key, shape), atol=2e-5)
        wide = one if shape[0] <= shape[1] else one.T
        np.testing.assert_allclose(wide @ wide.T, np.eye(min(shape)), atol=2e-6)
    assert "custom_call" not in jax.jit(jax.vmap(draw)).lower(keys).as_text()
