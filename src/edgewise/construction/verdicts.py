"""Verdicts on deliveries: checks in a fixed order, each with a name, and an agent of what passes them.

Every check is a function of bytes and of what the cloud server holds; none runs anything that came with a delivery but the
arithmetic of a registered kind on checked arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgewise.common.errors import EdgewiseError
from edgewise.construction.acceptance import successes
from edgewise.construction.agent import Agent, integrate, kind_of
from edgewise.construction.artefact import LIMIT, Module, Refused, describe, pack, unpack
from edgewise.construction.joining import best_together
from edgewise.construction.keys import Key, make_key
from edgewise.construction.kind import MODULES, Data, ModuleKind, Name, Weights
from edgewise.construction.origin import Begin, check_begin

ACCEPTED = "accepted"
VERDICTS = {
    "oversized": "more bytes than may come",
    "malformed": "no file of a module",
    "manifest": "a manifest of another form",
    "digest": "the content is not what its digest says",
    "signature": "not signed by the author that it names",
    "author": "signed by another than who delivers it",
    "replayed": "built for another order, begun from its initial weights, or delivered before",
    "kind": "of another kind, interface or schema than was ordered",
    "rounds": "a log of fewer rounds than were promised",
    "weights": "arrays of other names, shapes or types than its kind has",
    "size": "larger than a module of its kind can be",
    "untrained": "acts as the initial weights do",
    "copy": "acts as a module that another server delivered earlier, or was begun from another's initial weights",
    "quality": "measured quality below what the promised rounds give, but for chance",
    "integration": "does not fit into an agent",
    "acceptance": "makes the agent worse than the untrained module does",
    ACCEPTED: "is paid",
}
"""What each verdict means, in the order of the checks."""
SPARE = 2**20
"""Bytes that manifest and log may have beside the weights."""
SAME = 0.05
"""Distance of two modules, against the way that they have come from the initial weights, below which they are taken for one:
honest modules of different servers are several times farther from each other, copies with small changes are nearer."""
MOVED = 1e-3
"""Mean change of outputs from those of the initial weights below which a module has not been trained."""
DEVIATIONS = 2.0
"""Deviations of paired tasks by which an agent may do worse by chance."""
Test = Callable[[Agent, Sequence[Any]], np.ndarray]
"""Which tasks [n] an agent does."""


@dataclass(frozen=True)
class Wanted:
    """What was ordered.

    Attributes:
        author: public key of the edge server.
        order: name of the order.
        kind: name under which the module's kind is registered.
        rounds: T that were promised.
        begin: seed of the initial weights that were sent for it. If None, they are those that are held for the kind.
    """

    author: str
    order: str
    kind: str
    rounds: int
    begin: int | None = None


@dataclass(frozen=True)
class Held:
    """What the cloud server holds for a kind.

    Attributes:
        hidden: examples on which quality is measured; they never leave it.
        probe: examples on which modules are compared.
        initial: weights of a module that has not been trained.
        least: quality that a module of so many rounds has, but for chance, see `curve.Curve.least`.
        delivered: digests of modules that were delivered before.
        earlier: outputs on the probe of other servers' modules, delivered before, by author.
        limit: bytes that a delivery may have.
        begun: initial weights of all orders, where each has its own.
    """

    hidden: Data = field(repr=False)
    probe: Data = field(repr=False)
    initial: Weights = field(repr=False)
    least: Callable[[int], float]
    delivered: Collection[str] = ()
    earlier: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict, repr=False)
    limit: int = LIMIT
    begun: Sequence[Begin] = ()


@dataclass(frozen=True)
class Examined:
    """A delivery after the checks that look at it alone, or at it beside others.

    Attributes:
        wanted: what was ordered.
        verdict: "accepted" as yet, or the name of the check that it has not passed.
        why: in words.
        module: None if it could not be read.
        quality: measured; None if it was not measured.
        outputs: on the probe; None if it was not run.
    """

    wanted: Wanted
    verdict: str = ACCEPTED
    why: str = ""
    module: Module | None = field(default=None, repr=False)
    quality: float | None = None
    outputs: np.ndarray | None = field(default=None, repr=False)


def examine(content: bytes, wanted: Wanted, held: Held) -> Examined:
    """The checks of a delivery up to its quality, in their order.

    Args:
        content: from anyone.
        wanted: what was ordered.
        held: for the kind that was ordered.
    """
    found = Examined(wanted)
    try:
        module = unpack(content, held.limit)
        check_origin(module, wanted, held.delivered)
        kind = MODULES.find(wanted.kind)
        check_kind(module, wanted, kind)
        check_size(content, module, held.initial)
        found = replace(found, module=module)
        outputs = kind.respond(module.weights, held.probe)
        initial = held.initial if wanted.begin is None else kind.initial(wanted.begin)
        check_own(outputs, kind.respond(initial, held.probe), held.earlier, wanted.author)
        if wanted.begin is not None:
            check_begin(module.weights, kind, wanted.begin, wanted.order, wanted.author, held.begun)
        found = replace(found, outputs=outputs, quality=kind.evaluate(module.weights, held.hidden))
        check_quality(found.quality or 0.0, wanted.rounds, held.least)
    except Refused as refused:
        return replace(found, verdict=refused.verdict, why=refused.why)
    return found


def check_origin(module: Module, wanted: Wanted, delivered: Collection[str]) -> None:
    """Whose it is, and that it is new.

    Raises:
        Refused: "author" or "replayed".
    """
    if module.manifest.author != wanted.author:
        raise Refused("author", "is signed by another than the edge server that delivers it")
    if module.manifest.order != wanted.order:
        raise Refused("replayed", "was built for another order")
    if module.manifest.digest in delivered:
        raise Refused("replayed", "was delivered before")


def check_kind(module: Module, wanted: Wanted, kind: ModuleKind) -> None:
    """That it is what was ordered, with a log and arrays of the right form.

    Raises:
        Refused: "kind", "rounds" or "weights".
    """
    manifest = module.manifest
    if manifest.kind != wanted.kind:
        raise Refused("kind", f"is a {manifest.kind[:80]}: must be a {wanted.kind}")
    if manifest.interface != kind.interface:
        raise Refused("kind", f"interface = {manifest.interface}: must be {kind.interface}")
    if (manifest.inputs, manifest.outputs) != (kind.inputs, kind.outputs):
        raise Refused("kind", "has other schemas than its kind")
    if len(manifest.rounds) < wanted.rounds:
        raise Refused("rounds", f"logs {len(manifest.rounds)} rounds: must be {wanted.rounds}")
    try:
        kind.load(module.weights)
    except (EdgewiseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("weights", " ".join(str(error).split())[:300]) from None


def check_size(content: bytes, module: Module, initial: Weights) -> None:
    """That it holds no more than weights, manifest and log.

    Raises:
        Refused: "size".
    """
    most = sum(array.nbytes for array in initial.values()) + SPARE + 256 * len(module.manifest.rounds)
    if len(content) > most:
        raise Refused("size", f"has {len(content)} bytes: must have {most} at most")


def check_own(outputs: np.ndarray, start: np.ndarray, earlier: Mapping[str, Sequence[np.ndarray]], author: str) -> None:
    """That it is the author's own work.

    Args:
        outputs: of the module on the probe.
        start: of the initial weights.
        earlier: of others' modules, by author.
        author: of the module.

    Raises:
        Refused: "weights" for outputs that are no numbers; "untrained" or "copy".
    """
    if not np.isfinite(outputs).all():
        raise Refused("weights", "gives outputs that are not finite")
    moved = float(np.abs(outputs - start).mean())
    if moved < MOVED:
        raise Refused("untrained", f"differs from the initial weights by {moved:.1e} on the mean: must be {MOVED:g}")
    for other, several in earlier.items():
        for theirs in several if other != author else ():
            apart = distance(outputs, theirs, start)
            if apart < SAME:
                raise Refused("copy", f"acts as the module of {other[:16]} does: distance {apart:.3f}")


def distance(one: np.ndarray, other: np.ndarray, start: np.ndarray) -> float:
    """Distance of two modules' outputs, against the shorter of their ways from the outputs they have both begun with."""
    way = min(float(np.linalg.norm(one - start)), float(np.linalg.norm(other - start)))
    return float(np.linalg.norm(one - other)) / max(way, 1e-12)


