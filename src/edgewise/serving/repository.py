"""The models of a server, by name."""

from __future__ import annotations

from collections.abc import Iterable

from edgewise.common.table import unknown
from edgewise.serving.models import Model, Source, load_model


class Repository:
    """Loaded models.

    Args:
        sources: what may be loaded; no request can name another place.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.name: source for source in sources}
        self._models: dict[str, Model] = {}

    @property
    def sources(self) -> dict[str, Source]:
        """What may be loaded."""
        return self._sources

    def load(self, name: str) -> Model:
        """Load a model, again if it is loaded.

        Raises:
            ConfigurationError: if there is none of that name.
            ArtefactError: if its files are missing or damaged; the one that was loaded before stays.
        """
        if name not in self._sources:
            raise unknown("model", name, self._sources)
        model = load_model(self._sources[name])
        self._models[name] = model
        return model

    def unload(self, name: str) -> None:
        """Let go of a model; its sessions go on when it is loaded again.

        Raises:
            ConfigurationError: if there is none of that name.
        """
        self.find(name)
        del self._models[name]

    def models(self) -> list[Model]:
        """Those that are loaded."""
        return list(self._models.values())

    def find(self, name: str) -> Model:
        """A loaded model.

        Raises:
            ConfigurationError: if there is none of that name.
        """
        if name not in self._models:
            raise unknown("model", name, self._models)
        return self._models[name]

    def of_system(self, system: str) -> Model:
        """The first loaded model of a system.

        Raises:
            ConfigurationError: if there is none.
        """
        found = [model for model in self._models.values() if model.system is not None and model.system.name == system]
        if not found:
            known = [model.system.name for model in self._models.values() if model.system is not None]
            raise unknown("system", system, dict.fromkeys(known))
        return found[0]
