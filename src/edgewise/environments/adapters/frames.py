"""Frames of a copy of an environment, for `render_mode="rgb_array"`: each shows the step that was carried out last."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import numpy as np
from jaxtyping import Bool, UInt8

from edgewise.common.errors import NothingToShow
from edgewise.environments.environment import TimeStep
from edgewise.environments.system import System

DRAWN = "rgb_array"
"""The mode that draws."""
RENDER_MODES = [DRAWN]
METADATA: dict[str, Any] = {"render_modes": RENDER_MODES, "render_fps": 4}
"""As Gymnasium declares it; so many steps of a decision system can be followed in a second."""


class Frames:
    """What is needed to draw the last step of a copy; nothing is kept unless frames were asked for.

    Args:
        system: whose scenes are drawn. If None, nothing can be.
        environment: an `Environment` or a `Game`.
        render_mode: as it was asked for.
    """

    def __init__(self, system: System | None, environment: Any, render_mode: str | None) -> None:
        self._system, self._environment = system, environment
        self._mode = render_mode
        self.metadata = METADATA if self.possible else {"render_modes": []}
        self._state: Any = None
        self._action: Any = None
        self._info: dict[str, Any] = {}
        self._course: list[float] = []
        self._steps = 0
        if render_mode is not None and not (self.possible and render_mode == DRAWN):
            gymnasium.logger.warn(f"render_mode={render_mode!r}: this environment draws no such frames")

    @property
    def possible(self) -> bool:
        """Whether the system can be drawn."""
        return self._system is not None and self._system.draws

    @property
    def wanted(self) -> bool:
        """Whether frames were asked for and can be drawn."""
        return self._mode == DRAWN and self.possible

    def begin(self, state: Any) -> None:
        """An episode has begun."""
        if self.wanted:
            self._state, self._action, self._info = state, None, {}
            self._course, self._steps = [], 0

    def step(self, state: Any, action: Any, reward: Any, info: dict[str, Any]) -> None:
        """A step was carried out.

        Args:
            state: before it.
            action: in it; in a game the actions of all agents.
            reward: that it brought, summed over agents.
            info: of it.
        """
        if not self.wanted or self._system is None:
            return
        self._state, self._action, self._info = state, action, info
        metric = self._system.headline.metric
        last = self._course[-1] if self._course else 0.0
        self._course.append(last + float(reward) if metric == "return" else float(info.get(metric, np.nan)))
        self._steps += 1

    def draw(self) -> UInt8[np.ndarray, "h w 3"] | None:
        """The pixels; None, with Gymnasium's warning, if the environment was made without a mode.

        Raises:
            NothingToShow: a NotImplementedError, if what was asked for cannot be drawn.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if self._mode is None:
            gymnasium.logger.warn("render() of an environment that was made without a render_mode: it draws no frames")
            return None
        if not self.wanted or self._system is None:
            allowed = f"None or {DRAWN!r}" if self.possible else "None: this environment draws no frames"
            raise NothingToShow("render_mode", self._mode, allowed)
        if self._state is None:
            raise gymnasium.error.ResetNeeded("reset the environment before its first frame")
        from edgewise.drawing.scene_figure import frame
        from edgewise.environments.moments import Moments, show

        one = jax.device_get((self._state, self._action, self._info))
        states, actions, info = jax.tree.map(lambda leaf: np.asarray(leaf)[None], one)
        first = max(self._steps - 1, 0)
        moments = Moments(states, actions, info, np.array(self._course), first, self._environment.horizon)
        return frame(show(self._system, self._environment, moments)[0])


class FramesOfCopies:
    """`Frames` of every copy of a vector environment.

    Args:
        system, environment, render_mode: as for `Frames`.
        copies: their number.
    """

    def __init__(self, system: System | None, environment: Any, render_mode: str | None, copies: int) -> None:
        first = Frames(system, environment, render_mode)
        self.metadata = first.metadata
        several = copies if first.wanted else 1
        self._frames = [first, *(Frames(system, environment, render_mode) for _ in range(1, several))]

    def begin(self, state: Any, chosen: Bool[np.ndarray, " n"]) -> None:
        """Episodes of some copies have begun in states."""
        if self._frames[0].wanted:
            for index in np.flatnonzero(chosen).tolist():
                self._frames[index].begin(_of(state, index))

    def step(self, state: Any, actions: Any, timestep: TimeStep, idle: Bool[np.ndarray, " n"]) -> None:
        """All copies but idle ones were stepped from states."""
        if self._frames[0].wanted:
            for index in np.flatnonzero(~idle).tolist():
                info = {name: values[index] for name, values in timestep.info.items()}
                self._frames[index].step(_of(state, index), _of(actions, index), timestep.reward[index], info)

    def draw(self) -> tuple[np.ndarray, ...] | None:
        """A frame of every copy, see `Frames.draw`."""
        drawn = [frames.draw() for frames in self._frames]
        return None if drawn[0] is None else tuple(each for each in drawn if each is not None)


def _of(values: Any, index: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], values)
