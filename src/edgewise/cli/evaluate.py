"""`edgewise evaluate RUN|POLICY_FOLDER|SYSTEM [system options]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from edgewise.cli.played import Instance, parse_source
from edgewise.common.errors import check_integer
from edgewise.common.terminal import number, print_table
from edgewise.environments.system import System
from edgewise.training.config import TrainingConfig
from edgewise.training.sources import Candidate, Source, candidate

if TYPE_CHECKING:
    from edgewise.statistics.judgement import Judgement


@dataclass(frozen=True)
class Options:
    """What is played.

    Attributes:
        policy: of a run "best", the policy of the best evaluation, or "last"; or a policy that comes with the system, see
            edgewise list. If None, the best of a run, and the first that comes with a system.
        episodes: episodes; every policy plays the same ones. If None, as many as the run's own test.
        seed: randomness of the episodes. If None, that of the run's own test, which neither training nor the choice of the
            best policy has used: the learned policy gets the figures of test.json.
        against: reference policies to play beside it; "all" are all of them. If None, the usual ones.
        stochastic: sample actions instead of acting deterministically.
        decisions: file of a server's decisions (edgewise decisions export): no episodes are played; the policy is asked again
            what was asked then, and how often it agrees is told.
        pictures: folder for pictures of an episode with their data, such as a map. If None, none are drawn.
        json: print JSON.
    """

    policy: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    episodes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    against: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NAME ...")] = None
    stochastic: bool = False
    decisions: Path | None = None
    pictures: Path | None = None
    json: bool = False


@dataclass(frozen=True)
class Evaluate:
    """Evaluate policies on episodes that neither training nor model selection has seen, in any environment of a system.

    The environment is that of the run or of the policy, or the system's default one, but for the options of the system that
    are given too: edgewise evaluate SOURCE --help tells them.

    Attributes:
        source: folder of a run or of a policy, or a system whose own policy is meant.
        options: what is played.
    """

    source: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="SOURCE")]
    options: Annotated[Options, tyro.conf.arg(name=""), tyro.conf.OmitArgPrefixes] = Options()


def run(words: list[str]) -> int:
    """Carry the command out."""
    options, source, instance = parse(words)
    entry = source.system
    chosen = candidate(source, options.policy)
    if options.decisions is not None:
        from edgewise.cli.agreement import show_agreement

        return show_agreement(chosen, options.decisions, options.json)
    names = entry.choose_references(options.against)
    episodes, seed = chosen_episodes([source], options.episodes, options.seed)

    from edgewise.training.judgement import judge_references, judge_saved

    config = instance.config if chosen is None else chosen.form(entry, instance.config)
    environment = entry.build_evaluation(config)
    learned = (
        []
        if chosen is None
        else [judge_saved(chosen.name, chosen.folders, environment, episodes, seed, options.stochastic)]
    )
    rows = [*learned, *judge_references(entry, environment, names, episodes, seed)]
    if options.json:
        digests = [] if chosen is None else chosen.digests()
        facts = {
            "system": entry.name,
            "changes": instance.changes,
            "episodes": episodes,
            "seed": seed,
            "sha256": digests,
        }
        print(json.dumps({**facts, "policies": [row.plain() for row in rows]}))
    else:
        show(entry, rows, _title(source, options, chosen, instance, played_words(episodes, seed)))
    if options.pictures is not None and chosen is not None:
        _draw(options.pictures, entry, environment, chosen, rows, seed)
    return 0


def _draw(
    folder: Path, entry: System, environment: Any, chosen: Candidate, rows: Sequence[Judgement], seed: int
) -> None:
    """Write pictures of an episode, and say on standard error where they are."""
    from edgewise.common.files import make_folder
    from edgewise.drawing.picture import save_picture
    from edgewise.policies.learned import LearnedPolicy
    from edgewise.training.saved import load_learned

    policy = LearnedPolicy(load_learned(chosen.folders[0], environment))
    pictures = entry.pictures(environment, policy, rows, seed)
    if not pictures:
        print(f"{entry.name} has no pictures", file=sys.stderr)
    make_folder(folder)
    for picture in pictures:
        print(save_picture(picture, folder), file=sys.stderr)


def _title(source: Source, options: Options, chosen: Candidate | None, instance: Instance, played: str) -> str:
    if chosen is None:
        which = "references"
    elif source.kind == "run" and options.policy in (None, "best", "last"):
        which = f"{options.policy or 'best'} policy"
    else:
        which = f"policy {chosen.name}"
    many = source.system.played(instance.config)
    on = f", on {many}" if many else ""
    return f"{which}, {played}{on}" + (f", played with {instance.words}" if instance.changes else "")


def parse(words: Sequence[str]) -> tuple[Options, Source, Instance]:
    """The options, what they are of, and the environment to play in; see `parse_source`."""
    return parse_source(words, "edgewise evaluate", Evaluate, ("evaluation", Options()))


def chosen_episodes(sources: Sequence[Source], episodes: int | None, seed: int | None) -> tuple[int, int]:
    """How many episodes are played, and their randomness: what was asked for, or else those of the first run's own test.

    Raises:
        EdgewiseError: if that is not allowed, or the configuration of the run cannot be read.
    """
    if episodes is not None:
        check_integer("episodes", episodes, 2)
    if seed is not None:
        check_integer("seed", seed, 0, 2**32 - 1)
    own = own_test(next((source for source in sources if source.kind == "run"), None))
    return own[0] if episodes is None else episodes, own[1] if seed is None else seed


def own_test(source: Source | None) -> tuple[int, int]:
    """Episodes and seed of a run's own test; the usual ones without a run."""
    if source is None:
        return TrainingConfig.evaluation_episodes, TrainingConfig.test_seed
    from edgewise.training.run_folder import require_run

    training = require_run(source.folder).training
    return training.evaluation_episodes, training.test_seed


def played_words(episodes: int, seed: int) -> str:
    """The episodes that policies played, in words."""
    return f"{episodes} episodes of seed {seed}"


def show(entry: System, rows: Sequence[Judgement], played: str) -> None:
    """Print judgements as a table, best first.

    Args:
        entry: the system.
        rows: the judgements.
        played: what was played, in words.
    """
    headline = entry.headline
    print(f"{headline.label}, {headline.unit}: {played}")
    others = [name for name in ("return", *entry.columns) if name != headline.metric]
    cells = []
    for row in sorted(rows, key=lambda row: headline.best_first(row.value(headline.metric))):
        e = row.estimate(headline.metric)
        interval = f"{headline.text(e.low)} .. {headline.text(e.high)}"
        seeds = "" if row.reference else str(row.values["return"].shape[0])
        told = [number(row.value(name), 2) for name in others]
        cells.append([row.name, headline.text(e.value), interval, seeds, *told])
    columns = ["policy", headline.metric, "95% interval", "seeds", *others]
    print_table(
        "Over several seeds their interquartile mean, else the mean of the episodes; other columns per step, return per episode.",
        [name.replace("_", "\n") for name in columns],
        cells,
        words=("95% interval",),
    )
