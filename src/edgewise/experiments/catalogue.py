"""Papers: their experiments by name, and what each profile may spend on them. Nothing here loads numerics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.table import Table, resolve, unknown
from edgewise.experiments.profile import Profile

FOLDER = Path("runs") / "experiments"
"""Where results go unless told otherwise."""


@dataclass(frozen=True)
class Paper:
    """A paper whose tables and figures are made again, or any other collection of experiments.

    Attributes:
        titles: one line on each experiment, by its name.
        profiles: what may be spent, by name.
        experiments: the `Experiment` of each name, or the "module:name" of that mapping, which is loaded when one is wanted.
    """

    titles: Mapping[str, str]
    profiles: Mapping[str, Profile]
    experiments: Mapping[str, Any] | str

    @classmethod
    def of(cls, experiments: Sequence[Any], profiles: Sequence[Profile]) -> Paper:
        """A paper of experiments that are at hand."""
        return cls(
            {experiment.name: experiment.title for experiment in experiments},
            {profile.name: profile for profile in profiles},
            {experiment.name: experiment for experiment in experiments},
        )

    def check(self, names: Sequence[str]) -> None:
        """Require names of experiments, or "all"; nothing is loaded.

        Raises:
            ConfigurationError: naming those that exist.
        """
        allowed = f"one of {', '.join(self.titles)}, or all"
        if not names:
            raise ConfigurationError("experiment", "", allowed)
        for name in names:
            if name != "all" and name not in self.titles:
                raise unknown("experiment", name, self.titles, "all")

    def find(self, names: Sequence[str]) -> list[Any]:
        """The named experiments, each once; "all" takes every one.

        Raises:
            ConfigurationError: naming those that exist.
            EdgewiseError: if they cannot be loaded, or lack one that has a title.
        """
        self.check(names)
        wanted = list(self.titles) if "all" in names else list(dict.fromkeys(names))
        experiments = resolve(self.experiments)
        for name in wanted:
            if name not in experiments:
                raise EdgewiseError(f"{self.experiments}: has no experiment {name}, which has a title")
        return [experiments[name] for name in wanted]

    def profile(self, name: str) -> Profile:
        """What a profile may spend.

        Raises:
            ConfigurationError: naming those that exist.
        """
        if name not in self.profiles:
            raise unknown("profile", name, self.profiles)
        return self.profiles[name]


CATALOGUE: Table[Paper] = Table("edgewise.papers", "paper")


def find_paper(name: str) -> Paper:
    """A paper by its short name.

    Raises:
        ConfigurationError: naming those that exist.
    """
    return CATALOGUE.find(name)


def register_paper(name: str, paper: Paper) -> None:
    """Add a paper of your own, for this process.

    Raises:
        ConfigurationError: if the name is taken.
    """
    CATALOGUE.register(name, paper)
