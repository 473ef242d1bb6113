"""Control tasks in the registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Array, Int, PRNGKeyArray

from edgewise.environments.control.acrobot import Acrobot
from edgewise.environments.control.cartpole import CartPole
from edgewise.environments.control.configuration import ControlConfig
from edgewise.environments.entry import Entry, Headline, Policy

Task = CartPole | Acrobot


@dataclass(frozen=True)
class ControlEntry(Entry):
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
        def random(key: PRNGKeyArray, state: Any, observation: Any) -> Int[Array, ""]:
            return environment.action_space.sample(key)

        return dict.fromkeys(names, random)


def _entry(name: str, gymnasium_id: str, summary: str, columns: tuple[str, ...], task: type[Task]) -> ControlEntry:
    return ControlEntry(
        name=name,
        gymnasium_id=gymnasium_id,
        summary=summary,
        config=ControlConfig,
        headline=Headline("return", "return", "per episode", higher_is_better=True),
        columns=columns,
        reference_names=("random",),
        usual_references=("random",),
        default_algorithm="ppo",
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
