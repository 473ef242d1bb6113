"""A small diffusion model that paints faces, trained here in minutes, as a generator whose quality can be measured.

Given the middle of a face that it has never seen, it paints the rest of the picture as RePaint does (Lugmayr et al., 2022, the
generator of the D2SAC paper): denoising steps at which the known pixels, noised to the level of the step, replace the network's.
Faces: the hundred of 25 x 25 pixels that come with scikit-image, out of "Labeled Faces in the Wild".

`python examples/own_generator.py` trains it: runs/faces/NUMBER.safetensors after NUMBER updates.
"""

from __future__ import annotations

import sys
import time
from functools import cache, partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray
from safetensors.numpy import load_file, save_file
from skimage import data, transform

from edgewise.diffusion.chain import add_noise, clipped_mean
from edgewise.diffusion.denoiser import time_embedding
from edgewise.diffusion.schedule import Schedule, make_schedule

FOLDER = Path("runs/faces")
SIDE, KNOWN = 24, 12
"""Pixels along an edge of a picture, and of the square in its middle that is given."""
ENLARGED = 2
"""Pictures are shown so many times larger: statistics of natural scenes need more than 24 pixels."""
STEPS = 250
"""Denoising steps that the network is trained on: the most that a task of service selection has."""
FACES, SHOWN = 100, 80
"""Faces that there are, and the number of those that it is trained on; the others are painted."""
WIDTHS = (16, 32, 48)
"""Channels at full, half and quarter size."""
EMBEDDING, GROUPS, BATCH = 32, 8, 32
UPDATES = (250, 1000, 4000)
"""After so many the network is kept."""
RATE, AVERAGING = 2e-3, 0.995
"""First learning rate; share of the weights' running mean that stays at an update."""
SCHEDULE = make_schedule("cosine", STEPS)


class Block(eqx.Module):
    """Two convolutions that add to what they are given, told the noise level."""

    norms: tuple[eqx.nn.GroupNorm, eqx.nn.GroupNorm]
    first: eqx.nn.Conv2d
    second: eqx.nn.Conv2d
    level: eqx.nn.Linear
    past: eqx.nn.Conv2d

    def __init__(self, before: int, after: int, key: PRNGKeyArray) -> None:
        """Args: channels before and after, key."""
        one, two, three, four = jax.random.split(key, 4)
        self.norms = eqx.nn.GroupNorm(GROUPS, before), eqx.nn.GroupNorm(GROUPS, after)
        self.first = eqx.nn.Conv2d(before, after, 3, padding=1, key=one)
        self.second = eqx.nn.Conv2d(after, after, 3, padding=1, key=two)
        self.level = eqx.nn.Linear(EMBEDDING, after, key=three)
        self.past = eqx.nn.Conv2d(before, after, 1, key=four)

    def __call__(self, x: Float[Array, "c h w"], level: Float[Array, " e"]) -> Float[Array, "d h w"]:
        inner = self.first(jax.nn.silu(self.norms[0](x))) + self.level(level)[:, None, None]
        return self.past(x) + self.second(jax.nn.silu(self.norms[1](inner)))


class Network(eqx.Module):
    """Predicts the noise in a picture: a small U-Net (Ronneberger et al., 2015)."""

    level: eqx.nn.MLP
    begin: eqx.nn.Conv2d
    down: list[Block]
    middle: Block
    up: list[Block]
    end: eqx.nn.Conv2d

    def __init__(self, key: PRNGKeyArray) -> None:
        """Args: key."""
        keys = iter(jax.random.split(key, 9))
        full, half, quarter = WIDTHS
        self.level = eqx.nn.MLP(EMBEDDING, EMBEDDING, 2 * EMBEDDING, 1, jax.nn.silu, key=next(keys))
        self.begin = eqx.nn.Conv2d(1, full, 3, padding=1, key=next(keys))
        self.down = [Block(a, b, next(keys)) for a, b in ((full, full), (full, half), (half, quarter))]
        self.middle = Block(quarter, quarter, next(keys))
        self.up = [Block(a, b, next(keys)) for a, b in ((quarter + half, half), (half + full, full))]
        self.end = eqx.nn.Conv2d(full, 1, 3, padding=1, key=next(keys))

    def __call__(self, flat: Float[Array, " p"], step: Int[Array, ""]) -> Float[Array, " p"]:
        level = self.level(time_embedding(step, EMBEDDING))
        x = self.begin(flat.reshape(1, SIDE, SIDE))
        kept = []
        for place, block in enumerate(self.down):
            x = block(x if place == 0 else _halved(x), level)
            kept.append(x)
        x = self.middle(x, level)
        for block, before in zip(self.up, kept[-2::-1], strict=True):
            x = block(jnp.concatenate([_doubled(x), before]), level)
        return self.end(jax.nn.silu(x)).reshape(-1)


