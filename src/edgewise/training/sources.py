"""Where learned policies are found: in a run, in the folder of a policy, or with a system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import from_plain
from edgewise.common.yaml_files import read_yaml
from edgewise.environments import registry
from edgewise.environments.host.system import is_host
from edgewise.environments.system import System
from edgewise.policies.description_file import DESCRIPTION_FILE, read_description_file
from edgewise.policies.folders import Which, policy_folder
from edgewise.training.inside import located
from edgewise.training.run_folder import CONFIG_FILE, require_run

Kind = Literal["run", "policy", "system"]


@dataclass(frozen=True)
class Source:
    """What a user names to use a policy of it.

    Attributes:
        name: as given: a folder, or the name of a system.
        kind: what it is.
        system: the system of its policies.
        values: the environment's configuration in plain values; fields that are absent have their defaults.
    """

    name: str
    kind: Kind
    system: System
    values: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """The folder of a run or of a policy."""
        return Path(self.name)

    @property
    def config(self) -> Any:
        """The configuration of the environment to which the source belongs; of a system its defaults.

        Raises:
            EdgewiseError: if a field is unknown or not allowed.
        """
        try:
            return from_plain(self.system.config, dict(self.values))
        except ConfigurationError as error:
            raise EdgewiseError(f"{self.name}: {error}") from None


@dataclass(frozen=True)
class Candidate:
    """A learned policy to be judged, of one or several training seeds.

    Attributes:
        name: as tables show it.
        folders: the policy of each seed.
        trained_in: plain configuration of the environment that it was trained in.
    """

    name: str
    folders: tuple[Path, ...]
    trained_in: Mapping[str, Any]

    def digests(self) -> list[str]:
        """The digest of each policy; those of its agents in a game."""
        return [read_description_file(path)["sha256"] for folder in self.folders for path in policy_files(folder)]

    def form(self, system: System, config: Any) -> Any:
        """The same environment with observations of the form that the policy takes."""
        known = {field.name: field.default for field in fields(system.config)}
        return replace(config, **{name: self.trained_in.get(name, known[name]) for name in system.forms})


def find_source(name: str) -> Source:
    """What a name stands for: a folder that holds a run or a policy, or else a system.

    Raises:
        EdgewiseError: if it is nothing of these, or a file of it is damaged.
    """
    folder = Path(name)
    if (folder / CONFIG_FILE).is_file():
        return _of_run(name)
    if policy_files(folder):
        return _of_policy(name)
    if is_host(name) or name in registry.names():
        return Source(name, "system", registry.find(name), {})
    several = sorted(path.parent.name for path in folder.glob(f"*/{DESCRIPTION_FILE}"))
    if several:
        raise EdgewiseError(f"{name}: holds several policies: name one of {', '.join(several)} in it")
    raise EdgewiseError(
        f"{name}: is neither the folder of a run, with {CONFIG_FILE}, nor that of a policy, with {DESCRIPTION_FILE}, nor a "
        f"system: {', '.join(registry.names())}"
    )


def policy_files(folder: Path) -> list[Path]:
    """The folders with the description files of one policy: its own, or those of the agents of a game."""
    if (folder / DESCRIPTION_FILE).is_file():
        return [folder]
    agents = sorted(path.parent for path in folder.glob(f"*/{DESCRIPTION_FILE}"))
    return [path for path in agents if read_description_file(path)["agent"] is not None]


def candidate(source: Source, policy: str | None) -> Candidate | None:
    """The policy that is meant.

    Args:
        source: where.
        policy: of a run "best" or "last", its best if None; of a system one that comes with it, the first if None. The
            name of a policy that comes with the system may stand beside any source.

    Returns:
        None for a system with which no policy comes, if no policy is named.

    Raises:
        EdgewiseError: if there is no such policy.
    """
    shipped = source.system.shipped
    if source.kind == "system":
        if policy is None:
            return shipped_candidate(source.system, next(iter(shipped))) if shipped else None
        return shipped_candidate(source.system, policy)
    if policy in shipped:
        return shipped_candidate(source.system, str(policy))
    whiches = get_args(Which)
    if policy is not None and (source.kind == "policy" or policy not in whiches):
        allowed = (*(whiches if source.kind == "run" else ()), *shipped)
        words = " or ".join([*allowed, *(["left out: the folder holds one policy"] if source.kind == "policy" else [])])
        raise ConfigurationError("policy", policy, words)
    if source.kind == "policy":
        description = read_description_file(policy_files(source.folder)[0])
        return Candidate(description["algorithm"], (source.folder,), description["environment_config"])
    config = require_run(source.folder)
    which: Which = "last" if policy == "last" else "best"
    folders = tuple(policy_folder(source.folder, which, seed) for seed in range(config.training.seeds))
    first = policy_files(folders[0])
    trained_in = read_description_file(first[0])["environment_config"] if first else {}
    return Candidate(config.algorithm, folders, trained_in)


def origin_folder(system: System, name: str) -> Path:
    """The folder of the policy that a run is to start with.

    Args:
        system: the system of the run.
        name: the name of a policy that comes with it, the folder of a policy, or that of a run, whose best policy of its
            first seed is meant.

    Raises:
        EdgewiseError: if there is no such policy, or it is one of another system.
    """
    if name in system.shipped:
        return system.shipped_folder(name)
    source = find_source(name) if Path(name).exists() else None
    if source is None or source.kind == "system":
        allowed = ", ".join([*system.shipped, "the folder of a run or of a policy"])
        raise ConfigurationError("from", name, f"one of {allowed}" if system.shipped else allowed)
    if source.system.name != system.name:
        raise ConfigurationError("from", name, f"a policy of {system.name}; it is one of {source.system.name}")
    found = candidate(source, None)
    assert found is not None
    return found.folders[0]


def shipped_candidate(system: System, name: str) -> Candidate:
    """A policy that comes with a system.

    Raises:
        EdgewiseError: if there is none of that name, or its files are damaged.
    """
    folder = system.shipped_folder(name)
    return Candidate(name, (folder,), read_description_file(folder)["environment_config"])


def _of_run(name: str) -> Source:
    path = Path(name) / CONFIG_FILE
    values = read_yaml(path)
    name_of = values.get("environment") if isinstance(values, dict) else None
    if not isinstance(name_of, str):
        raise EdgewiseError(f"{path}: environment = {name_of!r}: must be a name")
    try:
        system = registry.find(name_of)
    except ConfigurationError as error:
        raise EdgewiseError(f"{path}: {error}") from None
    return Source(name, "run", system, located(values.get("environment_config", {}), Path(name)))


def _of_policy(name: str) -> Source:
    folder = policy_files(Path(name))[0]
    description = read_description_file(folder)
    try:
        system = registry.find(description["environment"])
    except ConfigurationError as error:
        raise EdgewiseError(f"{folder / DESCRIPTION_FILE}: {error}") from None
    run = next((each for each in Path(name).resolve().parents if (each / CONFIG_FILE).is_file()), Path(name))
    return Source(name, "policy", system, located(description["environment_config"], run))
