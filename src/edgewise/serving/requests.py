"""A request to a session, and what is answered."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from edgewise.serving.models import Model

Answer = TypeVar("Answer", bound=BaseModel)


class Told(BaseModel, Generic[Answer]):
    """An answer of a session."""

    session: str
    request_id: str
    answer: Answer


class Decided(Told[Answer], Generic[Answer]):
    """An answer that a policy, or the reference rule, decided; or one that needed no decision, then without `decision_id`."""

    decision_id: str | None = None
    model: str | None = None
    policy_sha256: str | None = Field(None, description="digest of the policy that was asked")
    degraded: bool = Field(False, description="whether a reference rule answered in the policy's place")
    degraded_because: str | None = Field(None, description="why it did")
    waited_for_programs_s: float | None = Field(
        None, description="how long programs of its size were compiled, s, during which the deadline did not run"
    )
    outside: list[str] = Field(
        default_factory=list, description="what of the input lies outside of what the policy was trained on"
    )


@dataclass(frozen=True)
class Asked:
    """A request as it came.

    Attributes:
        id: of the request.
        scope: its address.
        body: its bytes.
        key: by which it can be repeated; None if it cannot.
    """

    id: str
    scope: str
    body: bytes
    key: str | None = None

    @property
    def digest(self) -> str:
        """Of the body."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Reply:
    """What is answered.

    Attributes:
        status: of HTTP.
        body: JSON.
        repeated: whether it is the answer to an earlier request of the same key.
    """

    status: int
    body: bytes = b""
    repeated: bool = False


@dataclass
class Job:
    """A request that waits for its turn.

    Attributes:
        kind: what it does to its session.
        asked: as it came.
        system: to which the session belongs.
        session: its name.
        model: that shall decide, for "open".
        operation, request: of the service, see `Service.apply`.
        waited_s: for programs of its size, s; None if they were there.
        arrived: when, by `time.perf_counter`, s; when it had waited for programs, if it has.
        aside: since when it has waited for programs, by the same clock; None if it has not.
        attempts: times that it could not be kept because another server has changed its session.
        reply: the end of it.
    """

    kind: Literal["open", "apply", "remove"]
    asked: Asked
    system: str
    session: str
    model: Model | None = None
    operation: str = ""
    request: BaseModel | None = None
    waited_s: float | None = None
    aside: float | None = None
    arrived: float = field(default_factory=time.perf_counter)
    attempts: int = 0
    reply: Future[Reply] = field(default_factory=Future)
