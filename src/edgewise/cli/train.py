"""`edgewise train ENVIRONMENT [options]`, `edgewise train --resume RUN`."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from edgewise.algorithms.registry import ALGORITHMS, find_algorithm
from edgewise.environments import registry
from edgewise.environments.system import System
from edgewise.training.presets import default_configs
from edgewise.training.progress import progress_bar
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig, read_config

RUNS = Path("runs")


@dataclass(frozen=True)
class Common:
    """Where the run goes and what is printed.

    Attributes:
        name: name of the run; its folder is runs/ENVIRONMENT/ALGORITHM/NAME. None takes the date and time.
        folder: folder of the run, instead of the one that its name gives.
        report: write the report at the end.
        json: print the test result as JSON.
    """

    name: str | None = None
    folder: Path | None = None
    report: bool = True
    json: bool = False


@dataclass(frozen=True)
class Resume:
    """Go on with a run from its newest checkpoint; the result is that of the undisturbed run.

    Attributes:
        resume: folder of the run.
        report: write the report at the end.
        json: print the test result as JSON.
    """

    resume: Annotated[Path, tyro.conf.arg(metavar="RUN")]
    report: bool = True
    json: bool = False


def command_type(entry: System, algorithm: str) -> type[Any]:
    """The options of `edgewise train ENVIRONMENT --algorithm ALGORITHM` as a dataclass."""
    algorithm_config, training = default_configs(entry.name, algorithm)

    def part(default: Any) -> tuple[Any, Any]:
        return Annotated[type(default), tyro.conf.arg(name="")], field(default_factory=lambda: default)

    return dataclasses.make_dataclass(
        "Train",
        [
            ("algorithm", Literal[ALGORITHMS.names()], field(default=algorithm)),
            ("common", *part(Common())),
            ("training", *part(training)),
            ("algorithm_config", *part(algorithm_config)),
            ("environment_config", *part(entry.config())),
        ],
        frozen=True,
    )


def run(words: list[str]) -> int:
    """Carry the command out."""
    if any(word.split("=")[0] == "--resume" for word in words):
        resume = tyro.cli(Resume, args=words, prog="edgewise train")
        return _train(resume.resume, read_config(resume.resume), resume.report, resume.json)
    if not words or words[0].startswith("-"):
        names = ", ".join([*registry.names(), "gymnasium:ID", "envpool:ID"])
        print(
            f"usage: edgewise train ENVIRONMENT [options]\n       edgewise train --resume RUN\n\nenvironments: {names}"
        )
        return 0 if words and words[0] in ("-h", "--help") else 2
    entry = registry.find(words[0])
    options = tyro.cli(
        command_type(entry, _named_algorithm(words[1:], entry.default_algorithm)),
        args=words[1:],
        prog=f"edgewise train {entry.name}",
        description=entry.summary,
    )
    name = options.common.name or time.strftime("%Y%m%d-%H%M%S")
    folder = options.common.folder or RUNS / entry.name / options.algorithm / name
    system = entry.prepare(options.environment_config, folder)
    config = RunConfig(entry.name, system, options.algorithm, options.algorithm_config, options.training)
    return _train(folder, config, options.common.report, options.common.json)


def _named_algorithm(words: list[str], default: str) -> str:
    """The algorithm asked for, needed before the options can be known; the parser checks it again."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--algorithm="):
            return find_algorithm(word.partition("=")[2]).name
        if word == "--algorithm":
            return find_algorithm(following).name
    return default


def _train(folder: Path, config: RunConfig, report: bool, as_json: bool) -> int:
    training = config.training
    console = Console(stderr=True)
    console.print(f"{config.algorithm} on {config.environment}, run folder {folder}", soft_wrap=True)
    with progress_bar(config.algorithm, training.steps_done(training.evaluations), "steps") as progress:
        result = train(folder, config, progress)
    if as_json:
        print(json.dumps({"folder": str(folder), "test": result}))
    else:
        headline = registry.find(config.environment).headline
        means = result[headline.metric]["mean"]
        print(
            f"{headline.label} over {training.evaluation_episodes} test episodes: "
            f"{headline.text(sum(means) / len(means))} {headline.unit}"
        )
    if report:
        from edgewise.reports.run import write_report

        page = write_report(folder)
        if not as_json:
            print(f"report: {page}")
    sys.stdout.flush()
    return 0
