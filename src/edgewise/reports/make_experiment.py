"""From an experiment to the folder that shows it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewise.common.files import make_folder
from edgewise.execution.contract import Executor
from edgewise.execution.local import serial
from edgewise.experiments.catalogue import FOLDER
from edgewise.experiments.experiment import Experiment, Plan, compute_plans
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import Output, Results
from edgewise.experiments.store import Store
from edgewise.reports.folder import require_own_folder, write_output


def make_experiment(
    experiment: Experiment,
    profile: Profile,
    folder: Path | str,
    *,
    cells: Path | str = FOLDER,
    carry_out: Executor = serial,
    only: Sequence[str] = (),
    command: str | None = None,
) -> Output:
    """Compute what is missing of an experiment and write what it shows into a folder of its name.

    Args:
        experiment: what is compared.
        profile: what may be spent.
        folder: in which its own folder is made.
        cells: folder of computed results, shared by all experiments.
        carry_out: see `edgewise.execution.choose.executor`.
        only: labels of policies to keep; if empty, all are kept.
        command: that makes all this again; if None, that of this process.

    Raises:
        EdgewiseError: in one line, for whatever is wrong with the experiment, the stored results or the folder.
        Interrupted: after Ctrl-C; the same command goes on.
    """
    plan = Plan.of(experiment, profile, only)  # before anything is made: what is wrong with it
    require_own_folder(Path(folder) / experiment.name)
    make_folder(Path(folder))
    [results] = compute_plans([plan], Store(Path(cells)), carry_out)
    return show_experiment(experiment, results, folder, command)


def show_experiment(experiment: Experiment, results: Results, folder: Path | str, command: str | None = None) -> Output:
    """Judge and draw what was computed, and write it into a folder of the experiment's name.

    Raises:
        EdgewiseError: if a file cannot be written.
    """
    output = experiment.output(results)
    write_output(Path(folder) / experiment.name, experiment, results, output, command or _this_command())
    return output


def _this_command() -> str:
    return shlex.join(["python", *sys.argv])