def check_quality(quality: float, rounds: int, least: Callable[[int], float]) -> None:
    """That it has what the promised rounds give.

    Raises:
        Refused: "quality".
    """
    must = least(rounds)
    if quality < must:
        raise Refused("quality", f"{quality:.3f} measured: must be {must:.3f} after {rounds} rounds")


def examine_all(deliveries: Sequence[tuple[bytes, Wanted]], held: Mapping[str, Held]) -> list[Examined]:
    """Examine deliveries in the order in which they came: of two that act alike, the first is the author's.

    Args:
        deliveries: contents and what was ordered.
        held: by kind.
    """
    outputs: dict[str, dict[str, list[np.ndarray]]] = {
        kind: {author: list(several) for author, several in each.earlier.items()} for kind, each in held.items()
    }
    digests = {kind: set(each.delivered) for kind, each in held.items()}
    found = []
    for content, wanted in deliveries:
        seen = replace(held[wanted.kind], earlier=outputs[wanted.kind], delivered=digests[wanted.kind])
        one = examine(content, wanted, seen)
        if one.module is not None:
            digests[wanted.kind].add(one.module.manifest.digest)
        if one.outputs is not None:
            outputs[wanted.kind].setdefault(wanted.author, []).append(one.outputs)
        found.append(one)
    return found


