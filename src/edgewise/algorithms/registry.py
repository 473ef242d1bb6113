"""Algorithms by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgewise.algorithms.base import OffPolicyAlgorithm
from edgewise.algorithms.cgdm import CGDM, CGDMConfig
from edgewise.environments.base import Spaces
from edgewise.numerics.checks import ConfigurationError


@dataclass(frozen=True)
class AlgorithmEntry:
    """An algorithm that can be asked for by name.

    Attributes:
        name: as given to the command line.
        summary: one line.
        config: its configuration dataclass.
        algorithm: built with (configuration, spaces, updates of the run).
    """

    name: str
    summary: str
    config: type[Any]
    algorithm: Callable[[Any, Spaces, int], OffPolicyAlgorithm[Any]]

    def build(self, config: Any, spaces: Spaces, updates: int) -> OffPolicyAlgorithm[Any]:
        """The algorithm for the given spaces, in a run of so many updates."""
        return self.algorithm(config, spaces, updates)


ALGORITHMS = {
    entry.name: entry
    for entry in (AlgorithmEntry("cgdm", "confidence-regulated generative diffusion model", CGDMConfig, CGDM),)
}


def find_algorithm(name: str) -> AlgorithmEntry:
    """Look an algorithm up.

    Raises:
        ConfigurationError: naming the algorithms that exist.
    """
    if name not in ALGORITHMS:
        raise ConfigurationError("algorithm", name, f"one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]
