"""Configuration of a control task."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.common.errors import check_integer


@dataclass(frozen=True)
class ControlConfig:
    """The physics is fixed; defaults are those of Gymnasium.

    Attributes:
        time_limit: steps after which an episode is cut.
    """

    time_limit: int = 500

    def __post_init__(self) -> None:
        check_integer("time_limit", self.time_limit, 1)


@dataclass(frozen=True)
class PendulumConfig(ControlConfig):
    """Configuration of the pendulum, whose episodes are shorter.

    Attributes:
        time_limit: steps after which an episode is cut.
    """

    time_limit: int = 200