def integrate_best(
    examined: Sequence[Examined],
    held: Mapping[str, Held],
    tasks: Sequence[Any],
    key: Key,
    name: str = "agent",
    test: Test = successes,
) -> tuple[list[Examined], Agent]:
    """Integrate the best module of each place, and test the agent with each module against it with the untrained one.

    Further modules of its kind that have passed join it where they make it better, see `joining.best_together`. Verdicts are on
    each module by itself, among the best of the other places.

    A module that is refused here is replaced by the next best one of its place. Modules that pass and are not the best of
    their place are tested in it too: they have kept their promise.

    Args:
        examined: see `examine_all`.
        held: by kind.
        tasks: of the acceptance test.
        key: of the cloud server, which signs the agent.
        name: of the agent.
        test: tells which of the tasks an agent does.

    Returns:
        The deliveries with their last verdicts, and the agent; places may be empty.
    """
    test = remembered(test)
    found = list(examined)
    untrained: dict[tuple[str, ...], np.ndarray] = {}
    order = sorted(range(len(found)), key=lambda place: -(found[place].quality or 0.0))
    team: dict[Name, Module] = {}
    for place in order:
        module = found[place].module
        if found[place].verdict == ACCEPTED and module is not None:
            try:
                team.setdefault(kind_of(module).name, module)
            except Refused as refused:
                found[place] = replace(found[place], verdict=refused.verdict, why=refused.why)
    for place in order:
        if found[place].verdict != ACCEPTED:
            continue
        module = found[place].module
        assert module is not None
        spot = kind_of(module).name
        others = [each for where, each in team.items() if where != spot]
        try:
            check_acceptance(module, others, held[found[place].wanted.kind], tasks, untrained, test)
        except Refused as refused:
            found[place] = replace(found[place], verdict=refused.verdict, why=refused.why)
            if team.get(spot) is module:
                del team[spot]
                following = next((found[each].module for each in order if _may_follow(found[each], spot)), None)
                if following is not None:
                    team[spot] = following
    further = _further(team, [found[place] for place in order], held)
    success = float(test(integrate(team.values(), key, name, further=further), tasks).mean())
    return found, integrate(team.values(), key, name, success, further)


def _further(team: Mapping[Name, Module], examined: Sequence[Examined], held: Mapping[str, Held]) -> list[Module]:
    """Modules that answer together with those of a team.

    Args:
        team: the best module of each place.
        examined: the best first.
        held: by kind.
    """
    found: list[Module] = []
    for spot, best in team.items():
        kind = best.manifest.kind
        several = [each for each in examined if _may_follow(each, spot) and each.wanted.kind == kind]
        modules = [each.module for each in several if each.module is not None]
        found += best_together(modules, [each.quality or 0.0 for each in several], held[kind].hidden)[1:]
    return found


def remembered(test: Test) -> Test:
    """A test on the same tasks, which is made once of agents of the same modules."""
    known: dict[tuple[tuple[str, ...], ...], np.ndarray] = {}

    def tested(agent: Agent, tasks: Sequence[Any]) -> np.ndarray:
        modules = tuple(sorted(agent.lock.parts().values()))
        if modules not in known:
            known[modules] = test(agent, tasks)
        return known[modules]

    return tested


def _may_follow(examined: Examined, spot: Name) -> bool:
    return examined.verdict == ACCEPTED and examined.module is not None and kind_of(examined.module).name == spot


def check_acceptance(
    module: Module,
    others: Sequence[Module],
    held: Held,
    tasks: Sequence[Any],
    untrained: dict[tuple[str, ...], np.ndarray],
    test: Test = successes,
) -> None:
    """That the agent with it loads, and does no worse than with the untrained module in its place, but for chance.

    Args:
        module: under test.
        others: of the agent's other places.
        held: for its kind.
        tasks: of the acceptance test.
        untrained: what was found of the untrained module among the same others; filled on the way.
        test: tells which of the tasks an agent does.

    Raises:
        Refused: "integration" or "acceptance".
    """
    key = make_key()
    manifest = module.manifest
    kind = kind_of(module)
    among = (manifest.kind, *sorted(each.manifest.digest for each in others))
    try:
        got = test(integrate([*others, module], key), tasks)
        if among not in untrained:
            start = unpack(pack(describe(manifest.kind, kind, 0), held.initial, key))
            untrained[among] = test(integrate([*others, start], key), tasks)
    except Refused:
        raise
    except (EdgewiseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Refused("integration", f"the agent fails with it: {' '.join(str(error).split())[:200]}") from None
    lost = float(np.mean(untrained[among]) - np.mean(got))
    chance = DEVIATIONS * float(np.sqrt(np.sum(untrained[among] != got))) / len(tasks)
    if lost > chance:
        raise Refused("acceptance", f"the agent does {lost:.1%} fewer tasks than with the untrained module")
