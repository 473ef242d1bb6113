"""Copies of a Gymnasium environment, stepped together, whatever they do when an episode ends."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import concatenate, create_empty_array
from jaxtyping import Bool, Float

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.environments.host.spaces import decode, encode
from edgewise.numerics.scaling import Scaling


@dataclass(frozen=True)
class Outcome:
    """What one step of every copy led to.

    Attributes:
        real: whether the copy was stepped; if not, it was only reset, and nothing else here but `following` means anything.
        reward: received.
        terminated: the episode ended inside the decision problem.
        ended: it ended for any reason.
        final: the observation after the step, the last one of an ended episode.
        following: the observation to act on next.
    """

    real: Bool[np.ndarray, " e"]
    reward: Float[np.ndarray, " e"]
    terminated: Bool[np.ndarray, " e"]
    ended: Bool[np.ndarray, " e"]
    final: Float[np.ndarray, "e o"]
    following: Float[np.ndarray, "e o"]


class HostError(EdgewiseError):
    """An environment of another library failed, or gave what it must not."""


class NotFiniteError(HostError):
    """An environment gave a number that is not finite."""


class HostCopies:
    """A vector environment whose ends of episodes are told apart from its restarts, and whose numbers are all finite.

    Args:
        environment: in any autoreset mode.
        shrink: how much images are shrunk, see `encode`.
        inputs: scaling of encoded observations. If None, they stay as they are.

    Raises:
        ConfigurationError: if the environment does not declare its autoreset mode.
    """

    def __init__(self, environment: VectorEnv[Any, Any, Any], shrink: int = 1, inputs: Scaling | None = None) -> None:
        mode = environment.metadata.get("autoreset_mode")
        if not isinstance(mode, AutoresetMode):
            raise ConfigurationError("autoreset_mode", mode, "an AutoresetMode in the environment's metadata")
        self._environment = environment
        self._mode = mode
        self._shrink = shrink
        self._inputs = inputs
        self._over = np.zeros(environment.num_envs, bool)
        self._steps = np.zeros(environment.num_envs, int)
        self._failed = False

    def reset(self, seed: int) -> Float[np.ndarray, "e o"]:
        """Start an episode in every copy.

        Raises:
            HostError: if the environment fails, or an observation is not finite.
        """
        with self._failures("reset"):
            observations, _ = self._environment.reset(seed=seed)
            first = self._encode(observations)
        self._over[:] = False
        self._steps[:] = 0
        self._require_finite("observation", first)
        return self._scaled(first)

    def step(self, action: np.ndarray) -> Outcome:
        """Advance every copy, by a learner's actions.

        Raises:
            HostError: if the environment fails, or an observation or a reward is not finite.
        """
        with self._failures("step"):
            reward, terminated, ended, final, following = self._stepped(action)
        real = ~self._over
        self._steps = np.where(real, self._steps + 1, 0)
        if self._mode is AutoresetMode.NEXT_STEP:
            self._over = ended
        self._require_finite("reward", np.where(real, reward, 0.0)[:, None])
        self._require_finite("observation", final)
        if following is not final:
            self._steps[ended] = 0
            self._require_finite("observation", following)
        return Outcome(real, reward, terminated, ended, self._scaled(final), self._scaled(following))

    def close(self) -> None:
        """Release what the environment holds; after a failure, which has been told, whatever that leads to."""
        try:
            self._environment.close()
        except Exception:
            if not self._failed:
                raise
            self._environment.closed = True
            for process in getattr(self._environment.unwrapped, "processes", ()):
                process.terminate()

    def _stepped(self, action: np.ndarray) -> tuple[np.ndarray, ...]:
        """Reward, whether copies terminated, whether they ended, the observation after the step and the one to act on next."""
        space = self._environment.single_action_space
        observations, reward, terminated, truncated, info = self._environment.step(decode(space, action))
        terminated, ended = np.array(terminated, bool), np.array(terminated, bool) | np.array(truncated, bool)
        final = following = self._encode(observations)
        if ended.any() and self._mode is AutoresetMode.SAME_STEP:
            final = following.copy()
            final[ended] = self._final(info, ended)
        elif ended.any() and self._mode is AutoresetMode.DISABLED:
            fresh, _ = self._environment.reset(options={"reset_mask": ended.copy()})
            following = np.where(ended[:, None], self._encode(fresh), final)
        return np.array(reward, np.float32), terminated, ended, final, following

    @contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        """What goes wrong inside the environment, in one line that names the place in its code."""
        try:
            yield
        except EdgewiseError:
            raise
        except Exception as error:
            self._failed = True
            raise HostError(f"the {what} of the environment failed: {_told(error)}") from error

    def _encode(self, observations: Any) -> Float[np.ndarray, "_ o"]:
        return encode(self._environment.single_observation_space, observations, self._shrink)

    def _scaled(self, vectors: Float[np.ndarray, "_ o"]) -> Float[np.ndarray, "_ o"]:
        return vectors if self._inputs is None else np.asarray(self._inputs(jnp.asarray(vectors)))

    def _require_finite(self, what: str, values: Float[np.ndarray, "e _"]) -> None:
        broken = np.argwhere(~np.isfinite(values))
        if len(broken):
            copy, component = broken[0]
            step = self._steps[copy]
            where = f"after step {step} of its episode" if step else "at the start of its episode"
            part = f", component {component}" if what == "observation" else ""
            raise NotFiniteError(
                f"the {what} that the environment gave is not finite: copy {copy}, {where}{part}: {values[copy, component]}"
            )

    def _final(self, info: dict[str, Any], ended: np.ndarray) -> Float[np.ndarray, "_ o"]:
        if "final_obs" not in info:
            raise EdgewiseError("the environment resets itself in the same step, but gives no final_obs in its info")
        space = self._environment.single_observation_space
        observations = [info["final_obs"][index] for index in np.flatnonzero(ended)]
        return self._encode(concatenate(space, observations, create_empty_array(space, len(observations))))


def _told(error: Exception) -> str:
    """An error of an environment and the place in its code, where that is known."""
    if isinstance(error, EOFError | BrokenPipeError | ConnectionResetError):
        return "the process of a copy has ended"
    lines = str(error).splitlines()
    told = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    place = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(place.filename)
    return told if {"gymnasium", "numpy"} & set(file.parts) else f"{told} ({file.name}:{place.lineno})"
