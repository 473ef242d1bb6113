"""The models of a server by name, their versions, and their shadows. A version is replaced by another in one step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edgewise.common.errors import ConfigurationError
from edgewise.common.table import unknown
from edgewise.serving.logs import LOG
from edgewise.serving.measures import Measures
from edgewise.serving.models import Model, Source, load_model

KEPT = 3
"""Versions of a model that stay loaded, for a way back."""


@dataclass(frozen=True)
class State:
    """A model that may be loaded.

    Attributes:
        name: of the model.
        versions: digests of the policies that are loaded, the one that decides last.
        shadow: name of its shadow, or None.
    """

    name: str
    versions: tuple[str, ...]
    shadow: str | None

    @property
    def ready(self) -> bool:
        """Whether it decides."""
        return bool(self.versions)


class Repository:
    """Loaded models.

    Args:
        sources: what may be loaded; no request can name another place.
        warm: compiles what a model's questions need, before it decides.
        measures: where versions are told.
    """

    def __init__(
        self, sources: Iterable[Source], warm: Callable[[Model], None] | None = None, measures: Measures | None = None
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._warm = warm
        self._measures = measures
        self._versions: dict[str, tuple[Model, ...]] = {}
        self._shadows: dict[str, str] = {}
        self._loading = threading.Lock()

    @property
    def sources(self) -> dict[str, Source]:
        """What may be loaded."""
        return self._sources

    def load(self, name: str, version: str | None = None) -> Model:
        """Let a policy decide in the place of the one that does, as soon as it is loaded and warm.

        Args:
            name: of the model.
            version: digest, or the beginning of it, of a policy that is loaded, for a way back. If None, the policy that is
                in the model's folder now.

        Raises:
            ConfigurationError: if there is no such model or version.
            ArtefactError: if its files are missing or damaged; the one that decides goes on.
        """
        self._require(name)
        with self._loading:
            known = self._versions.get(name, ())
            model = self._fresh(name, known) if version is None else _of_version(known, version)
            rest = tuple(each for each in known if each.digest != model.digest)
            self._versions[name] = (*rest, model)[-KEPT:]
            self._tell(name, [each.digest for each in known], model.digest)
        LOG.info("loaded", model=name, policy=model.digest)
        return model

    def unload(self, name: str) -> None:
        """Let a model decide no more.

        Raises:
            ConfigurationError: if there is none of that name.
        """
        self._require(name)
        with self._loading:
            known = self._versions.pop(name, ())
            self._tell(name, [each.digest for each in known], None)
        LOG.info("unloaded", model=name)

    def set_shadow(self, name: str, shadow: str | None) -> None:
        """Let another model decide on the same questions, to be compared; it never answers. If None, none does.

        Raises:
            ConfigurationError: if there is no such model, or they are of different systems.
        """
        model = self.find(name)
        if shadow is None:
            self._shadows.pop(name, None)
            return
        other = self.find(shadow)
        if other.artefact.environment != model.artefact.environment or other.name == name:
            raise ConfigurationError("shadow", shadow, f"another model of {model.artefact.environment}")
        self._shadows[name] = shadow

    def shadow(self, name: str) -> Model | None:
        """The shadow of a model, if it has one that is loaded."""
        versions = self._versions.get(self._shadows.get(name, ""), ())
        return versions[-1] if versions else None

    def models(self) -> list[Model]:
        """Those that decide."""
        return [versions[-1] for versions in list(self._versions.values())]

    def states(self) -> list[State]:
        """Everything that may be loaded."""
        return [
            State(name, tuple(each.digest for each in self._versions.get(name, ())), self._shadows.get(name))
            for name in self._sources
        ]

    def find(self, name: str, version: str | None = None) -> Model:
        """A loaded model.

        Args:
            name: of the model.
            version: digest, or the beginning of it. If None, the policy that decides.

        Raises:
            ConfigurationError: if there is none.
        """
        known = self._versions.get(name)
        if not known:
            raise unknown("model", name, self._versions)
        return known[-1] if version is None else _of_version(known, version)

    def first_with_sessions(self) -> list[Model]:
        """Of each system that has sessions the first loaded model."""
        found: dict[str, Model] = {}
        for model in self.models():
            if model.service is not None:
                found.setdefault(model.artefact.environment, model)
        return list(found.values())

    def of_system(self, system: str) -> Model:
        """The first loaded model of a system with sessions.

        Raises:
            ConfigurationError: if there is none.
        """
        found = {model.artefact.environment: model for model in self.first_with_sessions()}
        if system not in found:
            raise unknown("system", system, found)
        return found[system]

    def _require(self, name: str) -> None:
        if name not in self._sources:
            raise unknown("model", name, self._sources)

    def _fresh(self, name: str, known: tuple[Model, ...]) -> Model:
        model = load_model(self._sources[name])
        same = [each for each in known if each.digest == model.digest]
        if same:
            return same[0]
        if self._warm is not None:
            self._warm(model)
        return model

    def _tell(self, name: str, before: Iterable[str], now: str | None) -> None:
        if self._measures is not None:
            for digest in before:
                self._measures.models.labels(name, digest).set(0)
            if now is not None:
                self._measures.models.labels(name, now).set(1)


def _of_version(known: Iterable[Model], version: str) -> Model:
    found = [each for each in known if version and each.digest.startswith(version)]
    if not found:
        raise unknown("version", version, [each.digest for each in known])
    return found[0]
