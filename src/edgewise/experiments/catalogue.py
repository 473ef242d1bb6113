"""Experiments by paper and name."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.experiments import d2sac
from edgewise.experiments.experiment import Experiment
from edgewise.numerics.checks import ConfigurationError

CATALOGUE: dict[str, dict[str, Experiment]] = {"d2sac": d2sac.EXPERIMENTS}


def find_experiments(paper: str, names: Sequence[str]) -> list[Experiment]:
    """The named experiments of a paper; "all" takes every one.

    Raises:
        ConfigurationError: naming those that exist.
    """
    if paper not in CATALOGUE:
        raise ConfigurationError("paper", paper, f"one of {', '.join(CATALOGUE)}")
    known = CATALOGUE[paper]
    allowed = f"one of {', '.join(known)}, or all"
    if not names:
        raise ConfigurationError("experiment", "", allowed)
    if "all" in names:
        return list(known.values())
    for name in names:
        if name not in known:
            raise ConfigurationError("experiment", name, allowed)
    return [known[name] for name in dict.fromkeys(names)]
