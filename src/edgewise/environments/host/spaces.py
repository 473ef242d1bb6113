"""Gymnasium's spaces as what a learner takes: observations as vectors, actions as a number or a vector in [-1, 1]."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from jaxtyping import Float

from edgewise.common.errors import ConfigurationError
from edgewise.environments.spaces import Box, Discrete, Space

OBSERVATIONS = "made of boxes, discrete, multi-discrete and multi-binary spaces; leave other parts out with a wrapper"
ACTIONS = "a discrete space or a box with finite bounds"


def encode(space: gymnasium.Space[Any], batch: Any, shrink: int = 1) -> Float[np.ndarray, "n o"]:
    """A batch of observations as vectors.

    Choices become one-hot; unsigned integers, such as the bytes of an image, are divided by the largest of their type.

    Args:
        space: the space of one observation.
        batch: observations as a vector environment gives them.
        shrink: side of the squares of pixels that are averaged in an image, which is an array of bytes with three axes.

    Raises:
        ConfigurationError: for another kind of space, or a `shrink` that does not divide an image.
    """
    match space:
        case spaces.Dict():
            return np.concatenate([encode(part, batch[name], shrink) for name, part in space.items()], axis=1)
        case spaces.Tuple():
            return np.concatenate(
                [encode(part, each, shrink) for part, each in zip(space.spaces, batch, strict=True)], axis=1
            )
        case spaces.Discrete():
            return np.eye(int(space.n), dtype=np.float32)[np.asarray(batch) - space.start]
        case spaces.MultiDiscrete():
            places = (np.asarray(batch) - space.start).reshape(len(batch), -1)
            sizes = space.nvec.ravel()
            return np.concatenate([np.eye(n, dtype=np.float32)[places[:, i]] for i, n in enumerate(sizes)], axis=1)
        case spaces.Box() | spaces.MultiBinary():
            return numbers(space.dtype, np.asarray(batch), shrink)
    raise ConfigurationError("observation_space", space, OBSERVATIONS)


def numbers(dtype: Any, batch: np.ndarray, shrink: int) -> Float[np.ndarray, "n o"]:
    """Arrays of numbers as vectors; see `encode`."""
    if dtype == np.uint8 and batch.ndim == 4:
        batch = shrunk(batch, shrink)
    scale = np.iinfo(dtype).max if np.issubdtype(dtype, np.unsignedinteger) else 1
    return np.array(batch, np.float32).reshape(len(batch), -1) / np.float32(scale)


def shrunk(images: np.ndarray, factor: int) -> np.ndarray:
    """Means of squares of pixels, for images [n, ...] whose shortest axis is that of the colours.

    Raises:
        ConfigurationError: if the squares do not fill the image.
    """
    if factor == 1:
        return images
    count, *sizes = images.shape
    colours = int(np.argmin(sizes))
    factors = [1 if axis == colours else factor for axis in range(3)]
    if any(size % f for size, f in zip(sizes, factors, strict=True)):
        raise ConfigurationError("shrink", factor, f"a divisor of the sides of an image of shape {tuple(sizes)}")
    split = [part for size, f in zip(sizes, factors, strict=True) for part in (size // f, f)]
    return images.reshape(count, *split).mean(axis=(2, 4, 6))


def observation_space(space: gymnasium.Space[Any], shrink: int = 1) -> Box:
    """The space of encoded observations.

    Raises:
        ConfigurationError: as `encode`.
    """
    return Box(*bounds(space, shrink))


def bounds(space: gymnasium.Space[Any], shrink: int) -> tuple[Float[np.ndarray, " o"], Float[np.ndarray, " o"]]:
    """The lowest and the highest value of every component of encoded observations."""
    match space:
        case spaces.Dict():
            return _joined([bounds(part, shrink) for part in space.values()])
        case spaces.Tuple():
            return _joined([bounds(part, shrink) for part in space.spaces])
        case spaces.Discrete():
            return _zero_to_one(int(space.n))
        case spaces.MultiDiscrete():
            return _zero_to_one(int(space.nvec.sum()))
        case spaces.MultiBinary():
            return _zero_to_one(int(np.prod(space.shape)))
        case spaces.Box():
            return encode(space, space.low[None], shrink)[0], encode(space, space.high[None], shrink)[0]
    raise ConfigurationError("observation_space", space, OBSERVATIONS)


def _zero_to_one(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(size, np.float32), np.ones(size, np.float32)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts])


def action_space(space: gymnasium.Space[Any]) -> Space:
    """The space of a learner's actions.

    Raises:
        ConfigurationError: for anything but a discrete space or a bounded box of real numbers.
    """
    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating) and space.is_bounded("both"):
        ones = np.ones(int(np.prod(space.shape)), np.float32)
        return Box(-ones, ones)
    raise ConfigurationError("action_space", space, ACTIONS)


def decode(space: gymnasium.Space[Any], action: np.ndarray) -> np.ndarray:
    """A batch of a learner's actions as the environment takes them; a box is mapped from [-1, 1] to its bounds."""
    if isinstance(space, spaces.Discrete):
        return (action + space.start).astype(space.dtype)
    assert isinstance(space, spaces.Box)
    share = (np.clip(action, -1, 1).reshape(len(action), *space.shape) + 1) / 2
    return np.clip(space.low + share * (space.high - space.low), space.low, space.high).astype(space.dtype)
