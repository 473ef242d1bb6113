"""`edgewise experiment PAPER NAME ...`."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from edgewise.common.files import make_folder
from edgewise.experiments.catalogue import FOLDER, find_paper


@dataclass(frozen=True)
class ExperimentOptions:
    """Make a paper's tables and figures again; `edgewise list` names them.

    What has been computed is kept and shared between experiments. A command that was stopped goes on when given again.

    Attributes:
        paper: whose experiments.
        names: tables and figures, or all.
        profile: what may be spent; for the papers, quick takes minutes, and paper the paper's environment steps and 10 seeds. If
            None, the first.
        only: policies to keep, by their names in the table. If empty, all are kept.
        workers: local processes, each with one job at a time; ray takes a cluster, one job per CPU (or GPU).
        ray_address: HOST:PORT of the cluster. If None, that of RAY_ADDRESS, or one of this machine, which is started if need be.
        out: folder of the output, one folder in it per experiment. If None, runs/experiments/PAPER/PROFILE.
        cells: folder of computed results.
        json: print the tables and verdicts as JSON.
    """

    paper: tyro.conf.Positional[str]
    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="NAME ...")] = ()
    profile: str | None = None
    only: Annotated[tuple[str, ...], tyro.conf.arg(metavar="POLICY ...")] = ()
    workers: int | Literal["ray"] = 1
    ray_address: str | None = None
    out: Path | None = None
    cells: Path = FOLDER
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(ExperimentOptions, args=words, prog="edgewise experiment")
    paper = find_paper(options.paper)
    paper.check(options.names)
    profile = paper.profile(options.profile or next(iter(paper.profiles)))
    from edgewise.execution.choose import executor
    from edgewise.experiments.experiment import Plan, compute_plans
    from edgewise.experiments.store import Store
    from edgewise.reports.folder import markdown, require_own_folder, small_print
    from edgewise.reports.make_experiment import show_experiment

    experiments = paper.find(options.names)
    carry = executor(options.workers, options.ray_address)
    plans = [Plan.of(experiment, profile, options.only) for experiment in experiments]
    out = options.out or FOLDER / options.paper / profile.name
    for experiment in experiments:
        require_own_folder(out / experiment.name)
    make_folder(out)
    # Of all at once: what several figures need is compiled and trained once, and every mistake is found before any work.
    found = compute_plans(plans, Store(options.cells), carry)
    shown = []
    for experiment, results in zip(experiments, found, strict=True):
        extra = ["--only", *options.only] if options.only else []
        command = ["edgewise", "experiment", options.paper, experiment.name, "--profile", profile.name, *extra]
        output = show_experiment(experiment, results, out, shlex.join(command))
        folder = out / experiment.name
        shown.append(
            {
                "experiment": experiment.name,
                "folder": str(folder),
                "table": output.table.to_dict("records"),
                "claims": [vars(claim) for claim in output.claims],
            }
        )
        if not options.json:
            claims = [f"{claim.verdict}: {claim.text} ({claim.evidence})" for claim in output.claims]
            claims = [*small_print(profile), *claims] if claims else []
            print("\n".join([experiment.title, "", markdown(output.table), "", *claims, f"written to {folder}", ""]))
    if options.json:
        print(json.dumps(shown))
    return 0
