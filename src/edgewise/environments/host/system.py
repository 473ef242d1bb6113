"""Environments that another library makes: found by name, not registered one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.environments.control.presets import TRAINING
from edgewise.environments.system import Headline, Policy, System

SOURCES = {
    "gymnasium": "edgewise.environments.host.sources:from_gymnasium",
    "envpool": "edgewise.environments.host.sources:from_envpool",
}
"""Where vector environments come from: name to the function that makes them."""


@dataclass(frozen=True)
class HostSystem(System):
    """An environment of Gymnasium or EnvPool.

    Attributes:
        source: where it comes from.
        identity: its name there.
    """

    source: str = ""
    identity: str = ""

    @property
    def config(self) -> type[Any]:
        from edgewise.environments.host.configuration import HostConfig

        return HostConfig

    def build(self, config: Any) -> Any:
        return self._task(config, evaluation=False)

    def build_evaluation(self, config: Any) -> Any:
        return self._task(config, evaluation=True)

    def own_reference(self, environment: Any, name: str) -> Policy:
        def random(key: Any, state: Any, observation: Any) -> Any:
            return environment.spaces.action.sample(key)

        return random

    def _task(self, config: Any, evaluation: bool) -> Any:
        from edgewise.common.table import resolve
        from edgewise.environments.host.task import HostTask

        make = partial(resolve(SOURCES[self.source]), self.identity, config, evaluation)
        return HostTask(make, config.shrink, config.longest_evaluation)


def is_host(name: str) -> bool:
    """Whether a name is that of an environment of another library, SOURCE:ID."""
    return name.partition(":")[0] in SOURCES


def host_system(name: str) -> HostSystem:
    """The system of an environment named SOURCE:ID.

    Raises:
        ConfigurationError: without an id, or for one that Gymnasium does not know.
    """
    source, _, identity = name.partition(":")
    if not identity:
        raise ConfigurationError("environment", name, f"{source}:ID")
    if source == "gymnasium":
        from edgewise.environments.host.sources import require_gymnasium_id

        require_gymnasium_id(identity)
    return HostSystem(
        name=name,
        identity=identity,
        summary=f"{identity} of {source}, stepped outside of compiled code",
        headline=Headline("return", "return", "per episode", higher_is_better=True, digits=2),
        columns=("length",),
        training=TRAINING,
        source=source,
    )
