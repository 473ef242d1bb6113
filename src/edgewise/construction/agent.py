"""The agent: modules in their places, integrated by the cloud into a signed folder, and how it makes a step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import make_folder, replace_file, told
from edgewise.common.plain import ADDED, check_keys, from_plain, to_plain
from edgewise.construction import artefact
from edgewise.construction.artefact import Module, Refused, read_limited
from edgewise.construction.keys import Key, verify
from edgewise.construction.kind import MODULES, NAMES, ManyAnswering, ModuleKind, Name, Weights

FORMAT = 1
"""Version of the layout of an agent's folder."""
LOCK_FILE = "lock.json"
PURPOSE = b"edgewise agent 1\n"
"""Begins everything that is signed as an agent."""


@dataclass(frozen=True)
class Lock:
    """What an agent is made of.

    Attributes:
        modules: digest of the module in each place.
        name: of the agent.
        acceptance: success of its acceptance test when it was integrated, in [0, 1].
        author: public key of the cloud, hexadecimal.
        digest: SHA-256 of everything but itself and the signature, hexadecimal: the agent's version.
        signature: the cloud's, of the digest, hexadecimal.
        further: digests of modules that answer together with a place's first one, see `kind.ModuleKind.joined`.
    """

    modules: dict[str, str]
    name: str = ""
    acceptance: float = 0.0
    author: str = ""
    digest: str = ""
    signature: str = field(default="", repr=False)
    further: dict[str, tuple[str, ...]] = field(default_factory=dict, metadata=ADDED)

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Digests of all modules, by place."""
        return {place: (first, *self.further.get(place, ())) for place, first in self.modules.items()}


@dataclass(frozen=True)
class Agent:
    """Modules in their places.

    Attributes:
        modules: by place, where several answer together the best of them; places may be empty, then plain rules stand in.
        lock: what the cloud has signed.
        further: modules that answer together with a place's first one.
    """

    modules: Mapping[Name, Module]
    lock: Lock
    further: Mapping[Name, tuple[Module, ...]] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Places without a module."""
        return tuple(name for name in NAMES if name not in self.modules)

    @property
    def message(self) -> str:
        """What a user must know of it, in one line; empty if nothing is missing."""
        if not self.missing:
            return ""
        return f"no module for {', '.join(self.missing)}: a plain rule stands in"

    def parts(self, place: Name) -> tuple[Module, ...]:
        """All modules of a place that has one."""
        return (self.modules[place], *self.further.get(place, ()))

    @cached_property
    def whole(self) -> dict[Name, tuple[ModuleKind, Weights]]:
        """By place, what answers there: a kind and its weights, joined where there are several modules."""
        return {place: together(self.parts(place)) for place in self.modules}

    @cached_property
    def answering(self) -> dict[str, ManyAnswering]:
        """Its modules at work, by place."""
        return {place: kind.load_many(weights) for place, (kind, weights) in self.whole.items()}

    @staticmethod
    def load(folder: Path, trusted: str | None = None) -> Agent:
        """An agent from its folder.

        Args:
            folder: that `write_agent` has written.
            trusted: public key of the cloud that must have signed it. If None, any may have.

        Raises:
            EdgewiseError: if a file cannot be read.
            Refused: if one was changed, is missing or signed by another.
        """
        names = _read_lock(read_limited(folder / LOCK_FILE)).parts().values()
        files = {name: read_limited(folder / _file(name)) for part in names for name in part if _is_digest(name)}
        return _whole(read_limited(folder / LOCK_FILE), files, trusted)


def integrate(
    modules: Iterable[Module], key: Key, name: str = "agent", acceptance: float = 0.0, further: Iterable[Module] = ()
) -> Agent:
    """An agent of modules, signed.

    Args:
        modules: one for a place at most.
        key: of the cloud.
        name: of the agent.
        acceptance: success of its acceptance test.
        further: modules that answer together with those, each of the kind of one of them.

    Raises:
        Refused: "integration", if two are of the same place, or one does not fit.
    """
    placed: dict[Name, Module] = {}
    for module in modules:
        place = _fitting(module)
        if place in placed:
            raise Refused("integration", f"two modules for {place}")
        placed[place] = module
    beside: dict[Name, tuple[Module, ...]] = {}
    for module in further:
        place = _fitting(module)
        beside[place] = (*beside.get(place, ()), module)
    ordered = {place: placed[place] for place in NAMES if place in placed}
    lock = Lock(
        {place: module.manifest.digest for place, module in ordered.items()},
        name,
        float(acceptance),
        key.public,
        further={place: tuple(each.manifest.digest for each in beside[place]) for place in NAMES if place in beside},
    )
    lock = replace(lock, digest=_digest(lock))
    lock = replace(lock, signature=key.sign(PURPOSE + bytes.fromhex(lock.digest)))
    return _checked(Agent(ordered, lock, beside))


def _fitting(module: Module) -> Name:
    """The place of a module that can be loaded.

    Raises:
        Refused: "integration", if it cannot.
    """
    kind = kind_of(module)
    try:
        kind.load(module.weights)
    except (EdgewiseError, KeyError, TypeError, ValueError) as error:
        raise Refused("integration", f"{kind.name}: cannot be loaded: {' '.join(str(error).split())[:200]}") from None
    return kind.name


