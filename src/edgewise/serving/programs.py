"""The programs of a server, by size: some are compiled before it is ready, others beside the requests, in their own thread."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from edgewise.common.errors import ConfigurationError
from edgewise.common.host_memory import release_unused_memory
from edgewise.environments.service import Size
from edgewise.numerics.kept_programs import KEPT
from edgewise.serving.logs import LOG
from edgewise.serving.models import Model
from edgewise.serving.settings import Settings

Key = tuple[str, Size]
"""Digest of a policy, and a size."""


MOST_SUGGESTED = 4
"""Sizes of a model up to which more are compiled before anybody waits for them: each takes seconds and 80 MiB, which who opens
sessions without using them shall not cost."""


class Programs:
    """Which programs are compiled, and a thread that compiles more.

    Args:
        settings: the sizes that are stated.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: OrderedDict[Key, str] = OrderedDict()
        """With the name of the model, the one last that was used last."""
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
        key = model.digest, size
        with self._changed:
            if key in self._made:
                self._made.move_to_end(key)
            return key in self._made

    def make(self, model: Model, size: Size) -> None:
        """Compile a model's programs of a size for one question at a time."""
        assert model.service is not None
        began = time.perf_counter()
        for question in model.service.samples(size):
            action, _ = model.actor.act([(question.observation, model.actor.begin)])[0]
            model.service.answer(question, action)
        self._note(model, size)
        LOG.info("compiled", model=model.name, size=size, seconds=round(time.perf_counter() - began, 3))

    def _note(self, model: Model, size: Size) -> None:
        """That programs are there; those of the size that was not used for the longest time will be forgotten."""
        with self._changed:
            self._made[model.digest, size] = model.name
            of_model = [key for key in self._made if key[0] == model.digest]
            for key in of_model[:-KEPT]:
                del self._made[key]

    def make_together(self, model: Model, size: Size) -> None:
        """Compile what is needed to decide several such questions at a time, unless there is no time for it any more."""
        assert model.service is not None
        for question in model.service.samples(size):
            if not self._open:
                return
            model.actor.prepare(question.observation)

    def want(self, model: Model, size: Size, then: Callable[[], None]) -> None:
        """Have a model's programs of a size compiled beside, before those that are only likely.

        Args:
            model, size: what for.
            then: is called when they are, or cannot be.
        """
        key = model.digest, size
        with self._changed:
            if key not in self._made:
                self._wanted.setdefault(key, (model, []))[1].append(then)
                self._wanted.move_to_end(key, last=False)
                self._changed.notify()
                return
        then()

    def suggest(self, model: Model, size: Size) -> None:
        """Have a model's programs of a size compiled beside, unless there are others to be compiled, or some already."""
        key = model.digest, size
        with self._changed:
            some = sum(digest == model.digest for digest, _ in self._made) >= MOST_SUGGESTED
            if key not in self._made and not self._wanted and not some:
                self._wanted.setdefault(key, (model, []))
                self._changed.notify()

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
            self._note(model, key[1])
            with self._changed:
                _, waiting = self._wanted.pop(key)
            for then in waiting:
                then()
            if waiting:  # such sessions are used
                self._try_together(model, key[1])
            release_unused_memory()  # compilers leave much of it behind

    def _try_together(self, model: Model, size: Size) -> None:
        try:
            self.make_together(model, size)
        except Exception as error:  # each is decided by itself then
            LOG.error("not compiled", model=model.name, size=size, together=True, error=str(error))
