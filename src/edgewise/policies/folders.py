"""Where a run keeps its policies."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Which = Literal["best", "last"]
"""The policy of the best evaluation, or the newest one."""


def policies_folder(folder: Path, which: Which) -> Path:
    """Where a run keeps the policies of all seeds."""
    return folder / "policy" / which


def policy_folder(folder: Path, which: Which, seed: int) -> Path:
    """Where a run keeps the policy of a seed; that of a game has a folder for each agent inside."""
    return policies_folder(folder, which) / f"seed-{seed}"
