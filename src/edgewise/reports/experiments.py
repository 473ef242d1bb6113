"""The report of experiments: one self-contained HTML page from the folders that they have written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from edgewise.common.by_products import free_name, is_own_page
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file
from edgewise.experiments.claims import FAILS, HOLDS, UNDECIDED
from edgewise.experiments.results import Claim
from edgewise.reports.folder import FIGURE, budget_text, small_print
from edgewise.reports.page import embedded, render
from edgewise.reports.record import RECORD, Record, load_record

REPORT = "report.html"
COUNTED: dict[str, Callable[[int], str]] = {
    HOLDS: lambda count: f"{count} {'holds' if count == 1 else 'hold'}",
    FAILS: lambda count: f"{count} {'does' if count == 1 else 'do'} not hold",
    UNDECIDED: lambda count: f"{count} undecided",
}
"""So many claims with a verdict, in words."""


def experiment_folders(folder: Path) -> list[Path]:
    """Folders in or at `folder` that an experiment has written, figure 10 after figure 9."""
    found = [path.parent for path in folder.rglob(RECORD)]
    return sorted(found, key=lambda path: [(len(part), part) for part in re.findall(r"\d+|\D+", str(path))])


def write_experiment_report(folder: Path) -> Path:
    """Write `report.html` into a folder, on every experiment in it; `report-2.html` if a file of somebody else has that name.

    Returns:
        The path of the page.

    Raises:
        EdgewiseError: if a record or a figure cannot be read, or the page cannot be written.
    """
    folders = experiment_folders(folder)
    records = [load_record(each) for each in folders]
    claims = [claim for record in records for claim in record.claims]
    page = render(
        "experiments.html",
        name=folder.resolve().name,
        verdicts=_tally(claims),
        classes={HOLDS: "holds", FAILS: "fails", UNDECIDED: "undecided"},
        counted=COUNTED,
        experiments=[_values(each, record) for each, record in zip(folders, records, strict=True)],
    )
    path = free_name(folder / REPORT, is_own_page)
    try:
        replace_file(path, page.encode())
    except OSError as error:
        raise EdgewiseError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def _values(folder: Path, record: Record) -> dict[str, object]:
    total = sum(record.training_s.values())
    return {
        "record": record,
        "verdicts": {word: count for word, count in _tally(record.claims).items() if count},
        "figure": embedded(folder / f"{FIGURE}.png"),
        "small_print": small_print(record.profile) if record.claims else [],
        "spent": budget_text(record.profile, record.settings) if record.settings else "",
        "training": {label: _duration(seconds) for label, seconds in record.training_s.items()},
        "total": _duration(total),
    }


def _tally(claims: Sequence[Claim]) -> dict[str, int]:
    return {word: sum(claim.verdict == word for claim in claims) for word in (HOLDS, FAILS, UNDECIDED)}


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
