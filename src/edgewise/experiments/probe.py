"""A probe: a computation of an experiment beside those of its players, stored like a cell and carried out by executors."""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from edgewise.common.errors import EdgewiseError
from edgewise.common.plain import to_plain
from edgewise.experiments.cell import Learned, Planned, digest
from edgewise.policies.artefact import load_policy
from edgewise.policies.folders import policy_folder


@dataclass(frozen=True)
class Probe(ABC):
    """What is computed; the fields of a kind of probe are all that determines its table.

    Attributes:
        name: the name of the kind, which no other has; it is part of the address, so that it must not change.
        alone: whether nothing else may be carried out meanwhile, as where time is measured.
    """

    name: ClassVar[str]
    alone: ClassVar[bool] = False

    @abstractmethod
    def compute(self, folder: Path | None) -> pd.DataFrame:
        """Compute the table of the probe.

        Args:
            folder: the folder of the training run, if a field is a `Learned` player: `best_policy` reads its policies.
        """

    @property
    def learned(self) -> Learned | None:
        """The learner whose policies are read; None if no field holds one."""
        values = (getattr(self, field.name) for field in dataclasses.fields(self))
        return next((value for value in values if isinstance(value, Learned)), None)

    @cached_property
    def description(self) -> dict[str, Any]:
        """Complete and plain."""
        result: dict[str, Any] = json.loads(json.dumps({"probe": self.name, **to_plain(self)}))
        return result

    @cached_property
    def address(self) -> str:
        """The same for the same description, another for any other."""
        return digest(self.description)


Probes = Mapping[tuple[str, str], Probe]
"""Probes of an experiment, by name and by what they are of: the label of a setting or player, or nothing."""
Asks = Callable[[Sequence[Planned]], Probes]
"""What an experiment with these cells wants to have computed besides."""


def no_probes(cells: Sequence[Planned]) -> Probes:
    """Nothing is computed but the cells."""
    return {}


def best_policy(folder: Path | None, seed: int) -> Any:
    """The best policy of a seed of a training run.

    Raises:
        EdgewiseError: if it is gone.
    """
    assert folder is not None
    place = policy_folder(folder, "best", seed)
    if not place.is_dir():
        raise EdgewiseError(
            f"{place}: is missing: must be kept with the results; take another folder for cells to train again"
        )
    return load_policy(place).policy
