"""`edgewise report RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.cli.train import require_run
from edgewise.experiments.run_report import write_report


@dataclass(frozen=True)
class Report:
    """Write a run's figures (PNG) and one self-contained HTML page into its folder.

    Attributes:
        run: run folder.
    """

    run: tyro.conf.Positional[Path]


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Report, args=words, prog="edgewise report")
    require_run(options.run)
    print(write_report(options.run))
    return 0
