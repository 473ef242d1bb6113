"""Control tasks in the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Array, Num, PRNGKeyArray

from edgewise.environments.control.acrobot import Acrobot
from edgewise.environments.control.cartpole import CartPole
from edgewise.environments.control.configuration import ControlConfig, PendulumConfig
from edgewise.environments.control.pendulum import Pendulum
from edgewise.environments.system import Entry, Headline, Policy

Task = CartPole | Acrobot | Pendulum


@dataclass(frozen=True)
class ControlSystem(Entry):
    """A control task.

    Attributes:
        task: its environment.
    """

    task: type[Task]

    def build(self, config: ControlConfig) -> Task:
        return self.task(config)

    def build_evaluation(self, config: ControlConfig) -> Task:
        return self.task(config)

    def references(self, environment: Task, names: Sequence[str]) -> dict[str, Policy]:
        def random(key: PRNGKeyArray, state: Any, observation: Any) -> Num[Array, "*shape"]:
            return environment.action_space.sample(key)

        return dict.fromkeys(names, random)


def _entry(
    name: str,
    gymnasium_id: str,
    summary: str,
    columns: tuple[str, ...],
    task: type[Task],
    config: type[ControlConfig] = ControlConfig,
    default_algorithm: str = "ppo",
) -> ControlSystem:
    return ControlSystem(
        name=name,
        gymnasium_id=gymnasium_id,
        summary=summary,
        config=config,
        headline=Headline("return", "return", "per episode", higher_is_better=True),
        columns=columns,
        reference_names=("random",),
        usual_references=("random",),
        default_algorithm=default_algorithm,
        task=task,
    )


CARTPOLE = _entry(
    "cartpole",
    "edgewise/CartPole-v1",
    "a pole balanced on a cart, the task CartPole-v1",
    ("position", "angle"),
    CartPole,
)
ACROBOT = _entry(
    "acrobot", "edgewise/Acrobot-v1", "a double pendulum swung up, the task Acrobot-v1", ("height",), Acrobot
)
PENDULUM = _entry(
    "pendulum",
    "edgewise/Pendulum-v1",
    "a pendulum swung up and held, the task Pendulum-v1",
    ("angle",),
    Pendulum,
    PendulumConfig,
    "sac",
)
