"""An environment of your own, with its complete entry: found by name, trained, evaluated and compared like ours.

A camera sends pictures to a server while the quality of the link goes up and down. In every slot it chooses how much of a
picture to compute on board: much costs energy, little costs time on a bad link.

    python examples/own_environment.py train camera --algorithm sac --steps 20000 --name first
    python examples/own_environment.py evaluate runs/camera/sac/first

The last lines make the words after the file's name those of `edgewise`, with the camera known to it. To have it known to the
plain command too, put the system into a package with an entry point: docs/extend.md, examples/plugin.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.cli.main import main
from edgewise.common.errors import check_integer, check_range
from edgewise.environments import registry
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box
from edgewise.environments.system import Headline, Policy, Preset, System


@dataclass(frozen=True)
class CameraConfig:
    """Configuration: every field has a default, a unit, and a check.

    Attributes:
        slots: length of an episode.
        picture_mb: size of a picture, MB.
        link_mbps: rate of the link at its best, Mbit/s.
        fading: share of its quality that the link keeps from slot to slot.
        energy_weight: what a joule costs, in seconds.
    """

    slots: int = 40
    picture_mb: float = 8.0
    link_mbps: float = 50.0
    fading: float = 0.8
    energy_weight: float = 0.5

    def __post_init__(self) -> None:
        check_integer("slots", self.slots, 1)
        check_range("picture_mb", self.picture_mb, 0, open_low=True)
        check_range("link_mbps", self.link_mbps, 0, open_low=True)
        check_range("fading", self.fading, 0, 1)
        check_range("energy_weight", self.energy_weight, 0)


class CameraState(eqx.Module):
    """Quality of the link in [0, 1], and slots so far."""

    link: Float[Array, ""]
    slot: Int[Array, ""]


class Camera(Environment[CameraState]):
    """The environment: two pure functions and the spaces."""

    config: CameraConfig = eqx.field(static=True)

    @property
    def observation_space(self) -> Box:
        return Box(np.zeros(1, np.float32), np.ones(1, np.float32))

    @property
    def action_space(self) -> Box:
        return Box(np.full(1, -1, np.float32), np.ones(1, np.float32))

    @property
    def horizon(self) -> int:
        return self.config.slots

    def reset(self, key: PRNGKeyArray) -> tuple[CameraState, Float[Array, " 1"]]:
        state = CameraState(jax.random.uniform(key), jnp.zeros((), int))
        return state, state.link[None]

    def step(self, key: PRNGKeyArray, state: CameraState, action: Array) -> tuple[CameraState, TimeStep]:
        time, energy = self.costs(state, action)
        link = self.config.fading * state.link + (1 - self.config.fading) * jax.random.uniform(key)
        following = CameraState(link, state.slot + 1)
        return following, TimeStep(
            observation=following.link[None],
            reward=-time - self.config.energy_weight * energy,
            terminated=jnp.zeros((), bool),
            truncated=following.slot >= self.horizon,
            info={"delay": time, "energy": energy},
        )

    def costs(self, state: CameraState, action: Array) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Delay of a picture, s, and energy of the computation, J, for an action in [-1, 1]."""
        share = (jnp.clip(action[0], -1, 1) + 1) / 2
        sent_mbit = 8 * self.config.picture_mb * (1 - 0.9 * share)
        return sent_mbit / (self.config.link_mbps * (0.05 + 0.95 * state.link)), 4 * share**2


@dataclass(frozen=True)
class CameraSystem(System):
    """What the library must know: how to build it and what to compare with; all else has a default."""

    @property
    def config(self) -> type[Any]:
        return CameraConfig

    def build(self, config: CameraConfig) -> Camera:
        return Camera(config)

    def own_reference(self, environment: Camera, name: str) -> Policy:
        def best(key: PRNGKeyArray, state: CameraState, observation: Array) -> Array:
            actions = jnp.linspace(-1, 1, 101)[:, None]
            time, energy = jax.vmap(environment.costs, in_axes=(None, 0))(state, actions)
            return actions[jnp.argmin(time + environment.config.energy_weight * energy)]

        return best if name == "best" else super().own_reference(environment, name)


CAMERA = CameraSystem(
    name="camera",
    gymnasium_id="own/Camera-v0",
    summary="share of a picture that a camera computes itself, on a link that fades",
    headline=Headline("delay", "delay of a picture", "s", digits=2),
    columns=("energy",),
    own_references=("random", "best"),
    default_algorithm="sac",
    training={"environments": 16, "evaluations": 5, "evaluation_episodes": 20},
    presets={"sac": Preset({"hidden": (32, 32), "discount": 0.5}, {"updates": 2, "warmup_steps": 500})},
)
registry.register(CAMERA)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
