"""A system at work behind a server: requests in the system's own words, and the questions among them that a policy decides.

A service is a pure state machine. Its states are never changed: a request makes the next one. Whoever hosts it keeps the states,
asks policies, and minds the time.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from edgewise.common.errors import EdgewiseError
from edgewise.drawing.scene import Scene

KEPT, LONGEST = 256, 65_536
"""Answers of a solver that are kept for requests of the same content, and letters of the longest such request."""
Size = tuple[int, ...]
"""Of compiled programs."""
Request = TypeVar("Request", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)


class Words(BaseModel):
    """What is told in a request or an answer: numbers are finite, units stand in the names, unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Operation:
    """What can be asked of a session.

    Attributes:
        request: what it takes.
        answer: what it gives.
        summary: one line.
        decides: whether a policy decides it.
    """

    request: type[BaseModel]
    answer: type[BaseModel]
    summary: str
    decides: bool = False


@dataclass(frozen=True)
class Settled:
    """A request that is done.

    Attributes:
        state: of the session after it.
        answer: to be told.
        action: that the answer tells, in arrays of NumPy, if it is `Service.meanwhile`'s.
    """

    state: Any
    answer: BaseModel
    action: Any = None


@dataclass(frozen=True)
class Question:
    """A request that a policy decides.

    Attributes:
        state: of the session with everything that the request has told; `Service.answer` makes the next one of it.
        observation: what the policy takes, without batch axes, in arrays of NumPy.
        details: what the service itself needs for `answer`, `rule` and `outside`.
    """

    state: Any
    observation: Any
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """What a live view shows of a session.

    Attributes:
        scene: as it is now.
        step: number of steps so far.
        course: numbers that are followed over the session, each with the step that it is of.
        label, unit: what they are.
        step_word: what a step is called.
    """

    scene: Scene
    step: int
    course: Mapping[str, tuple[int, float]]
    label: str
    unit: str
    step_word: str


class Service(abc.ABC):
    """A system at work, as one configuration of it describes.

    Every method may raise a ConfigurationError that names field, value and what is allowed; the state stands as it was then.
    """

    collection: str = "sessions"
    """What the sessions are called in addresses."""
    counted: tuple[str, ...] = ()
    """What there is some number of in a session, which tells the size of programs; empty if programs have none."""

    refuses_first: bool = False
    """Whether `apply` compiles kept programs alone (`numerics.kept_programs`), and refuses before it does."""

    @property
    def usual(self) -> Sequence[Size]:
        """Such numbers of usual sessions."""
        return ()

    @property
    @abc.abstractmethod
    def opening(self) -> Operation:
        """How a session is opened."""

    @property
    @abc.abstractmethod
    def operations(self) -> Mapping[str, Operation]:
        """What can be asked of an open session, by the word that stands for it in addresses."""

    @abc.abstractmethod
    def open(self, request: BaseModel) -> Settled:
        """Open a session.

        Args:
            request: of the type that `opening` tells.
        """

    @abc.abstractmethod
    def apply(self, state: Any, operation: str, request: BaseModel) -> Settled | Question:
        """Carry a request out, as far as it goes without a policy.

        Args:
            state: of the session.
            operation: one of `operations`.
            request: of the type that it tells.
        """

    @abc.abstractmethod
    def answer(self, question: Question, action: Any) -> Settled:
        """What an action means, and the state in which it was taken.

        Args:
            question: that was asked.
            action: a policy's, or the rule's, in arrays of NumPy.
        """

    @abc.abstractmethod
    def rule(self, question: Question) -> Any:
        """The action of the reference rule, which answers where no policy does in time. It must be quick and compile nothing."""

    def meanwhile(self, state: Any, operation: str, request: BaseModel) -> Settled | None:
        """What a rule answers to a request whose programs take too long to be compiled, without any that are not compiled.

        All that the request tells counts, as if it had been applied. If None, that cannot be without programs that are missing.

        Args:
            state, operation, request: as of `apply`, for an operation that is decided.
        """
        return None

    def outside(self, question: Question) -> list[str]:
        """What of a question lies outside of what the policy was trained on: a line each, with value and range."""
        return []

    @abc.abstractmethod
    def dump(self, state: Any) -> bytes:
        """A state for the store (see `common.packed`): `load` gives one with which everything goes on to the same bits."""

    @abc.abstractmethod
    def load(self, content: bytes) -> Any:
        """The state of which `dump` has made the content."""

    def view(self, state: Any) -> dict[str, Any]:
        """What can be shown of a state: plain values."""
        return {}

    def shown(self, state: Any) -> Shown | None:
        """What a live view shows of a state; None if there is nothing to be seen yet, or never."""
        return None

    def size_of(self, numbers: Size) -> Size:
        """The size of the programs for so many of what is `counted`."""
        return numbers

    def size(self, state: Any, operation: str, request: BaseModel) -> Size | None:
        """The size of the programs that `apply` needs for a request; None if it needs none that have one."""
        return None

    def likely(self, state: Any, stated: Sequence[Size]) -> list[Size]:
        """The sizes of programs that requests to a session will need, as far as it can be told when it was opened.

        Args:
            state: of the session.
            stated: numbers that sessions are expected to have.
        """
        return []

    def samples(self, size: Size) -> Iterator[Question]:
        """Questions that need all programs of a size. They are asked, and answered, so that these are compiled."""
        return iter(())


@dataclass(frozen=True)
class Solving:
    """A system that a solver answers: no sessions, the same request has the same answer.

    Attributes:
        request: what it takes.
        answer: what it gives.
        summary: one line.
        solve: from a request to its answer. It may raise a ConfigurationError.
    """

    request: type[BaseModel]
    answer: type[BaseModel]
    summary: str
    solve: Callable[[Any], BaseModel]


def finite_answer(kind: type[Answer], values: Mapping[str, Any]) -> Answer:
    """The answer of a solver.

    Args:
        kind: of the answer.
        values: of its fields.

    Raises:
        EdgewiseError: if a number is not finite, as of a request whose numbers are too far from each other.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise EdgewiseError(
            f"{place} of the solution is not finite: numbers of the request are too large or small"
        ) from None


def by_content(solve: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    """A solver that answers requests of the same content once; the newest `KEPT` answers to requests of usual length are kept."""

    @lru_cache(maxsize=KEPT)
    def known(kind: type[Request], content: str) -> Answer:
        return solve(kind.model_validate_json(content))

    def answer(request: Request) -> Answer:
        content = request.model_dump_json()
        return known(type(request), content) if len(content) <= LONGEST else solve(request)

    return answer
