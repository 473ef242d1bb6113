"""What experiments are made of: settings and learners."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import to_plain
from edgewise.environments import registry
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
        learning: fields of the learners' configurations, of the algorithm or of the training, that depart for the learners
            trained here, as far as they have fields of these names.
        most: what is spent here at most, by fields of the profile.
        without: labels of learners that are not trained here.
    """

    label: str
    environment: str
    config: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    learning: Mapping[str, Any] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def build(self) -> Any:
        """The complete configuration.

        Raises:
            ConfigurationError: for a field that does not exist or a value that is not allowed.
        """
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
        seen: fields of the environment's configuration that depart where it learns and is judged, because it observes or acts in
            another way than the other policies do; what happens there is the same.
    """

    label: str
    algorithm: str
    config: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    budget: float = 1.0
    at: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def matching(cls, label: str, algorithm: str, other: str, environment: str) -> Learner:
        """One with the settings that another algorithm has in an environment, wherever both have a setting of that name."""
        (config, training), (wanted, wanted_training) = (default_configs(environment, n) for n in (algorithm, other))
        return cls(label, algorithm, _common(config, wanted), _common(training, wanted_training))

    def environment(self, setting: Setting) -> Any:
        """The complete configuration of a setting, as this learner observes it.

        Raises:
            ConfigurationError: for a field that does not exist or a value that is not allowed.
        """
        return _depart(setting.build(), self.seen)

    def run(self, setting: Setting, profile: Profile) -> RunConfig:
        """The training run of this learner in a setting."""
        algorithm, training = default_configs(setting.environment, self.algorithm)
        here = spent_in(setting, profile)
        spent = {
            **_known(training, setting.learning),
            **self.training,
            "steps": round(self.budget * here.steps),
            "seeds": here.seeds,
            "evaluations": here.evaluations,
        }
        return RunConfig(
            environment=setting.environment,
            environment_config=self.environment(setting),
            algorithm=self.algorithm,
            algorithm_config=_depart(algorithm, {**_known(algorithm, setting.learning), **self.config}),
            training=_depart(training, spent),
        )

    def has(self, name: str, environment: str) -> bool:
        """Whether its configuration, of the algorithm or of the training, has a field of that name."""
        return any(_known(config, {name: None}) for config in default_configs(environment, self.algorithm))


def spent_in(setting: Setting, profile: Profile) -> Profile:
    """What of a profile is spent in a setting."""
    limits = {name: min(value, getattr(profile, name, value)) for name, value in setting.most.items()}
    return _depart(profile, limits)


def _known(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in dataclasses.fields(config)}
    return {name: value for name, value in values.items() if name in names}


def _common(one: Any, other: Any) -> dict[str, Any]:
    """Fields of the other that both have; those that were added later and are at their defaults are left out, as in addresses."""
    return _known(one, {name: getattr(other, name) for name in to_plain(other)})


def _depart(config: Any, changes: Mapping[str, Any]) -> Any:
    known = [f.name for f in dataclasses.fields(config)]
    for name in changes:
        if name not in known:
            raise ConfigurationError(name, changes[name], f"left out; known fields are {', '.join(known)}")
    return dataclasses.replace(config, **changes)