def _halved(x: Float[Array, "c h w"]) -> Float[Array, "c h2 w2"]:
    c, h, w = x.shape
    return x.reshape(c, h // 2, 2, w // 2, 2).mean(axis=(2, 4))


def _doubled(x: Float[Array, "c h w"]) -> Float[Array, "c h2 w2"]:
    return x.repeat(2, axis=1).repeat(2, axis=2)


def faces() -> Float[np.ndarray, "n 25 25"]:
    """The faces, pixels in [-1, 1]."""
    return 2 * data.lfw_subset()[:FACES].astype(np.float32) - 1


def _draw_batch(key: PRNGKeyArray, pictures: Float[Array, "n 25 25"]) -> Float[Array, "b p"]:
    """Pictures at random, shifted by a pixel and mirrored at random."""

    def draw(key: PRNGKeyArray) -> Array:
        which, row, column, mirror = jax.random.randint(key, (4,), 0, 2**30)
        start = (row % 2, column % 2)
        cut = jax.lax.dynamic_slice(pictures[which % len(pictures)], start, (SIDE, SIDE))
        return jnp.where(mirror % 2, cut[:, ::-1], cut).reshape(-1)

    return jax.vmap(draw)(jax.random.split(key, BATCH))


def train(updates: tuple[int, ...] = UPDATES, folder: Path = FOLDER, seed: int = 0) -> None:
    """Train the network on the noise in faces (Ho et al., 2020), and keep its averaged weights after some numbers of updates."""
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, max(updates)))
    pictures = jnp.asarray(faces()[:SHOWN])

    def loss(network: Network, key: PRNGKeyArray) -> Array:
        draw_key, step_key, noise_key = jax.random.split(key, 3)
        clean = _draw_batch(draw_key, pictures)
        step = jax.random.randint(step_key, (BATCH,), 1, STEPS + 1)
        noise = jax.random.normal(noise_key, clean.shape)
        predicted = jax.vmap(network)(add_noise(SCHEDULE, clean, step, noise), step)
        return jnp.square(predicted - noise).mean()

    @eqx.filter_jit(donate="all")
    def update(network: Network, averaged: Network, state: optax.OptState, key: PRNGKeyArray) -> tuple:
        value, gradient = eqx.filter_value_and_grad(loss)(network, key)
        change, state = optimiser.update(gradient, state)
        network = eqx.apply_updates(network, change)
        averaged = jax.tree.map(
            lambda old, new: AVERAGING * old + (1 - AVERAGING) * new if eqx.is_array(old) else old, averaged, network
        )
        return network, averaged, state, value

    network, averaged = Network(jax.random.key(seed)), Network(jax.random.key(seed))
    state = optimiser.init(eqx.filter(network, eqx.is_array))
    begin, recent = time.perf_counter(), []
    for number in range(1, max(updates) + 1):
        network, averaged, state, value = update(
            network, averaged, state, jax.random.fold_in(jax.random.key(seed + 1), number)
        )
        recent.append(value)
        if number % 250 == 0 or number in updates:
            print(
                f"{number} updates, {time.perf_counter() - begin:.0f} s, error of the noise {np.mean(recent):.4f}",
                flush=True,
            )
            recent = []
        if number in updates:
            save(averaged, folder / f"{number}.safetensors")


