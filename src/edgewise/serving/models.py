"""The policies that a server loads, by the names that requests call them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import from_plain
from edgewise.environments import registry
from edgewise.environments.service import Service
from edgewise.environments.system import System
from edgewise.policies.artefact import PolicyArtefact, load_policy
from edgewise.policies.description_file import DESCRIPTION_FILE, read_description_file
from edgewise.policies.folders import policy_folder
from edgewise.serving.actor import Actor

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Source:
    """A policy that can be loaded.

    Attributes:
        name: by which requests call it.
        folder: of the policy.
    """

    name: str
    folder: Path


@dataclass(frozen=True)
class Model:
    """A loaded policy.

    Attributes:
        name: by which requests call it.
        folder: from which it was loaded.
        digest: of its description and weights: its version.
        artefact: the policy.
        system: that it decides in; None if that is not installed.
        service: the system at work; None if it has no sessions.
        actor: the policy to be asked.
    """

    name: str
    folder: Path
    digest: str
    artefact: PolicyArtefact
    system: System | None
    service: Service | None
    actor: Actor


def find_sources(models: Sequence[str]) -> list[Source]:
    """The policies that are meant, see `Settings.models`.

    Raises:
        EdgewiseError: if one does not exist, or two have the same name.
    """
    found = [_find(each) for each in models] if models else _shipped()
    names = [source.name for source in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError("models", name, "names that differ: give one another name by NAME=MODEL")
    return found


def load_model(source: Source) -> Model:
    """Read a policy and check it.

    Raises:
        ArtefactError: if its files are missing or damaged.
    """
    digest = read_description_file(source.folder)["sha256"]
    artefact = load_policy(source.folder)
    actor = Actor(artefact.policy)
    if artefact.environment not in registry.names():
        return Model(source.name, source.folder, digest, artefact, None, None, actor)
    system = registry.find(artefact.environment)
    config = from_plain(system.config, artefact.environment_config)
    return Model(source.name, source.folder, digest, artefact, system, system.service(config), actor)


def _shipped() -> list[Source]:
    systems = [system for system in registry.SYSTEMS.items() if system.shipped]
    return [Source(system.name, next(iter(system.shipped.values()))) for system in systems]


def _find(words: str) -> Source:
    name, equals, place = words.partition("=")
    if not equals:
        name, place = "", words
    folder = _folder(place)
    name = name or (place.split("/")[0] if _is_system(place) else Path(place).resolve().name)
    if not NAME.fullmatch(name):
        allowed = "letters, digits, dots, dashes and underscores, 64 at most; NAME=MODEL gives a model another name"
        raise ConfigurationError("models", name, allowed)
    return Source(name, folder)


def _is_system(place: str) -> bool:
    return not Path(place).exists() and place.split("/")[0] in registry.names()


def _folder(place: str) -> Path:
    path = Path(place)
    for folder in (path, policy_folder(path, "best", 0)):
        if (folder / DESCRIPTION_FILE).is_file():
            return folder
    if _is_system(place):
        system, _, policy = place.partition("/")
        entry = registry.find(system)
        return entry.shipped_folder(policy or next(iter(entry.shipped), ""))
    raise EdgewiseError(
        f"{place}: must be the folder of a run or of a policy of one agent, or a system with a policy: "
        f"{', '.join(system.name for system in registry.SYSTEMS.items() if system.shipped)}"
    )
