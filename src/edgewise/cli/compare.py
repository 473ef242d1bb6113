"""`edgewise compare RUN RUN ... [--with POLICY]`: learned policies, those that come with the system, and references."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from edgewise.cli.evaluate import chosen_episodes, played_words, show
from edgewise.common.by_products import check_image_name, plot_beside
from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import to_plain
from edgewise.environments.system import System
from edgewise.policies.folders import Which
from edgewise.reports.run_figures import comparison_figure
from edgewise.statistics.judgement import Judgement
from edgewise.training.judgement import judge_references, judge_saved, load_policies
from edgewise.training.sources import Candidate, Source, candidate, find_source, shipped_candidate

FIGURE = Path("comparison.png")


@dataclass(frozen=True)
class Compare:
    """Policies side by side on the same unseen episodes, with 95% intervals.

    Each run is played in its own environment. When those differ, there is a table for each of them: figures of different
    environments do not tell which policy is better.

    Attributes:
        runs: folders of runs, or of single policies.
        together: policies that come with the system to play in each environment, see edgewise list.
        episodes: episodes; every policy plays the same ones. If None, as many as the first run's own test.
        seed: randomness of the episodes. If None, that of the first run's own test.
        policy: the policy of a run's best evaluation, or its last one.
        against: reference policies to play in each environment; "all" takes every one.
        figure: file for the figure (PNG, PDF or SVG by its ending). If None, comparison.png in this folder; another user's
            file there is not replaced.
        json: print JSON.
    """

    runs: tyro.conf.Positional[tuple[str, ...]]
    together: Annotated[tuple[str, ...], tyro.conf.arg(name="with", metavar="NAME ...")] = ()
    episodes: int | None = None
    seed: int | None = None
    policy: Which = "best"
    against: tuple[str, ...] = ()
    figure: Path | None = None
    json: bool = False


@dataclass(frozen=True)
class Instance:
    """Policies to play in one environment.

    Attributes:
        config: the configuration of the environment.
        words: in what it differs from the others; empty if there are none.
        candidates: the policies.
    """

    config: Any
    words: str
    candidates: tuple[Candidate, ...]


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Compare, args=words, prog="edgewise compare")
    if not options.runs:
        raise ConfigurationError("runs", (), "at least one run folder")
    check_image_name("figure", options.figure)
    sources = [find_source(name) for name in options.runs]
    entry = _system(sources)
    episodes, seed = chosen_episodes(sources, options.episodes, options.seed)
    names = entry.choose_references(options.against) if options.against else ()
    also = [shipped_candidate(entry, name) for name in options.together]
    found = instances([(source.config, _learned(source, options.policy)) for source in sources], also, entry.forms)
    _check(entry, found)
    tables = [(instance, _judged(entry, instance, names, episodes, seed)) for instance in found]
    everything = [
        replace(row, name=f"{row.name} ({instance.words})" if instance.words else row.name)
        for instance, rows in tables
        for row in _ranked(entry, rows)
    ]

    def plot(path: Path) -> None:
        comparison_figure(everything, entry.headline, path, ranked=len(tables) == 1)

    if options.json:
        drawn = plot_beside(options.figure, FIGURE, plot)
        plain = [{**row.plain(), "environment": each.words} for each, rows in tables for row in rows]
        figure = drawn.path and str(drawn.path)
        print(json.dumps({"episodes": episodes, "seed": seed, "figure": figure, "policies": plain}))
    else:
        _show(entry, tables, f"{options.policy} policies, {played_words(episodes, seed)}")
        drawn = plot_beside(options.figure, FIGURE, plot)
    drawn.report(options.json)
    return 0


def _system(sources: Sequence[Source]) -> System:
    """The system of all of them."""
    for source in sources:
        if source.kind == "system":
            raise ConfigurationError("runs", source.name, "folders of runs or of policies")
    systems = {source.system.name for source in sources}
    if len(systems) > 1:
        raise ConfigurationError("runs", sorted(systems), "runs of one system")
    return sources[0].system


def _learned(source: Source, which: Which) -> Candidate:
    """The policy of a run or folder, called by both its learner and its folder."""
    found = candidate(source, which if source.kind == "run" else None)
    assert found is not None
    return replace(found, name=f"{found.name} {source.folder.name}")


def _show(entry: System, tables: Sequence[tuple[Instance, list[Judgement]]], title: str) -> None:
    if len(tables) > 1:
        print(
            "The runs are of different environments: one table for each, whose figures do not compare with the others'.\n"
        )
    for instance, rows in tables:
        show(entry, rows, f"{title}, played with {instance.words}" if instance.words else title)
    sys.stdout.flush()


def instances(
    learned: Sequence[tuple[Any, Candidate]], also: Sequence[Candidate] = (), forms: Sequence[str] = ()
) -> list[Instance]:
    """Policies by their environments, in the order of the first policy of each.

    Args:
        learned: configuration of the environment, and the policy that belongs to it.
        also: policies to play in every environment.
        forms: fields that make no other environment.
    """
    groups: list[tuple[dict[str, Any], Any, list[Candidate]]] = []
    for config, each in learned:
        plain = {name: value for name, value in to_plain(config).items() if name not in forms}
        group = next((members for known, _, members in groups if known == plain), None)
        if group is None:
            groups.append((plain, config, [each]))
        else:
            group.append(each)
    known = list(dict.fromkeys(name for plain, _, _ in groups for name in plain))
    differ = [name for name in known if any(plain.get(name) != groups[0][0].get(name) for plain, _, _ in groups)]
    return [
        Instance(config, ", ".join(f"{name} = {getattr(config, name)}" for name in differ), (*members, *also))
        for _, config, members in groups
    ]


def _check(entry: System, found: Sequence[Instance]) -> None:
    """Require every policy to fit its environment, before anything is played."""
    for instance in found:
        for each in instance.candidates:
            load_policies(each.folders, entry.build_evaluation(each.form(entry, instance.config)))


def _judged(entry: System, instance: Instance, references: Sequence[str], episodes: int, seed: int) -> list[Judgement]:
    learned = []
    for each in instance.candidates:
        environment = entry.build_evaluation(each.form(entry, instance.config))
        learned.append(judge_saved(each.name, each.folders, environment, episodes, seed))
    return learned + judge_references(entry, environment, references, episodes, seed)


def _ranked(entry: System, rows: Sequence[Judgement]) -> list[Judgement]:
    headline = entry.headline
    return sorted(rows, key=lambda row: headline.best_first(row.value(headline.metric)))
