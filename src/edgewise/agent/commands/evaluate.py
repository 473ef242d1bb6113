"""`edgewise agent evaluate`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from edgewise.agent.agents import Maker, Setting, make_modules, read_options
from edgewise.agent.conduct import Conduct, Limits
from edgewise.agent.evaluate import Trial, as_json, by_kind, evaluate, evaluate_forced, figures, latencies
from edgewise.agent.labels import labelled_folder
from edgewise.agent.measures import Episode
from edgewise.agent.phone.faults import read_faults
from edgewise.agent.refusals import Refusal, recognition_figures, recognitions, refusal_figures, refusals
from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.common.files import replace_file
from edgewise.common.terminal import print_table
from edgewise.statistics.estimates import Estimate

TOLD = {
    "success": "tasks whose goal was reached, nothing else changed",
    "decisions": "DA, whole actions as good as the oracle's",
    "reflections": "RA, identical pictures among them",
    "asked": "RA, of the module alone",
    "plans": "PA",
    "false_claims": "said to be done, and was not",
    "steps": "actions over the oracle's, where it succeeded",
    "redundant": "looks again though it was done, a task",
    "calls": "calls a task",
    "tokens": "tokens a task",
    "money": "money a task",
}
"""Figures, and what they are."""
MINIWOB = "miniwob"
REFUSED = {
    "refused": "says that it cannot be done, or is not sure, and has changed nothing",
    "claimed": "says that it is done",
    "changed": "has changed what the apps hold",
}
"""Figures of tasks that cannot be done."""
RECOGNISED = {
    "recognised": "has seen that it is fulfilled and says so, and has changed nothing",
    "denied": "says that it cannot be done, or is not sure",
    "undone": "has changed what the apps hold",
}
"""Figures of tasks that are fulfilled at the start."""
JUDGED = ("decisions", "asked", "plans")
"""Figures on the oracle's states."""


@dataclass(frozen=True)
class Evaluate:
    """Judge an agent's modules on tasks of the simulated phone, or runs on a real phone that a person has labelled.

    Attributes:
        suite: of tasks: simple (one app, few steps), complex (several apps, something to remember, many steps) or long (two or
            three complex ones) on the simulated phone, or miniwob (pages in Chromium, extra `miniwob`).
        kinds: of tasks. If empty, all of the suite.
        modules: trained, rules, oracle, random, vlm, a name that a package has made known, or an agent's folder.
        option: of the back end, as NAME=VALUE; may be given several times.
        episodes: tasks of every kind.
        seed: of the first of them.
        language: of the apps. If None, drawn.
        unseen: names, texts and looks that are kept for tests.
        tree: whether the tree of elements may be used.
        forced: also judge on the oracle's states, where errors do not add up.
        impossible: tasks that cannot be done instead: what they name is not on the phone, or no app does such a thing.
        fulfilled: tasks that are fulfilled at the start instead, of the simple suite: to be looked up, and left as they are.
        faults: what goes wrong, as NAME[=CHANCE][@FIRST[-LAST]] separated by commas; see `edgewise phone simulate --help`.
        max_steps: budget of a task.
        labels: folder of trajectories with labels by a person; nothing is run then.
        json: file for figures and episodes.
    """

    suite: Literal["simple", "complex", "long", "miniwob"] = "simple"
    kinds: tuple[str, ...] = ()
    modules: Annotated[str, tyro.conf.arg(metavar="NAME|FOLDER")] = "rules"
    option: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    episodes: int = 1
    seed: int = 0
    language: Literal["en", "de", "es", "fr"] | None = None
    unseen: bool = True
    tree: bool = True
    forced: bool = False
    impossible: bool = False
    fulfilled: bool = False
    faults: str = ""
    max_steps: int = 40
    labels: Path | None = None
    json: Path | None = None

    def check(self) -> None:
        """Require what goes together.

        Raises:
            ConfigurationError: naming the option.
        """
        check_integer("episodes", self.episodes, 1)
        check_integer("seed", self.seed, 0)
        check_integer("max_steps", self.max_steps, 1)
        others = self.impossible or self.fulfilled
        if self.suite == MINIWOB and (self.faults or self.forced or self.language or others):
            raise ConfigurationError(
                "faults, forced, language, impossible, fulfilled", "given", "left out for pages of MiniWoB++"
            )
        if self.impossible and self.fulfilled:
            raise ConfigurationError("impossible, fulfilled", "both", "one of them")


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Evaluate, args=words, prog="edgewise agent evaluate")
    options.check()
    if options.labels is not None:
        kept = labelled_folder(options.labels)
        _report(options, f"labelled by a person, {options.labels}", kept, [])
        return 0
    make = partial(_made, options.modules)
    if options.suite == MINIWOB:
        _report(options, f"{options.modules} on pages of MiniWoB++", _on_pages(options, make), [])
        return 0
    trial = Trial(
        options.suite,
        options.episodes,
        options.seed,
        options.language,
        options.unseen,
        read_faults(options.faults),
        Conduct(Limits(steps=options.max_steps), tree=options.tree, late_s=0.0),
        read_options(options.option),
        options.kinds,
    )
    if options.impossible:
        found = refusals(make, trial)
        _report_ends(options, "tasks that cannot be done", found, refusal_figures(found), REFUSED)
        return 0
    if options.fulfilled:
        found = recognitions(make, trial)
        _report_ends(options, "tasks that are fulfilled at the start", found, recognition_figures(found), RECOGNISED)
        return 0
    episodes = evaluate(make, trial, _tell)
    judged = evaluate_forced(make, trial) if options.forced and options.modules != "oracle" else []
    _report(options, f"{options.modules} on {options.suite} tasks of the simulated phone", episodes, judged)
    return 0


