"""What the folder of an experiment keeps of it beside figure and data: all that a page needs."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from dataclasses import dataclass
from pathlib import Path

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import replace_file, told
from edgewise.common.plain import from_plain, to_plain
from edgewise.experiments.experiment import Experiment
from edgewise.experiments.profile import Profile
from edgewise.experiments.results import Claim, Output, Results
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.store import machine

RECORD = "experiment.json"
METHOD = (
    "Figures are interquartile means over seeds for learners, and means over the same test episodes for other policies, with "
    "95% stratified bootstrap intervals."
)
PACKAGES = ("edgewise", "jax", "equinox", "optax", "flashbax", "numpy", "scipy")


@dataclass(frozen=True)
class Record:
    """An experiment and what came out of it.

    Attributes:
        name, title: of the experiment.
        command: that makes it again.
        profile: what was spent.
        settings, learners, references: what was compared.
        trained_in: setting that all learners were trained in; None if they were trained anew in each.
        training_s: wall time, s, of all training of a learner, its seeds side by side.
        columns, rows: the table.
        claims, notes: on it.
        method: how figures were aggregated.
        software: versions.
        code: digests of the library's code that results were made by.
        machine: that drew the figure.
        computed_on: machines that computed the results, as far as that was noted.
    """

    name: str
    title: str
    command: str
    profile: Profile
    settings: tuple[Setting, ...]
    learners: tuple[Learner, ...]
    references: tuple[str, ...]
    trained_in: str | None
    training_s: dict[str, float]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    claims: tuple[Claim, ...]
    notes: tuple[str, ...]
    method: str
    software: dict[str, str]
    code: tuple[str, ...]
    machine: str
    computed_on: tuple[str, ...] = ()


def make_record(experiment: Experiment, results: Results, output: Output, command: str) -> Record:
    """The record of an experiment, without the players that were left out."""
    shown = {outcome.label for outcome in results}
    return Record(
        name=experiment.name,
        title=experiment.title,
        command=command,
        profile=results.profile,
        settings=experiment.settings,
        learners=tuple(learner for learner in experiment.learners if learner.label in shown),
        references=tuple(name for name in (*experiment.references, *experiment.besides) if name in shown),
        trained_in=None if experiment.trained_in is None else experiment.trained_in.label,
        training_s=_training_seconds(results),
        columns=tuple(str(column) for column in output.table.columns),
        rows=tuple(tuple(str(value) for value in row) for row in output.table.to_numpy(object)),
        claims=output.claims,
        notes=output.notes,
        method=METHOD,
        software=software(),
        code=results.code,
        machine=machine(),
        computed_on=results.machines,
    )


def save_record(folder: Path, record: Record) -> None:
    """Write the record as JSON."""
    replace_file(folder / RECORD, json.dumps(to_plain(record), indent=2).encode())


def load_record(folder: Path) -> Record:
    """Read the record of a folder.

    Raises:
        EdgewiseError: if it is damaged, or of a version with other fields.
    """
    path = folder / RECORD
    try:
        return from_plain(Record, json.loads(path.read_text()))
    except ConfigurationError as error:
        raise EdgewiseError(f"{path}: {error}; give the experiment's command again") from None
    except OSError as error:
        raise EdgewiseError(told(error)) from None
    except ValueError:
        raise EdgewiseError(f"{path}: is damaged: no JSON; give the experiment's command again") from None


def software() -> dict[str, str]:
    """Versions of what determines results."""
    return {"Python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}


def _training_seconds(results: Results) -> dict[str, float]:
    """A run that was evaluated in several settings counts once."""
    runs = {(o.label, o.folder): float(o.result.curve["wall_s"].max()) for o in results if o.learned}
    total: dict[str, float] = {}
    for (label, _), seconds in runs.items():
        total[label] = total.get(label, 0.0) + seconds
    return total
