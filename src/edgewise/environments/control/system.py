"""Control tasks, described for the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewise.common.table import resolve
from edgewise.environments.control.presets import ACROBOT as ACROBOT_PRESETS
from edgewise.environments.control.presets import CARTPOLE as CARTPOLE_PRESETS
from edgewise.environments.control.presets import PENDULUM as PENDULUM_PRESETS
from edgewise.environments.control.presets import TRAINING
from edgewise.environments.system import Preset, System


@dataclass(frozen=True)
class ControlSystem(System):
    """A control task.

    Attributes:
        task: "module:class" of its environment.
        task_config: "module:class" of its configuration.
    """

    task: str = ""
    task_config: str = "edgewise.environments.control.configuration:ControlConfig"

    @property
    def config(self) -> type[Any]:
        kind: type[Any] = resolve(self.task_config)
        return kind

    def build(self, config: Any) -> Any:
        return resolve(self.task)(config)


def _task(
    name: str, gymnasium_id: str, summary: str, column: str, task: str, presets: Mapping[str, Preset], **more: Any
) -> ControlSystem:
    return ControlSystem(
        name=name,
        gymnasium_id=gymnasium_id,
        summary=summary,
        columns=tuple(column.split()),
        task=f"edgewise.environments.control.{task}",
        presets=presets,
        **{"training": TRAINING, "actions": "discrete", **more},
    )


CARTPOLE = _task(
    "cartpole",
    "edgewise/CartPole-v1",
    "a pole balanced on a cart, the task CartPole-v1",
    "position angle",
    "cartpole:CartPole",
    CARTPOLE_PRESETS,
)
ACROBOT = _task(
    "acrobot",
    "edgewise/Acrobot-v1",
    "a double pendulum swung up, the task Acrobot-v1",
    "height",
    "acrobot:Acrobot",
    ACROBOT_PRESETS,
)
PENDULUM = _task(
    "pendulum",
    "edgewise/Pendulum-v1",
    "a pendulum swung up and held, the task Pendulum-v1",
    "angle",
    "pendulum:Pendulum",
    PENDULUM_PRESETS,
    task_config="edgewise.environments.control.configuration:PendulumConfig",
    training=TRAINING | {"steps": 50_000},
    actions="box",
    default_algorithm="sac",
)
"""The task Pendulum-v1; half the steps of the other tasks are enough."""
