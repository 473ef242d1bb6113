"""`edgewise train SYSTEM [--from POLICY] [options]`, `edgewise train --config FILE [options]`, `edgewise train --resume RUN`."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from edgewise.algorithms.registry import ALGORITHMS, find_algorithm
from edgewise.cli.options import HELP, option, part, values
from edgewise.cli.words import listed
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.host.system import SOURCES
from edgewise.environments.system import System
from edgewise.training.claim import claimed, claimed_new

if TYPE_CHECKING:
    from edgewise.training.run_folder import RunConfig

RUNS = Path("runs")
USAGE = """\
usage: edgewise train SYSTEM [options]
       edgewise train SYSTEM --from POLICY [options]
       edgewise train --config FILE [options]
       edgewise train --resume RUN [--no-report] [--json]

Train a policy in a system, or go on with a run.

systems:
{systems}

options of every run:
  --algorithm NAME   which learner; each system has its own default
  --steps N          environment steps per seed
  --seeds N          independent learners, trained side by side
  --seed N           training randomness; the same seed gives the same policy
  --name NAME        of the run; its folder is runs/SYSTEM/ALGORITHM/NAME
  --folder FOLDER    of the run, instead of the one that its name gives
  --config FILE      start from the config.yaml of another run; options that are
                     given too have precedence
  --from POLICY      start with the weights of a policy: one that comes with the
                     system, or the folder of a run or of a policy
  --resume RUN       go on with a run from its newest checkpoint
  --no-report        write no report at the end
  --json             print the test result as JSON

edgewise train SYSTEM --help tells every option of a system, of its learner and
of training, with units and defaults; add --algorithm NAME for another learner.
"""


@dataclass(frozen=True)
class Common:
    """Where the run goes and what is printed.

    Attributes:
        name: name of the run; its folder is runs/SYSTEM/ALGORITHM/NAME. If None, the date and time, and a number
            if several runs begin in the same second.
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

    resume: Path
    report: bool = True
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    if option(words, "--resume") is not None:
        return _resume(words)
    source = option(words, "--config")
    origin = option(words, "--from")
    named = bool(words) and not words[0].startswith("-")
    if source is None and not named:
        print(usage(), end="")
        return 0 if words and words[0] in HELP else 2
    defaults = _defaults(words, words[0] if named else None, source, origin)
    entry = registry.find(defaults.environment)
    common, config = parse(entry, defaults, words[named:], f"train {entry.name}" if named else "train")
    from edgewise.training.run_folder import folder_name, require_same

    with _own_folder(common, RUNS / folder_name(entry.name) / config.algorithm) as folder:
        require_same(folder, config)  # before files of the environment are made ready in it
        config = dataclasses.replace(config, environment_config=entry.prepare(config.environment_config, folder))
        return _train(folder, config, common.report, common.json)


def _own_folder(common: Common, parent: Path) -> AbstractContextManager[Path]:
    """The folder of a new run, kept to this process; without a name one that no other run has."""
    if common.folder is None and common.name is None:
        return claimed_new(parent, time.strftime("%Y%m%d-%H%M%S"))
    return claimed(common.folder or parent / str(common.name))


def usage() -> str:
    """The text of `edgewise train --help`."""
    systems = {system.name: system.summary for system in registry.SYSTEMS.items()}
    systems |= {f"{source}:ID": f"any environment of {source}" for source in SOURCES}
    return USAGE.format(systems=listed(systems))


def fitting(entry: System) -> tuple[str, ...]:
    """The algorithms that learn in the action space of a system; all, if that depends on its environment."""
    kind = "game" if entry.several_agents else entry.actions
    kinds = {kind, *entry.views}
    return tuple(each.name for each in ALGORITHMS.items() if kind is None or kinds & set(each.actions))


def command_type(entry: System, defaults: RunConfig) -> type[Any]:
    """The options of `edgewise train SYSTEM --algorithm ALGORITHM` as a dataclass."""
    import tyro

    return dataclasses.make_dataclass(
        "Train",
        [
            ("algorithm", Literal[fitting(entry)], field(default=defaults.algorithm)),
            ("config", Annotated[Path | None, tyro.conf.arg(metavar="FILE")], field(default=None)),
            ("origin", Annotated[str | None, tyro.conf.arg(name="from", metavar="POLICY")], field(default=None)),
            part("run", Common()),
            part("training", defaults.training),
            part("learner", defaults.algorithm_config),
            part("system", defaults.environment_config),
        ],
        frozen=True,
        namespace={
            "__doc__": f"""{entry.summary}

            Attributes:
                algorithm: which learner.
                config: config.yaml of another run, to start from; options that are given too have precedence.
                origin: a policy whose weights the learners start with: the name of one that comes with the system, the
                    folder of a policy, or that of a run, whose best policy of its first seed is meant. Learner,
                    architecture and form of the observations follow it unless they are given too. If None, they start
                    afresh.
            """
        },
    )


