"""Answers of a given form from any model: a ladder of ways to ask for it, and two more attempts for what is not valid.

The first way that works is kept. Until one has worked, the next is tried where an endpoint refuses a way, or takes it and does
not answer in the form.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from edgewise.agent.model.chat import Answer, ChatModel, Form, Picture, Request, Rung, Turn
from edgewise.agent.model.extraction import objects_in
from edgewise.agent.model.schema import schema_of
from edgewise.agent.model.usage import Meter
from edgewise.common.chat import ModelBusy, ModelError, ModelRefused

T = TypeVar("T", bound=BaseModel)
AGAIN = 2
"""How often a question is asked again at most, with what was wrong with the answer."""
NOT_SO = frozenset({400, 422, 501})
"""Statuses with which an endpoint says that it does not know a way to ask."""
ABOUT_FORM = re.compile(r"tool|function|json|schema|grammar|response_format|jinja", re.IGNORECASE)
"""What endpoints speak of that answer with another status to a way to ask that they do not know."""
FORM = "Answer with nothing but one JSON object, by this JSON schema: "
REPEATED = 2000
"""Characters of an answer that are shown to the model again."""


@dataclass(frozen=True)
class Question(Generic[T]):
    """A question whose answer has a form.

    Attributes:
        name: of what is asked, such as `decide`.
        kind: of the answer.
        fields: of the answer that are asked for; the others have their defaults.
        system: what the model is told to do.
        text: of the question.
        pictures: shown with it.
        check: what is wrong with an answer, in words; empty if nothing.
        given: fields of the answer that are known and not asked for.
    """

    name: str
    kind: type[T]
    fields: tuple[str, ...]
    system: str
    text: str
    pictures: tuple[Picture, ...] = ()
    check: Callable[[T], str] = lambda _: ""
    given: Mapping[str, Any] = field(default_factory=dict)


class NotValid(ModelError):
    """No valid answer came in all attempts."""

    name = "model-invalid"


@dataclass
class _Known:
    """What is known of an endpoint: ways to ask that it has not refused, and whether the first of them has worked."""

    rungs: tuple[Rung, ...]
    proven: bool = False


class Asker:
    """Asks a model, remembers the best way that its endpoint knows, and counts what it costs.

    Args:
        model: that is asked.
        meter: that counts. If None, a new one does.
        again: how often a question is asked again at most.
    """

    def __init__(self, model: ChatModel, meter: Meter | None = None, again: int = AGAIN) -> None:
        self.model, self.meter = model, meter or Meter()
        self._again = again
        self._known = _Known(model.traits.rungs)

    @property
    def rung(self) -> Rung:
        """The way that is tried next."""
        return self._known.rungs[0]

    def counted_by(self, meter: Meter) -> Asker:
        """One for the same endpoint, of which both remember the best way, with another meter."""
        other = Asker(self.model, meter, self._again)
        other._known = self._known
        return other

    def ask(self, question: Question[T]) -> T:
        """A valid answer.

        Raises:
            NotValid: if none came in all attempts, which is counted.
            ModelError: if the model cannot be asked.
        """
        schema = schema_of(question.kind, question.fields, question.name)
        form = f"{FORM}{json.dumps(schema, ensure_ascii=False)}"
        turns: tuple[Turn, ...] = (
            Turn("system", f"{question.system}\n\n{form}"),
            Turn("user", question.text, question.pictures),
        )
        wrong, rungs = "", self._known.rungs
        for left in reversed(range(1 + self._again)):
            answer, rungs = self._complete(turns, question.name, schema, rungs)
            read = read_answer_to(question, answer)
            if read.found is not None:
                self._known.rungs, self._known.proven = rungs, True
                return read.found
            wrong = read.wrong
            if left:
                self.meter.again()
            if not read.formed and not self._known.proven and len(rungs) > 1:
                rungs = rungs[1:]
            told = f"That is not valid: {wrong}. Answer again, with nothing but one JSON object by the schema."
            turns = (*turns, Turn("assistant", answer.text[:REPEATED] or "-"), Turn("user", told))
        self.meter.invalid()
        raise NotValid(f"{self.model.name}: {question.name}: no valid answer in {1 + self._again} attempts: {wrong}")

    def _complete(
        self, turns: tuple[Turn, ...], name: str, schema: dict[str, Any], rungs: tuple[Rung, ...]
    ) -> tuple[Answer, tuple[Rung, ...]]:
        """An answer, and the rungs from that on which it was given."""
        for place, rung in enumerate(rungs):
            request, started = Request(turns, Form(name, schema, rung)), time.monotonic()
            try:
                answer = self.model.complete(request)
            except ModelError as error:
                self.meter.failed(time.monotonic() - started)
                if rung == rungs[-1] or not _unknown(error):
                    raise
                continue
            self.meter.answered(request, answer, self.model.traits, time.monotonic() - started)
            return answer, rungs[place:]
        raise AssertionError("there is at least one way to ask")


@dataclass(frozen=True)
class Read(Generic[T]):
    """What was read of an answer.

    Attributes:
        found: the answer, if it is valid.
        wrong: with it, in words; empty if nothing.
        formed: whether it has the form, valid in its place or not.
    """

    found: T | None
    wrong: str = ""
    formed: bool = True


def read_answer_to(question: Question[T], answer: Answer) -> Read[T]:
    """The answer to a question in its form, or what is wrong with it."""
    first: Read[T] | None = None
    for found in objects_in(answer.text):
        known = {name: value for name, value in found.items() if name in question.fields and value is not None}
        try:
            read = question.kind.model_validate({**known, **question.given})
        except ValidationError as error:
            first = first or Read(None, _told(error.errors()), formed=False)
            continue
        wrong = question.check(read)
        if not wrong:
            return Read(read)
        first = first or Read(None, wrong)
    cut = "it was cut at the limit of its length" if answer.cut else "it holds no JSON object"
    return first or Read(None, cut, formed=False)


def _told(errors: Sequence[Any]) -> str:
    """Validation errors in one line."""
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the object'}: {each['msg']}" for each in errors[:3])


def _unknown(error: ModelError) -> bool:
    """Whether an error says that the endpoint does not know the way to ask."""
    if isinstance(error, ModelRefused):
        return error.status in NOT_SO or (error.status == 404 and ABOUT_FORM.search(error.said) is not None)
    return isinstance(error, ModelBusy) and ABOUT_FORM.search(str(error)) is not None