def _on_pages(options: Evaluate, make: Maker) -> Sequence[Episode]:
    from edgewise.agent.miniwob.evaluate import CONDUCT, evaluate_miniwob
    from edgewise.agent.miniwob.tasks import TASKS

    limits = replace(CONDUCT.limits, steps=options.max_steps)
    conduct = replace(CONDUCT, limits=limits, tree=options.tree)
    seeds = range(options.seed, options.seed + options.episodes)
    return evaluate_miniwob(make, options.kinds or TASKS, seeds, conduct, _tell)


def _made(name: str, setting: Setting) -> Any:
    return make_modules(name, setting)


def _tell(episode: Episode) -> None:
    result = "done" if episode.succeeded else f"not done ({episode.reason})"
    print(f"{episode.kind}, seed {episode.seed}: {result}, {episode.actions} actions", file=sys.stderr)


def _report(options: Evaluate, title: str, episodes: Sequence[Episode], judged: Sequence[Episode]) -> None:
    found, forced, times = figures(episodes), figures(judged) if judged else {}, latencies(episodes)
    rows = [[name, each.text(3), TOLD[name]] for name, each in found.items()]
    rows += [[f"{name}, oracle's states", forced[name].text(3), TOLD[name]] for name in JUDGED if name in forced]
    print_table(f"{title}: {len(episodes)} tasks", ("figure", "value", "what"), rows, words=("what",))
    kinds = [
        [kind, *("-" if value != value else f"{value:.2f}" for value in row.values())]
        for kind, row in by_kind(episodes).items()
    ]
    print_table("by kind of task", ("kind", "success", "DA", "RA", "RA asked", "PA"), kinds)
    spent = [[place, f"{each['median_ms']:.2f}", f"{each['p95_ms']:.2f}"] for place, each in times.items()]
    print_table("time of a call, ms", ("module", "median", "p95"), spent)
    if options.json is not None:
        content = {
            "what": title,
            "labelled": options.labels is not None,
            "modules": options.modules,
            "suite": options.suite,
            "tasks": len(episodes),
            "seed": options.seed,
            "unseen": options.unseen,
            "tree": options.tree,
            "faults": options.faults,
            "figures": as_json(found),
            "forced": {name: value for name, value in as_json(forced).items() if name in JUDGED},
            "kinds": by_kind(episodes),
            "latency": times,
            "episodes": [each.model_dump(exclude={"latency"}) for each in episodes],
        }
        replace_file(options.json, (json.dumps(_known(content), indent=1) + "\n").encode())
        print(options.json)


def _report_ends(
    options: Evaluate, what: str, found: Sequence[Refusal], figures: Mapping[str, Estimate], told: Mapping[str, str]
) -> None:
    rows = [[name, each.text(3), told[name]] for name, each in figures.items()]
    title = f"{options.modules} on {len(found)} {what}"
    print_table(title, ("figure", "value", "what"), rows, words=("what",))
    ends = Counter(each.reason for each in found)
    print_table("ends", ("reason", "tasks"), [[reason, str(count)] for reason, count in ends.most_common()])
    if options.json is not None:
        content = {
            "what": title,
            "figures": as_json(figures),
            "ends": dict(ends),
            "tasks": [each.model_dump() for each in found],
        }
        replace_file(options.json, (json.dumps(_known(content), indent=1) + "\n").encode())
        print(options.json)


def _known(content: Any) -> Any:
    """Content of JSON, in which what is not a number is null."""
    if isinstance(content, dict):
        return {key: _known(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_known(each) for each in content]
    return None if isinstance(content, float) and content != content else content
