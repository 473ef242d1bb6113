"""`edgewise report FOLDER`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.common.errors import EdgewiseError


@dataclass(frozen=True)
class Report:
    """Write one self-contained HTML page on a training run or on experiments, into their folder.

    A run gets report/ with the page and its figures (PNG) and their data. Experiments get report.html: claims with the paper's
    figures and ours, tables, figures, configuration, software.

    Attributes:
        folder: the folder of a run; or what an experiment has written, or a folder with several of these in it.
    """

    folder: tyro.conf.Positional[Path]


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Report, args=words, prog="edgewise report")
    if not options.folder.is_dir():
        raise EdgewiseError(f"{options.folder}: is no folder")
    from edgewise.reports.experiments import experiment_folders, write_experiment_report

    if experiment_folders(options.folder):
        print(write_experiment_report(options.folder))
        return 0
    from edgewise.reports.run import write_report
    from edgewise.training.run_folder import CONFIG_FILE, require_run

    if not (options.folder / CONFIG_FILE).exists():
        raise EdgewiseError(f"{options.folder}: is neither a run folder nor a folder that experiments have written")
    require_run(options.folder)
    print(write_report(options.folder))
    return 0
