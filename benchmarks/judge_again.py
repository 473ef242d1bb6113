"""Tables and figures of an experiment judged again without training.

Learners are judged by their kept means per seed (`seeds.csv` of the experiment's folder), reference policies and bounds are
played again: so a table takes today's statistics and further reference policies in a minute. What a folder does not keep stays
as it was: minutes are copied, and the way to a baseline is read off the interquartile means in `--curves`, the folder of the
learning curves, whose own figure cannot be made again, as curves per seed are not kept.

Run: python benchmarks/judge_again.py d2sac table3 table5 fig6 --results results/d2sac --curves results/d2sac/fig5
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from edgewise.common.errors import EdgewiseError
from edgewise.common.plain import to_plain
from edgewise.execution.local import serial
from edgewise.experiments.catalogue import FOLDER, find_paper
from edgewise.experiments.cell import CellResult, Learned, Planned
from edgewise.experiments.compute import Computed, compute
from edgewise.experiments.experiment import Experiment, Plan
from edgewise.experiments.results import Output, Results
from edgewise.experiments.setting import Learner
from edgewise.experiments.store import Store
from edgewise.reports.folder import write_output
from edgewise.reports.record import Record, load_record

COPIED = ("training, min", "min to baseline")
"""Columns whose figures no folder keeps in another form."""
CLOSE = 1e-3
"""Of a figure: by how much the six digits of `seeds.csv` may move it."""


def judge_again(experiment: Experiment, folder: Path, curves: Path, store: Store) -> tuple[Results, Output]:
    """The results of a folder, with reference policies played again, and what they show."""
    record = load_record(folder)
    known = {learner.label: learner for learner in record.learners}
    for learner in experiment.learners:
        if learner.label not in known or _spent(learner) != _spent(known[learner.label]):
            raise EdgewiseError(f"{folder}: {learner.label} had other settings: train it again")
    plan = Plan.of(experiment, record.profile)
    played = compute([each.cell for each in plan.cells if not isinstance(each.cell.player, Learned)], store, serial)
    kept = {
        each.cell.address: _kept(each, record, folder, curves)
        for each in plan.cells
        if isinstance(each.cell.player, Learned)
    }
    results = plan.gather(Computed({**played.cells, **kept}, {}), store)
    output = experiment.output(results)
    return results, replace(output, table=_copied(output.table, record), notes=(*output.notes, _note(folder)))


def _spent(learner: Learner) -> str:
    """What determines a learner; where it is shown does not."""
    return json.dumps(to_plain(replace(learner, at={}, group="")))


def _kept(planned: Planned, record: Record, folder: Path, curves: Path) -> CellResult:
    """What the folder keeps of a learner; its one curve is the interquartile mean over seeds, its time spread evenly."""
    seeds = pd.read_csv(folder / "seeds.csv", dtype={"setting": str})
    mine = seeds[(seeds["setting"] == planned.setting.label) & (seeds["policy"] == planned.label)]
    if len(mine) != record.profile.seeds:
        raise EdgewiseError(f"{folder}: {planned.label} in {planned.setting.label}: is not kept: train it")
    curve = pd.read_csv(curves / "data.csv").query("policy == @planned.label").reset_index(drop=True)
    count = range(1, len(curve) + 1)
    wall = [record.training_s[planned.label] * number / len(curve) for number in count]
    told = {"evaluation": count, "steps": curve["steps"], "seed": 0, "wall_s": wall, "return": curve["value"]}
    episodes = mine.drop(columns=["setting", "policy"]).assign(episode=0)
    return CellResult(episodes, pd.DataFrame(told), " ".join(record.code), " and ".join(record.computed_on))


def _copied(table: pd.DataFrame, record: Record) -> pd.DataFrame:
    before = pd.DataFrame(record.rows, columns=list(record.columns)).set_index("policy")
    columns = [column for column in COPIED if column in table]
    again = table.set_index("policy")
    for column in columns:
        again[column] = before[column].reindex(again.index).fillna("")
    return again.reset_index()


def _note(folder: Path) -> str:
    return (
        f"Reference policies were played again by `python benchmarks/judge_again.py {folder.parent.name} {folder.name}`, and all "
        "is judged by today's statistics. Learners were not trained again: they are judged by their means per seed in "
        "`seeds.csv`, and their minutes are those of their training."
    )


def compare(before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Print which figures moved by more than rounding."""
    words = [name for name in before.columns if name in after.columns and name not in ("value", "low", "high", "paper")]
    both = before.merge(after, on=words, suffixes=(" before", " now"))
    for name in ("value", "low", "high"):
        one, two = both[f"{name} before"], both[f"{name} now"]
        moved = (one - two).abs() > CLOSE * one.abs().clip(lower=1)
        for _, row in both[moved].iterrows():
            what = ", ".join(str(row[word]) for word in words)
            print(f"  {what}: {name} {row[f'{name} before']:.3f} -> {row[f'{name} now']:.3f}")


def main() -> None:
    """Judge the named experiments again, in their folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paper")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="default: where the results are")
    parser.add_argument("--cells", type=Path, default=FOLDER)
    options = parser.parse_args()
    for experiment in find_paper(options.paper).find(options.names):
        folder = options.results / experiment.name
        command, before = load_record(folder).command, pd.read_csv(folder / "data.csv")
        results, output = judge_again(experiment, folder, options.curves, Store(options.cells))
        print(experiment.name)
        compare(before, output.data)
        write_output((options.out or options.results) / experiment.name, experiment, results, output, command)


if __name__ == "__main__":
    main()
