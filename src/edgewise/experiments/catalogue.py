"""Papers: their experiments by name, and what each profile may spend on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgewise.common.errors import ConfigurationError
from edgewise.common.table import Table, unknown
from edgewise.experiments.experiment import Experiment
from edgewise.experiments.setting import Profile


@dataclass(frozen=True)
class Paper:
    """A paper that is made again.

    Attributes:
        experiments: by name.
        profiles: "quick" and "paper".
    """

    experiments: Mapping[str, Experiment]
    profiles: Mapping[str, Profile]

    def find(self, names: Sequence[str]) -> list[Experiment]:
        """The named experiments, each once; "all" takes every one.

        Raises:
            ConfigurationError: naming those that exist.
        """
        allowed = f"one of {', '.join(self.experiments)}, or all"
        if not names:
            raise ConfigurationError("experiment", "", allowed)
        if "all" in names:
            return list(self.experiments.values())
        for name in names:
            if name not in self.experiments:
                raise unknown("experiment", name, self.experiments, "all")
        return [self.experiments[name] for name in dict.fromkeys(names)]


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
