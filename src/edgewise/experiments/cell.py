"""A cell: one policy evaluated in one setting, all that determines it, and the address that follows from that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from edgewise.common.plain import to_plain
from edgewise.experiments.setting import Setting
from edgewise.training.run_folder import RunConfig


@dataclass(frozen=True)
class Learned:
    """The best policy of every seed of a training run."""

    run: RunConfig

    def plain(self) -> dict[str, Any]:
        """Its plain values, for the description of a cell."""
        return {"kind": "learned", **to_plain(self.run)}

    @cached_property
    def address(self) -> str:
        """The address of the training run."""
        return digest(self.plain())


@dataclass(frozen=True)
class Reference:
    """A reference policy of the system, by its name."""

    name: str

    def plain(self) -> dict[str, Any]:
        """Its plain values, for the description of a cell."""
        return {"kind": "reference", "name": self.name}


@dataclass(frozen=True)
class Bound:
    """What no policy can beat in the headline metric."""

    def plain(self) -> dict[str, Any]:
        """Its plain values, for the description of a cell."""
        return {"kind": "bound"}


Player = Learned | Reference | Bound


@dataclass(frozen=True)
class Cell:
    """All that determines a result.

    Attributes:
        environment: name in the registry.
        setting: configuration of the environment in which the policy is evaluated.
        player: whose policy.
        episodes: test episodes; every player gets the same ones.
        seed: their randomness.
    """

    environment: str
    setting: Any
    player: Player
    episodes: int
    seed: int

    @cached_property
    def description(self) -> dict[str, Any]:
        """Complete and plain."""
        plain = {
            "environment": self.environment,
            "setting": to_plain(self.setting),
            "player": self.player.plain(),
            "episodes": self.episodes,
            "seed": self.seed,
        }
        result: dict[str, Any] = json.loads(json.dumps(plain))
        return result

    @cached_property
    def address(self) -> str:
        """The same for the same description, another for any other."""
        return digest(self.description)


@dataclass(frozen=True)
class Planned:
    """A cell with its place in an experiment, which determines nothing of its result.

    Attributes:
        setting, label: what the experiment calls where and who.
        cell: what is computed.
        at: where it lies on the axes of a figure: that of its setting and that of its learner.
        group: which panel or curve it belongs to.
    """

    setting: Setting
    label: str
    cell: Cell
    at: Mapping[str, float]
    group: str = ""


@dataclass(frozen=True)
class ProbeResult:
    """What came out of a probe.

    Attributes:
        table: as it was computed.
        code: digest of the library's code that made it.
        machine: where that was, in words.
    """

    table: pd.DataFrame
    code: str
    machine: str = ""


@dataclass(frozen=True)
class CellResult:
    """What came out of a cell.

    Attributes:
        episodes: one row per seed and episode: "seed", "episode" and every metric.
        curve: the run's `metrics.csv`; empty for a policy that was not trained.
        code: digests of the library's code that made it, with spaces between; several if a run went on with other code.
        machine: where that was, in words; empty where it was not noted.
    """

    episodes: pd.DataFrame
    curve: pd.DataFrame
    code: str
    machine: str = ""

    def per_seed(self, metric: str) -> np.ndarray:
        """Mean over the episodes of each seed."""
        return self.episodes.groupby("seed")[metric].mean().to_numpy()

    def per_episode(self, metric: str) -> np.ndarray:
        """Mean over the seeds of each episode."""
        return self.episodes.groupby("episode")[metric].mean().to_numpy()


def digest(plain: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that stand for plain values."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def difference(wanted: Any, found: Any, place: str = "") -> tuple[str, Any, Any] | None:
    """The first place at which two plain values differ, with both values; None if they are equal."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in (*wanted, *(name for name in found if name not in wanted)):
            inner = difference(wanted.get(name), found.get(name), f"{place}.{name}" if place else name)
            if inner is not None:
                return inner
        return None
    return None if wanted == found else (place, wanted, found)
