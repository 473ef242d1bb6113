"""Entries of environments that another library makes: found by name, not registered one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from jaxtyping import Array, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.host.configuration import HostConfig
from edgewise.environments.host.sources import SOURCES
from edgewise.environments.host.task import HostTask
from edgewise.environments.system import Entry, Headline, Policy


@dataclass(frozen=True)
class HostSystem(Entry):
    """An environment of Gymnasium or EnvPool.

    Attributes:
        source: where it comes from.
    """

    source: str

    def build(self, config: HostConfig) -> HostTask:
        return self._task(config, evaluation=False)

    def build_evaluation(self, config: HostConfig) -> HostTask:
        return self._task(config, evaluation=True)

    def references(self, environment: HostTask, names: Sequence[str]) -> dict[str, Policy]:
        def random(key: PRNGKeyArray, state: Any, observation: Any) -> Array:
            return environment.spaces.action.sample(key)

        return dict.fromkeys(names, random)

    def _task(self, config: HostConfig, evaluation: bool) -> HostTask:
        make = partial(SOURCES[self.source], self.gymnasium_id, config, evaluation)
        return HostTask(make, config.shrink, config.longest_evaluation)


def is_host(name: str) -> bool:
    """Whether a name is that of an environment of another library, SOURCE:ID."""
    return name.partition(":")[0] in SOURCES


def host_entry(name: str) -> HostSystem:
    """The entry of an environment named SOURCE:ID.

    Raises:
        ConfigurationError: without an id.
    """
    source, _, identity = name.partition(":")
    if not identity:
        raise ConfigurationError("environment", name, f"{source}:ID")
    return HostSystem(
        name=name,
        gymnasium_id=identity,
        summary=f"{identity} of {source}, stepped outside of compiled code",
        config=HostConfig,
        headline=Headline("return", "return", "per episode", higher_is_better=True, digits=2),
        columns=("length",),
        reference_names=("random",),
        usual_references=("random",),
        default_algorithm="ppo",
        source=source,
    )