def parse(entry: System, defaults: RunConfig, words: Sequence[str], command: str) -> tuple[Common, RunConfig]:
    """Where the run goes, and what it is, from words.

    Raises:
        ConfigurationError: for a value that is not allowed.
        SystemExit: after help, or for words that are no options; the parser has reported them.
    """
    import tyro

    from edgewise.training.run_folder import RunConfig

    options: Any = tyro.cli(
        command_type(entry, defaults), args=words, prog=f"edgewise {command}", description=entry.summary
    )
    system = type(defaults.environment_config)(**values(options.system))
    learner = type(defaults.algorithm_config)(**values(options.learner))
    training = type(defaults.training)(**values(options.training))
    return Common(**values(options.run)), RunConfig(
        entry.name, system, options.algorithm, learner, training, defaults.origin
    )


def _defaults(words: list[str], name: str | None, source: str | None, origin: str | None) -> RunConfig:
    """What the run is unless further options say otherwise: another run's configuration, or that of system and algorithm."""
    asked = option(words, "--algorithm")
    if origin is not None and name is not None:
        from edgewise.training.fine_tuning import learner_of

        asked = asked or learner_of(registry.find(name), origin)
    if source is not None:
        from edgewise.training.run_folder import read_config_file

        if not source:
            raise ConfigurationError("config", source, "the config.yaml of a run")
        config = read_config_file(Path(source))
        if name is not None and name != config.environment:
            raise ConfigurationError("system", name, f"{config.environment}, as in {source}")
        if asked is not None and asked != config.algorithm:
            raise ConfigurationError("algorithm", asked, f"{config.algorithm}, as in {source}")
        from edgewise.training.fine_tuning import following, with_kept_origin

        return following(config, origin) if origin is not None else with_kept_origin(config, Path(source).parent)
    entry = registry.find(str(name))
    chosen = find_algorithm(asked if asked is not None else entry.default_algorithm)
    if chosen.name not in fitting(entry):
        raise ConfigurationError("algorithm", chosen.name, f"one that fits {entry.name}: {', '.join(fitting(entry))}")
    from edgewise.training.presets import default_configs
    from edgewise.training.run_folder import RunConfig

    algorithm_config, training = default_configs(entry.name, chosen.name)
    system = entry.config(**entry.view_for(chosen.actions))
    config = RunConfig(entry.name, system, chosen.name, algorithm_config, training)
    if origin is None:
        return config
    from edgewise.training.fine_tuning import following

    return following(config, origin)


def _resume(words: list[str]) -> int:
    import tyro

    from edgewise.training.run_folder import read_config

    options = tyro.cli(Resume, args=words, prog="edgewise train")
    config = read_config(options.resume)
    with claimed(options.resume):
        return _train(options.resume, config, options.report, options.json)


def _train(folder: Path, config: RunConfig, report: bool, as_json: bool) -> int:
    from edgewise.common.progress import progress_bar
    from edgewise.statistics.judgement import of_seeds
    from edgewise.training.run import train_claimed

    training = config.training
    print(f"{config.algorithm} on {config.environment}, run folder {folder}", file=sys.stderr)
    with progress_bar(config.algorithm, training.steps_done(training.evaluations), "steps") as progress:
        result = train_claimed(folder, config, progress)
    if as_json:
        print(json.dumps({"folder": str(folder), "test": result}))
    else:
        entry = registry.find(config.environment)
        headline, many = entry.headline, entry.played(config.environment_config)
        reached = headline.text(of_seeds(result[headline.metric]["mean"]))
        episodes = f"{training.evaluation_episodes} test episodes of seed {training.test_seed}"
        print(f"{headline.label} over {episodes}{f' on {many}' if many else ''}: {reached} {headline.unit}")
    if report:
        from edgewise.reports.run import write_report

        page = write_report(folder)
        if not as_json:
            print(f"report: {page}")
    sys.stdout.flush()
    return 0