def save(network: Network, path: Path) -> None:
    """Keep a network's weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    leaves = jax.tree.leaves(eqx.filter(network, eqx.is_array))
    save_file({str(place): np.asarray(leaf) for place, leaf in enumerate(leaves)}, path)


def load(path: Path) -> Network:
    """A network with the weights of a file."""
    arrays, rest = eqx.partition(Network(jax.random.key(0)), eqx.is_array)
    stored = load_file(path)
    leaves = [jnp.asarray(stored[str(place)]) for place in range(len(stored))]
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), rest)


@cache
def respaced(steps: int) -> list[tuple[Schedule, Schedule, int]]:
    """Fewer steps, evenly spread over those of the training (Nichol and Dhariwal, 2021), from the last to the first.

    Returns:
        Each step as a schedule of that step alone, the step of the training with the noise level before it as another one,
        and the step of the training with its own.
    """
    places = np.unique(np.linspace(0, STEPS, steps + 1).round().astype(int))
    levels = np.concatenate([[1.0], np.asarray(SCHEDULE.alpha_bar)])[places]

    def only(level: float, before: float) -> Schedule:
        alpha = level / before
        values = (1 - alpha, alpha, level, (1 - before) / max(1 - level, 1e-9) * (1 - alpha))
        return Schedule(*(jnp.asarray([each], jnp.float32) for each in values))

    pairs = zip(levels[1:], levels[:-1], places[1:], strict=True)
    return [(only(level, before), only(before, 1.0), int(place)) for level, before, place in pairs][::-1]


@eqx.filter_jit
def denoise(
    network: Network,
    now: Schedule,
    before: Schedule,
    place: Int[Array, ""],
    x: Float[Array, " p"],
    known: Float[Array, " p"],
    mask: Float[Array, " p"],
    key: PRNGKeyArray,
) -> Float[Array, " p"]:
    """One step of RePaint, algorithm 1 without going back (its U = 1), with the larger variance of Ho et al. (2020).

    Args:
        network: predicts noise.
        now, before, place: what `respaced` gives for the step.
        x: the picture.
        known: what is known of it, pixels in [-1, 1].
        mask: 1 where it is known.
        key: randomness.
    """
    ours, theirs = jax.random.normal(key, (2, *x.shape))
    mean = clipped_mean(now, x, 1, network(x, place))
    noise = jnp.sqrt(now.beta[0]) * (before.alpha_bar[0] < 1)  # none at the last step
    one = jnp.asarray(1)
    return mask * add_noise(before, known, one, theirs) + (1 - mask) * (mean + noise * ours)


@cache
def _network(updates: int) -> Network:
    path = FOLDER / f"{updates}.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"{path}: train the network first: python examples/own_generator.py")
    return load(path)


def generate(prompt: str, steps: int, seed: int, updates: int = UPDATES[-1]) -> Float[np.ndarray, "h w"]:
    """Paint one of the faces that the network has not seen.

    Args:
        prompt: number of the face, from 0; of the empty one 0.
        steps: denoising steps, 1 to 250.
        seed: randomness.
        updates: how long the network was trained.

    Returns:
        The picture, pixels in [0, 1].
    """
    face = int(prompt or 0)
    known = jnp.asarray(faces()[SHOWN + face, :SIDE, :SIDE]).reshape(-1)
    edge = (SIDE - KNOWN) // 2
    mask = jnp.zeros((SIDE, SIDE)).at[edge:-edge, edge:-edge].set(1).reshape(-1)
    start, chain = jax.random.split(jax.random.fold_in(jax.random.key(seed), face))
    keys = jax.random.split(chain, steps)
    x = jax.random.normal(start, known.shape)
    for key, (now, before, place) in zip(keys, respaced(steps), strict=True):
        # each step by itself: inside of a compiled loop XLA's convolutions on a CPU are twenty times slower
        x = denoise(_network(updates), now, before, np.asarray(place), x, known, mask, key)
    return _shown(np.asarray(x))


def truth(prompt: str) -> Float[np.ndarray, "h w"]:
    """The face itself, to compare with."""
    return _shown(faces()[SHOWN + int(prompt or 0), :SIDE, :SIDE])


def _shown(pixels: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "h w"]:
    """A picture as it is shown: enlarged, pixels in [0, 1]."""
    picture = (pixels.astype(float).reshape(SIDE, SIDE) + 1) / 2
    return np.clip(transform.resize(picture, (ENLARGED * SIDE, ENLARGED * SIDE), order=3), 0, 1)


generate_early = partial(generate, updates=UPDATES[0])
generate_halfway = partial(generate, updates=UPDATES[1])

if __name__ == "__main__":
    train(tuple(int(number) for number in sys.argv[1:]) or UPDATES)
