"""The sessions of a server: one request after another changes a session, and what it changes is kept before it is answered."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from edgewise.common.packed import flat, pack
from edgewise.environments.service import Question, Service, Settled
from edgewise.serving.decide import Decider, Decision
from edgewise.serving.models import Model
from edgewise.serving.refusals import RefusedError, refused
from edgewise.serving.repository import Repository
from edgewise.serving.store import AnswerRow, Change, DecisionRow, SessionRow, Store

Answer = TypeVar("Answer", bound=BaseModel)
Result = TypeVar("Result")
ATTEMPTS = 5
"""Times that a request is carried out anew because another server has changed its session."""
THREADS = 2
"""That carry requests out, beside the one that asks policies."""


class Told(BaseModel, Generic[Answer]):
    """An answer of a session."""

    session: str
    request_id: str
    answer: Answer


class Decided(Told[Answer], Generic[Answer]):
    """An answer that a policy, or the reference rule, decided."""

    decision_id: str
    model: str
    policy_sha256: str = Field(description="digest of the policy that was asked")
    degraded: bool = Field(description="whether the reference rule answered, because the policy was late")
    outside: list[str] = Field(description="what of the input lies outside of what the policy was trained on")


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        id: of the request.
        scope: its address.
        body: as it came.
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
    body: bytes
    repeated: bool = False


@dataclass
class Held:
    """A session in memory.

    Attributes:
        row: as it was kept last.
        state: of the service.
        lock: held by the request that changes it.
    """

    row: SessionRow
    state: Any
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sessions:
    """Sessions of all systems.

    Args:
        repository: the models.
        decider: asks them.
        store: where sessions are kept.
        most: sessions that may be open.
    """

    def __init__(self, repository: Repository, decider: Decider, store: Store, most: int) -> None:
        self._repository, self._decider, self._store, self._most = repository, decider, store, most
        self._threads = ThreadPoolExecutor(THREADS, "sessions")
        self._held: dict[str, Held] = {}

    async def open(self, model: Model, name: str | None, request: BaseModel, asked: Asked) -> Reply:
        """Open a session.

        Args:
            model: whose system it is of.
            name: of the session. If None, the server chooses one.
            request: of the type that the service's `opening` tells.
            asked: the request as it came.

        Raises:
            RefusedError: if the name is taken, or there are too many sessions.
            ConfigurationError: if something is not allowed.
        """
        repeated = await self._repeated(asked)
        if repeated is not None:
            return repeated
        service = _service(model)
        if await self._run(self._store.sessions) >= self._most:
            raise refused(429, f"sessions = {self._most}: no more may be open; remove one")
        name = name or uuid.uuid4().hex
        if await self._run(lambda: self._store.session(name)) is not None:
            raise _taken(name)
        settled = await self._run(lambda: service.open(request))
        assert model.system is not None
        row = SessionRow(name, model.system.name, model.name, 0, service.dump(settled.state), time.time())
        told = Told[Any](session=name, request_id=asked.id, answer=settled.answer)
        reply = await self._keep(Change(row), asked, 201, told, Held(row, settled.state))
        if reply is None:
            reply = await self._repeated(asked)
        if reply is None:
            raise _taken(name)
        return reply

    async def apply(self, system: str, name: str, operation: str, request: BaseModel, asked: Asked) -> Reply:
        """Carry out what is asked of a session.

        Args:
            system: to which it belongs.
            name: of the session.
            operation: of the service.
            request: of the type that the operation tells.
            asked: the request as it came.

        Raises:
            RefusedError: if there is no such session, or others keep changing it.
            ConfigurationError: if something is not allowed; nothing has changed then.
        """
        for _ in range(ATTEMPTS):
            held = await self._find(system, name)
            async with held.lock:
                repeated = await self._repeated(asked)
                if repeated is not None:
                    return repeated
                reply = await self._carry_out(held, operation, request, asked)
                if reply is not None:
                    return reply
        raise _changed(name)

    async def _carry_out(self, held: Held, operation: str, request: BaseModel, asked: Asked) -> Reply | None:
        """Carry a request out on a session as it is in memory; None if another server has changed it since."""
        model = self._repository.find(held.row.model)
        service = _service(model)
        outcome = await self._run(lambda: service.apply(held.state, operation, request))
        decided = None
        if isinstance(outcome, Question):
            decided = await self._decide(model, service, outcome)
            outcome = decided.settled
        return await self._settle(held, service, outcome, decided, asked)

    async def remove(self, system: str, name: str) -> None:
        """Close a session.

        Raises:
            RefusedError: if there is no such session.
        """
        held = await self._find(system, name)
        async with held.lock:
            row = SessionRow(**{**vars(held.row), "version": held.row.version + 1})
            removed = await self._run(lambda: self._store.commit([Change(row, removed=True)]))
            self._held.pop(name, None)
            if not removed[0]:
                raise _changed(name)

    async def view(self, system: str, name: str) -> dict[str, Any]:
        """What can be shown of a session.

        Raises:
            RefusedError: if there is no such session.
        """
        held = await self._find(system, name)
        service = _service(self._repository.find(held.row.model))
        return await self._run(lambda: service.view(held.state))

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=True)

    async def _decide(self, model: Model, service: Service, question: Question) -> _Decided:
        decision = await self._decider.decide(model, question.observation, lambda: service.rule(question))
        settled = await self._run(lambda: service.answer(question, decision.action))
        return _Decided(model, question, decision, settled, service.outside(question))

    async def _settle(
        self, held: Held, service: Service, settled: Settled, decided: _Decided | None, asked: Asked
    ) -> Reply | None:
        """Keep what a request has changed, then answer it; None if it could not be kept."""
        before = held.row
        content = await self._run(lambda: service.dump(settled.state))
        row = SessionRow(before.id, before.system, before.model, before.version + 1, content, time.time())
        told: dict[str, Any] = {"session": before.id, "request_id": asked.id, "answer": settled.answer}
        if decided is None:
            return await self._keep(Change(row), asked, 200, Told[Any](**told), Held(row, settled.state, held.lock))
        decision = decided.row(row, asked)
        answer = Decided[Any](
            **told,
            decision_id=decision.id,
            model=decision.model,
            policy_sha256=decision.policy,
            degraded=decision.degraded,
            outside=decided.outside,
        )
        return await self._keep(Change(row, decision), asked, 200, answer, Held(row, settled.state, held.lock))

    async def _keep(self, change: Change, asked: Asked, status: int, told: BaseModel, held: Held) -> Reply | None:
        body = told.model_dump_json().encode()
        answer = None
        if asked.key is not None:
            answer = AnswerRow(asked.scope, asked.key, asked.digest, status, body, time.time())
        whole = Change(change.session, change.decision, answer)
        kept = await self._run(lambda: self._store.commit([whole]))
        if not kept[0]:
            self._held.pop(held.row.id, None)
            return None
        self._held[held.row.id] = held
        return Reply(status, body)

    async def _find(self, system: str, name: str) -> Held:
        held = self._held.get(name)
        if held is not None and self._store.shared:
            known = held.row.version
            if await self._run(lambda: self._store.version(name)) != known:
                self._held.pop(name, None)
                held = None
        if held is None:
            row = await self._run(lambda: self._store.session(name))
            if row is not None and row.system == system:
                service = _service(self._repository.find(row.model))
                state = await self._run(lambda: service.load(row.state))
                held = self._held.setdefault(name, Held(row, state))
        if held is None or held.row.system != system:
            raise refused(404, f"session = {shown(name)}: must be the name of an open session")
        return held

    async def _repeated(self, asked: Asked) -> Reply | None:
        if asked.key is None:
            return None
        key = asked.key
        row = await self._run(lambda: self._store.answer(asked.scope, key))
        if row is None:
            return None
        if row.input_sha256 != asked.digest:
            raise refused(422, f"idempotency-key = {shown(key)}: was given to another request: must be another key")
        return Reply(row.status, row.body, repeated=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@dataclass(frozen=True)
class _Decided:
    """A question with its answer."""

    model: Model
    question: Question
    decision: Decision
    settled: Settled
    outside: list[str]

    def row(self, session: SessionRow, asked: Asked) -> DecisionRow:
        """What is kept of it."""
        observation = pack(flat(self.question.observation), {})
        return DecisionRow(
            id=uuid.uuid4().hex,
            time=session.time,
            session=session.id,
            system=session.system,
            model=self.model.name,
            policy=self.decision.policy,
            request=asked.id,
            input_sha256=hashlib.sha256(observation).hexdigest(),
            observation=observation,
            action=pack(flat(self.decision.action), {}),
            degraded=self.decision.degraded,
            outside="\n".join(self.outside),
            milliseconds=self.decision.milliseconds,
        )


def _service(model: Model) -> Service:
    if model.service is None:
        raise refused(409, f"model = {model.name!r}: must be one of a system with sessions")
    return model.service


def _changed(name: str) -> RefusedError:
    return refused(409, f"session = {shown(name)}: was changed by another server; ask again")


def _taken(name: str) -> RefusedError:
    return refused(409, f"session = {shown(name)}: must be another name than that of an open session")


def shown(text: str) -> str:
    """A text that a client has given, shortened."""
    return repr(text if len(text) <= 100 else text[:100] + "...")
