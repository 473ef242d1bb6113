"""The programs of a server, by size: some are compiled before it is ready, others beside the requests, in their own thread."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from edgewise.common.errors import ConfigurationError
from edgewise.environments.service import Size
from edgewise.serving.logs import LOG
from edgewise.serving.models import Model
from edgewise.serving.settings import Settings

Key = tuple[str, Size]
"""Digest of a policy, and a size."""


class Programs:
    """Which programs are compiled, and a thread that compiles more.

    Args:
        settings: the sizes that are stated.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[Key, str] = {}
        """With the name of the model."""
        self._wanted: OrderedDict[Key, tuple[Model, list[Callable[[], None]]]] = OrderedDict()
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, name="programs", daemon=True)

    def start(self) -> None:
        """Compile from now on what is wanted."""
        self._thread.start()

    def stated(self, model: Model) -> list[Size]:
        """The numbers that sessions of a model are expected to have."""
        assert model.service is not None
        return self._settings.sizes_of(model.service.counted, model.service.usual)

    def sizes(self, model: Model) -> list[Size]:
        """The sizes of programs that a model must have before it decides: the stated ones, and those of other versions of it."""
        assert model.service is not None
        stated = [model.service.size_of(each) for each in self.stated(model)]
        with self._changed:
            used = [size for (_, size), name in self._made.items() if name == model.name]
        return list(dict.fromkeys([*stated, *used]))

    def require_known(self, models: Sequence[Model]) -> None:
        """Refuse stated sizes that are of no model.

        Raises:
            ConfigurationError: naming them.
        """
        kinds = {model.artefact.environment: model.service.counted for model in models if model.service is not None}
        for each in self._settings.sizes:
            if each.count("x") + 1 not in {len(counted) for counted in kinds.values()}:
                allowed = ", ".join(f"{' x '.join(counted)} ({system})" for system, counted in kinds.items())
                raise ConfigurationError("sizes", each, f"numbers of {allowed or 'nothing: no model has sessions'}")

    def made(self, model: Model, size: Size) -> bool:
        """Whether a model's programs of a size are compiled."""
        return (model.digest, size) in self._made

    def make(self, model: Model, size: Size) -> None:
        """Compile a model's programs of a size for one question at a time."""
        assert model.service is not None
        began = time.perf_counter()
        for question in model.service.samples(size):
            action, _ = model.actor.act([(question.observation, model.actor.begin)])[0]
            model.service.answer(question, action)
        with self._changed:
            self._made[model.digest, size] = model.name
        LOG.info("compiled", model=model.name, size=size, seconds=round(time.perf_counter() - began, 3))

    def make_together(self, model: Model, size: Size) -> None:
        """Compile what is needed to decide several such questions at a time, unless there is no time for it any more."""
        assert model.service is not None
        for question in model.service.samples(size):
            if not self._open:
                return
            model.actor.prepare(question.observation)

    def want(self, model: Model, size: Size, then: Callable[[], None] | None = None) -> None:
        """Have a model's programs of a size compiled beside.

        Args:
            model, size: what for.
            then: is called when they are, or cannot be.
        """
        with self._changed:
            if (model.digest, size) not in self._made:
                _, waiting = self._wanted.setdefault((model.digest, size), (model, []))
                if then is not None:
                    waiting.append(then)
                    self._wanted.move_to_end((model.digest, size), last=False)  # nobody waits for the others
                self._changed.notify()
                return
        if then is not None:
            then()

    def stop(self) -> None:
        """Begin nothing more; who waits goes on."""
        with self._changed:
            self._open = False
            self._changed.notify()

    def close(self) -> None:
        """Stop, and wait for what was begun."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or not self._open)
                if not self._wanted:
                    return
                key, (model, _) = next(iter(self._wanted.items()))
            try:
                if self._open:
                    self.make(model, key[1])
            except Exception as error:  # whoever asks is told the same
                LOG.error("not compiled", model=model.name, size=key[1], error=str(error))
            with self._changed:
                self._made[key] = model.name
                _, waiting = self._wanted.pop(key)
            for then in waiting:
                then()
            try:
                self.make_together(model, key[1])
            except Exception as error:
                LOG.error("not compiled", model=model.name, size=key[1], error=str(error))
