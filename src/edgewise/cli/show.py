"""`edgewise show RUN|POLICY|SYSTEM`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from edgewise.cli.played import Instance, parse_source
from edgewise.common.errors import ConfigurationError, EdgewiseError, NothingToShow, check_integer
from edgewise.environments.system import System
from edgewise.training.sources import Candidate, Source, candidate

PAGE = "episode.html"


@dataclass(frozen=True)
class Options:
    """What is shown.

    Attributes:
        policy: "best" or "last" of a run, a policy that comes with the system, or one of its reference policies. If None, the
            best of a run, the first policy that comes with a system, or the system's rule.
        learner: training seed of the run's policy.
        seed: randomness of the episode.
        against: the rule beside it, a reference policy; "none" for none. If None, the rule that the system names.
        start: first step that is shown.
        steps: most steps that are shown.
        group: of drawn instances of several sizes, the place of the size that is played.
        output: the page. If None, episode.html in the folder of the run, else in this folder; a file there that edgewise has not
            written is not replaced.
    """

    policy: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    learner: int = 0
    seed: int = 0
    against: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    start: int = 0
    steps: int = 100
    group: int = 0
    output: Path | None = None


@dataclass(frozen=True)
class Show:
    """Replay an episode, and write it as one HTML page with a time slider, which needs nothing else to be looked at.

    The page shows what the policy does step by step, and its headline metric beside that of a reference rule in the same episode.
    The environment is that of the run or of the policy, or the system's default one, but for the options of the system that
    are given too: edgewise show SOURCE --help tells them.

    Attributes:
        source: folder of a run or of a policy, or a system whose own policy or reference is meant.
        options: what is shown.
    """

    source: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN|POLICY|SYSTEM")]
    options: Annotated[Options, tyro.conf.arg(name=""), tyro.conf.OmitArgPrefixes] = Options()


def run(words: list[str]) -> int:
    """Carry the command out."""
    options, source, instance = parse_source(words, "edgewise show", Show, ("shown", Options()))
    check_integer("seed", options.seed, 0, 2**32 - 1)
    check_integer("start", options.start, 0)
    check_integer("steps", options.steps, 1)
    if options.output is not None and options.output.suffix not in (".html", ".htm"):
        raise ConfigurationError("output", str(options.output), "a file name that ends in .html")
    if not source.system.draws:
        raise NothingToShow("source", source.name, "of a system with scenes: this one draws nothing")
    from rich.console import Console

    with Console(stderr=True).status(f"playing an episode of {source.system.name}"):
        page = _page(options, source, instance)
    path = options.output or _usual_name(source)
    _write(path, page)
    print(path)
    return 0


def _page(options: Options, source: Source, instance: Instance) -> str:
    from edgewise.environments.moments import show
    from edgewise.policies.learned import LearnedPolicy
    from edgewise.reports.episode import play
    from edgewise.reports.replay import replay_page
    from edgewise.training.saved import load_learned

    entry = source.system
    chosen, name = _chosen(options, source)
    config = instance.config if chosen is None else chosen.form(entry, instance.config)
    environment = entry.build_evaluation(config)
    _check_group(options.group, environment)
    if chosen is None:
        policy: Any = entry.references(environment, (name,))[name]
    else:
        check_integer("learner", options.learner, 0, len(chosen.folders) - 1)
        policy = LearnedPolicy(load_learned(chosen.folders[options.learner], environment))
    moments = play(entry, environment, policy, options.seed, name, options.group)
    check_integer("start", options.start, 0, moments.count - 1)
    rule = _rule(options, entry, environment, name)
    if rule:
        beside = entry.references(environment, (rule,))[rule]
        moments = moments.beside(rule, play(entry, environment, beside, options.seed, rule, options.group))
    end = min(options.start + options.steps, moments.count)
    scenes = show(entry, environment, moments.part(0, end))[options.start :]
    played = f"{name}, episode of seed {options.seed}" + (f", beside {rule} in the same episode" if rule else "")
    played += f", played with {instance.words}" if instance.changes else ""
    return replay_page(f"{name} on {entry.name}", played, scenes)


def _chosen(options: Options, source: Source) -> tuple[Candidate | None, str]:
    """The learned policy that is meant and its name; None with the name of a reference policy."""
    entry = source.system
    references = entry.reference_names
    if options.policy in references and options.policy not in entry.shipped:
        return None, str(options.policy)
    known = (*entry.shipped, *references)
    if source.kind == "system" and options.policy is not None and options.policy not in known:
        raise ConfigurationError("policy", options.policy, f"one of {', '.join(known)}")
    chosen = candidate(source, options.policy)
    if chosen is None:
        return None, entry.rule or references[0]
    return chosen, chosen.name


def _rule(options: Options, entry: System, environment: Any, name: str) -> str:
    """The rule to be put beside the policy; empty for none."""
    rule = entry.rule if options.against is None else options.against
    if rule in ("", "none", name):
        return ""
    if options.against is not None:
        return entry.choose_references((rule,))[0]
    try:
        entry.references(environment, (rule,))
    except EdgewiseError:
        return ""  # it refuses a system of this size
    return rule


def _check_group(group: int, environment: Any) -> None:
    from edgewise.environments.instances import InstanceGroups

    groups = len(environment.groups) if isinstance(environment, InstanceGroups) else 1
    check_integer("group", group, 0, groups - 1)


def _usual_name(source: Source) -> Path:
    from edgewise.common.by_products import free_name, is_own_page

    return free_name(source.folder / PAGE if source.kind == "run" else Path(PAGE), is_own_page)


def _write(path: Path, page: str) -> None:
    from edgewise.common.files import make_folder, replace_file

    make_folder(path.parent)
    replace_file(path, page.encode())