def _checked(agent: Agent) -> Agent:
    """An agent in which the modules of each place can answer together.

    Raises:
        Refused: "integration", if some cannot.
    """
    for place in agent.further:
        if place not in agent.modules:
            raise Refused("integration", f"further modules for {place}, and no first one")
        together(agent.parts(place))
    return agent


def together(modules: Sequence[Module]) -> tuple[ModuleKind, Weights]:
    """Modules of one kind as one: a kind that answers for them, and its weights.

    Raises:
        Refused: "integration", if they are of several kinds or cannot be joined, or one is there twice.
    """
    kind = kind_of(modules[0])
    if len(modules) == 1:
        return kind, modules[0].weights
    name, digests = modules[0].manifest.kind, {each.manifest.digest for each in modules}
    if any(each.manifest.kind != name for each in modules) or len(digests) < len(modules):
        raise Refused("integration", f"modules for {kind.name} that answer together must be of one kind, each once")
    for each in modules[1:]:
        kind_of(each)
    try:
        found = kind.joined([each.weights for each in modules])
    except (EdgewiseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Refused("integration", f"{kind.name}: cannot be joined: {' '.join(str(error).split())[:200]}") from None
    if found is None:
        raise Refused("integration", f"modules of kind {name} cannot be joined")
    return found


def kind_of(module: Module) -> ModuleKind:
    """The kind of a module.

    Raises:
        Refused: "integration", if it is not installed, or its interface is another one.
    """
    manifest = module.manifest
    if manifest.kind not in MODULES.names():
        raise Refused("integration", f"kind = {manifest.kind[:80]!r}: must be one of {', '.join(MODULES.names())}")
    kind = MODULES.find(manifest.kind)
    if manifest.interface != kind.interface:
        raise Refused("integration", f"interface = {manifest.interface}: must be {kind.interface}")
    return kind


def write_agent(folder: Path, agent: Agent) -> None:
    """Write an agent's folder; its lock comes last, so that a folder with a lock is whole.

    Raises:
        EdgewiseError: if it cannot be written.
    """
    make_folder(folder)
    try:
        for place in agent.modules:
            for module in agent.parts(place):
                replace_file(folder / _file(module.manifest.digest), artefact.content(module))
        replace_file(folder / LOCK_FILE, _lock_bytes(agent.lock))
    except OSError as error:
        raise EdgewiseError(told(error)) from None


def _whole(lock_bytes: bytes, files: Mapping[str, bytes], trusted: str | None) -> Agent:
    lock = _read_lock(lock_bytes)
    if lock.digest != _digest(lock):
        raise Refused("digest", "the agent's lock is not what its digest says")
    if not verify(lock.author, lock.signature, PURPOSE + bytes.fromhex(lock.digest)):
        raise Refused("signature", "the agent is not signed by the cloud that it names")
    if trusted is not None and lock.author != trusted:
        raise Refused("author", "the agent is signed by another cloud than the trusted one")
    if any(place not in lock.modules for place in lock.further):
        raise Refused("malformed", "the agent's lock has further modules for a place without a first one")
    modules: dict[Name, Module] = {}
    further: dict[Name, tuple[Module, ...]] = {}
    for place, names in lock.parts().items():
        first, *others = [_named(place, name, files) for name in names]
        spot = kind_of(first).name
        modules[spot] = first
        if others:
            further[spot] = tuple(others)
    return _checked(Agent(modules, lock, further))


def _named(place: str, name: str, files: Mapping[str, bytes]) -> Module:
    """The module of a place that a lock names.

    Raises:
        Refused: if it is missing, or another one.
    """
    if name not in files:
        raise Refused("malformed", f"the module for {place[:80]} is missing")
    module = artefact.unpack(files[name])
    if module.manifest.digest != name or kind_of(module).name != place:
        raise Refused("digest", f"the module for {place[:80]} is another one than the lock says")
    return module


def _read_lock(content: bytes) -> Lock:
    try:
        values = check_keys("agent", json.loads(content), ("format", "lock"))
        if values["format"] != FORMAT:
            raise ConfigurationError("format", values["format"], str(FORMAT))
        return from_plain(Lock, values["lock"])
    except (ConfigurationError, RecursionError, ValueError) as error:
        raise Refused("malformed", f"the agent's lock: {' '.join(str(error).split())[:200]}") from None


def _lock_bytes(lock: Lock) -> bytes:
    return json.dumps({"format": FORMAT, "lock": to_plain(lock)}, indent=2).encode()


def _digest(lock: Lock) -> str:
    values = to_plain(replace(lock, acceptance=float(lock.acceptance), digest="", signature=""))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _is_digest(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _file(name: str) -> str:
    return f"{name}.module"


def answers(agent: Agent, place: Name, requests: Sequence[Mapping[str, Any]], rule: Any) -> list[dict[str, Any]]:
    """What the module of a place answers.

    Args:
        agent: whose.
        place: of the module.
        requests: of its kind's schema.
        rule: answers a request where there is no module.
    """
    if place not in agent.modules or not requests:
        return [rule(request) for request in requests]
    return agent.answering[place](requests)
