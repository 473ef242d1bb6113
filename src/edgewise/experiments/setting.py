"""What experiments are made of: settings and learners."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.host.system import is_host
from edgewise.experiments.profile import Profile
from edgewise.training.presets import default_configs
from edgewise.training.run_folder import RunConfig


@dataclass(frozen=True)
class Setting:
    """An environment in which policies are evaluated.

    Attributes:
        label: the label in tables and figures.
        environment: name in the registry.
        config: fields of its configuration that depart from the default.
        at: where it lies on the axes of a figure, by their names; it determines no result.
        group: which curve of a figure it belongs to, if there are several.
    """

    label: str
    environment: str
    config: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, float] = field(default_factory=dict)
    group: str = ""

    def build(self) -> Any:
        """The complete configuration.

        Raises:
            ConfigurationError: for a field that does not exist or a value that is not allowed, and for an environment that is
                stepped outside of compiled code.
        """
        if is_host(self.environment):
            raise ConfigurationError("environment", self.environment, "one of the library's own, see edgewise list")
        return _depart(registry.find(self.environment).config(), self.config)


@dataclass(frozen=True)
class Learner:
    """What is trained.

    Attributes:
        label: the label in tables and figures.
        algorithm: name in the registry.
        config: fields of its configuration that depart from what `edgewise train` would use.
        training: fields of the training configuration that do; the profile has the last word on what it names.
        budget: share of the profile's steps.
        at: where it lies on the axes of a figure, by their names; it determines no result.
        group: which panel or curve of a figure it belongs to, if there are several.
    """

    label: str
    algorithm: str
    config: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    budget: float = 1.0
    at: Mapping[str, float] = field(default_factory=dict)
    group: str = ""

    @classmethod
    def matching(cls, label: str, algorithm: str, other: str, environment: str) -> Learner:
        """One with the settings that another algorithm has in an environment, wherever both have a setting of that name."""
        (config, training), (wanted, wanted_training) = (default_configs(environment, n) for n in (algorithm, other))
        return cls(label, algorithm, _common(config, wanted), _common(training, wanted_training))

    def run(self, setting: Setting, profile: Profile) -> RunConfig:
        """The training run of this learner in a setting."""
        algorithm, training = default_configs(setting.environment, self.algorithm)
        spent = {
            **self.training,
            "steps": round(self.budget * profile.steps),
            "seeds": profile.seeds,
            "evaluations": profile.evaluations,
        }
        return RunConfig(
            environment=setting.environment,
            environment_config=setting.build(),
            algorithm=self.algorithm,
            algorithm_config=_depart(algorithm, self.config),
            training=_depart(training, spent),
        )


def _common(one: Any, other: Any) -> dict[str, Any]:
    names = {f.name for f in dataclasses.fields(one)}
    return {f.name: getattr(other, f.name) for f in dataclasses.fields(other) if f.name in names}


def _depart(config: Any, changes: Mapping[str, Any]) -> Any:
    known = [f.name for f in dataclasses.fields(config)]
    for name in changes:
        if name not in known:
            raise ConfigurationError(name, changes[name], f"left out; known fields are {', '.join(known)}")
    return dataclasses.replace(config, **changes)
