"""Papers: their experiments by name, and what each profile may spend on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgewise.common.errors import ConfigurationError
from edgewise.experiments.experiment import Experiment
from edgewise.experiments.setting import Profile
from edgewise.papers.cgdm import experiments as cgdm
from edgewise.papers.d2sac import experiments as d2sac
from edgewise.papers.edmsac import experiments as edmsac
from edgewise.papers.malppo import experiments as malppo


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
                raise ConfigurationError("experiment", name, allowed)
        return [self.experiments[name] for name in dict.fromkeys(names)]


CATALOGUE = {
    "cgdm": Paper(cgdm.EXPERIMENTS, cgdm.PROFILES),
    "d2sac": Paper(d2sac.EXPERIMENTS, d2sac.PROFILES),
    "edmsac": Paper(edmsac.EXPERIMENTS, edmsac.PROFILES),
    "malppo": Paper(malppo.EXPERIMENTS, malppo.PROFILES),
}


def find_paper(name: str) -> Paper:
    """A paper by its short name.

    Raises:
        ConfigurationError: naming those that exist.
    """
    if name not in CATALOGUE:
        raise ConfigurationError("paper", name, f"one of {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
