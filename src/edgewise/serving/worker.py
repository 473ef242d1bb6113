"""The thread that carries requests to sessions out: all that wait at a time, in one transaction, answered when it is kept."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from edgewise.environments.service import Question, Service, Settled, Size
from edgewise.numerics.kept_programs import NotCompiledError, made_only
from edgewise.serving.aside import Aside
from edgewise.serving.decide import Decider, Decision, Put
from edgewise.serving.held import Held, HeldSessions, packed_memory, service_of, unpacked_memory
from edgewise.serving.logs import LOG
from edgewise.serving.measures import Measures
from edgewise.serving.models import Model
from edgewise.serving.programs import Programs
from edgewise.serving.refusals import RefusedError, refused, shortened
from edgewise.serving.repository import Repository
from edgewise.serving.requests import Asked, Decided, Job, Reply, Told
from edgewise.serving.rows import Noted, decision_row, noted
from edgewise.serving.store import AnswerRow, Change, SessionRow, Store

Result = TypeVar("Result")
ATTEMPTS = 5
"""Times that a request is carried out anew because another server has changed its session."""
KEPT_S = 24 * 3600.0
"""How long answers are kept for requests that are repeated, s."""
PRUNED_S = 600.0
"""Time between removals of old answers, s."""
TOLD, DECIDED = Told[Any], Decided[Any]
"""Made once: pydantic forgets such classes, and makes them anew, if nobody holds them."""


@dataclass
class Pending:
    """A request on its way.

    Attributes:
        job: the request.
        model, service: to which its session belongs.
        held: the session before it; None if it is opened.
        outcome: of the service; None if the session is removed.
        put: the question to the policy, if there is one.
        decision: the answer to that.
        noted: the question as it is kept.
        change: what is kept.
        told: what is answered.
    """

    job: Job
    model: Model
    service: Service
    held: Held | None
    outcome: Settled | Question | None
    put: Put | None = None
    decision: Decision | None = None
    noted: Noted | None = None
    change: Change | None = None
    reply: Reply | None = None


class Worker:
    """Carries requests out.

    Args:
        repository: the models.
        decider: asks them.
        store: where sessions are kept.
        measures: where it is counted.
        programs: those that are compiled.
        most_waiting: requests that may wait.
        together: requests that are carried out together.
        wait_s: longest time that a request waits for programs, s.
    """

    def __init__(
        self,
        repository: Repository,
        decider: Decider,
        store: Store,
        measures: Measures,
        programs: Programs,
        most_waiting: int,
        together: int,
        wait_s: float,
    ) -> None:
        self._repository, self._decider, self._store, self._measures = repository, decider, store, measures
        self._programs = programs
        self._most, self._together = most_waiting, together
        self.listeners: list[Callable[[Change, Any], None]] = []
        """Told of everything that was kept: the change, and the state after it, None if the session was removed."""
        self.held = HeldSessions(repository, store)
        self._waiting: list[Job] = []
        self._changed = threading.Condition()
        self._aside = Aside(programs, wait_s, self._changed, lambda job: self._waiting.insert(0, job))
        self._open = True
        self._pruned = time.time()
        self._thread = threading.Thread(target=self._work, name="sessions", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Reply]:
        """Let a request wait for its turn.

        Raises:
            RefusedError: if too many wait, or the server stops.
        """
        with self._changed:
            if not self._open:
                raise refused(503, "the server is stopping: ask again when it is back")
            if len(self._waiting) >= self._most:
                raise refused(503, f"{self._most} requests wait: ask again later")
            self._waiting.append(job)
            self._changed.notify()
        return job.reply

    def close(self) -> None:
        """Carry out what waits, then end."""
        with self._changed:
            self._open = False
            self._changed.notify()
        self._thread.join(timeout=30)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, self._aside.left_s)
                self._aside.release_late()
                jobs = self._take()
                self._measures.queue.set(len(self._waiting))
                if not jobs and not self._waiting and not self._aside.sessions and not self._open:
                    return
            self.carry_out(jobs)
            self._measures.sessions.set(len(self.held))
            if time.time() - self._pruned > PRUNED_S:
                self._pruned = time.time()
                self._store.prune(self._pruned - KEPT_S)

    def _has_work(self) -> bool:
        """Whether something can be carried out, or the end has come."""
        aside = self._aside.sessions
        return any(job.session not in aside for job in self._waiting) or not (self._open or aside)

    def _take(self) -> list[Job]:
        """Those that wait, at most one of each session, in their order; none of a session whose programs are compiled now."""
        taken: list[Job] = []
        names = self._aside.sessions
        left: list[Job] = []
        for job in self._waiting:
            if job.session in names or len(taken) >= self._together:
                left.append(job)
            elif job.attempts or job.waited_s is not None or job.reply.set_running_or_notify_cancel():
                taken.append(job)
            names.add(job.session)
        self._waiting = left
        return taken

    def carry_out(self, jobs: list[Job]) -> None:
        """Carry requests of different sessions out, together."""
        pending = [each for each in (_guarded(job, self._begin, job) for job in jobs) if each is not None]
        self._ask(pending)
        noted = [each for each in pending if _guarded(each.job, self._note, each)]
        ready = [each for each in noted if _guarded(each.job, self._settle, each)]
        self._keep(ready)

    def _begin(self, job: Job) -> Pending | None:
        """What the service says to a request; None if it has been answered."""
        repeated = self._repeated(job.asked)
        if repeated is not None:
            job.reply.set_result(repeated)
            return None
        if job.kind == "open":
            assert job.model is not None
            assert job.request is not None
            service = service_of(job.model)
            if self._store.session(job.session) is not None:
                raise _taken(job.session)
            return Pending(job, job.model, service, None, service.open(job.request))
        held = self.held.find(job.system, job.session)
        model = self._repository.find(held.row.model)
        service = service_of(model)
        if job.kind == "remove":
            return Pending(job, model, service, held, None)
        assert job.request is not None
        size = service.size(held.state, job.operation, job.request)
        if size is not None and not self._programs.made(model, size):
            return self._without_programs(job, model, held, size)
        with self._measures.stages.labels(model.name, "apply").time():
            return Pending(job, model, service, held, service.apply(held.state, job.operation, job.request))

    def _without_programs(self, job: Job, model: Model, held: Held, size: Size) -> Pending | None:
        """Let a request wait for its programs, and those of other sessions pass; what a rule says, if it has for too long."""
        assert job.request is not None
        service = service_of(model)
        if not self._aside.too_long(job):
            if service.refuses_first:
                with contextlib.suppress(NotCompiledError), made_only():
                    service.apply(held.state, job.operation, job.request)
            self._aside.put(job, model, size)
            return None
        because = f"programs for so many {' and '.join(service.counted)} were not compiled within {job.waited_s:.3g} s"
        settled = service.meanwhile(held.state, job.operation, job.request)
        if settled is None:
            raise refused(503, f"{because}: ask again later")
        pending = Pending(job, model, service, held, settled)
        if settled.action is not None:
            memory, waited_ms = unpacked_memory(model, held.row.memory), 1000 * (job.waited_s or 0.0)
            pending.decision = Decision(settled.action, model.digest, because, waited_ms, memory)
            pending.noted = Noted(b"", job.asked.digest, [])
        return pending

    def _repeated(self, asked: Asked) -> Reply | None:
        row = None if asked.key is None else self._store.answer(asked.scope, asked.key)
        if row is None:
            return None
        if row.input_sha256 != asked.digest:
            key = shortened(repr(asked.key))
            raise refused(422, f"idempotency-key = {key}: was given to another request: must be another key")
        return Reply(row.status, row.body, repeated=True)

    def _ask(self, pending: list[Pending]) -> None:
        """Put all questions to their policies at once."""
        for each in pending:
            if isinstance(each.outcome, Question) and each.held is not None:
                memory = unpacked_memory(each.model, each.held.row.memory)
                shadow = self._repository.shadow(each.model.name)
                each.put = Put(each.model, each.outcome.observation, memory, shadow)
        self._decider.put([each.put for each in pending if each.put is not None])

    @staticmethod
    def _note(each: Pending) -> bool:
        """What is kept of a question, made while the policy is at it."""
        if isinstance(each.outcome, Question):
            each.noted = noted(each.service, each.outcome)
        return True

    def _settle(self, each: Pending) -> bool:
        """What is kept and answered, with the policy's decision or that of the rule."""
        settled = each.outcome
        if isinstance(settled, Question):
            each.decision = self._decided(each, settled)
            with self._measures.stages.labels(each.model.name, "answer").time():
                settled = each.service.answer(settled, each.decision.action)
        if settled is None:
            assert each.held is not None
            row = replace(each.held.row, version=each.held.row.version + 1)
            each.change, each.reply = Change(row, removed=True), Reply(204)
            return True
        self._tell(each, settled)
        return True

    def _decided(self, each: Pending, question: Question) -> Decision:
        assert each.put is not None
        left = each.job.arrived + self._decider.deadline_s - time.perf_counter()
        digest = each.model.digest
        try:
            action, memory = each.put.answer.result(timeout=max(left, 0.0))
            took = time.perf_counter() - each.job.arrived
            decision = Decision(action, digest, None, 1000 * took, memory)
        except TimeoutError:
            each.put.answer.cancel()
            took = time.perf_counter() - each.job.arrived
            because = f"the policy did not answer within {1000 * self._decider.deadline_s:g} ms"
            decision = Decision(each.service.rule(question), digest, because, 1000 * took, each.put.memory)
        self._measures.stages.labels(each.model.name, "decide").observe(took)
        return decision

    def _tell(self, each: Pending, settled: Settled) -> None:
        job, before = each.job, each.held
        assert each.model.system is not None
        memory = before.row.memory if before is not None else b""
        if each.decision is not None:
            memory = packed_memory(each.model, each.decision.memory)
        row = SessionRow(
            id=job.session,
            system=each.model.system.name,
            model=each.model.name,
            version=0 if before is None else before.row.version + 1,
            state=each.service.dump(settled.state),
            time=time.time(),
            memory=memory,
        )
        decision = None
        told: dict[str, Any] = {"session": row.id, "request_id": job.asked.id, "answer": settled.answer}
        answer: BaseModel
        if each.decision is not None and each.noted is not None:
            self._count(each, each.decision)
            self._measures.outside.labels(each.model.name).inc(bool(each.noted.outside))
            decision = decision_row(row, job.asked.id, each.noted, each.decision)
            answer = DECIDED(
                **told,
                decision_id=decision.id,
                model=decision.model,
                policy_sha256=decision.policy,
                degraded=decision.degraded,
                degraded_because=each.decision.because,
                waited_for_programs_s=job.waited_s,
                outside=each.noted.outside,
            )
        elif job.kind == "apply" and each.service.operations[job.operation].decides:
            answer = DECIDED(**told)
        else:
            answer = TOLD(**told)
        each.reply = Reply(201 if job.kind == "open" else 200, answer.model_dump_json().encode())
        asked = job.asked
        kept = None
        if asked.key is not None:
            kept = AnswerRow(asked.scope, asked.key, asked.digest, each.reply.status, each.reply.body, time.time())
        each.change = Change(row, decision, kept)
        each.outcome = settled

    def _count(self, each: Pending, decision: Decision) -> None:
        name, milliseconds = each.model.name, decision.milliseconds
        self._measures.decisions.labels(name, decision.policy, str(decision.degraded).lower()).inc()
        if decision.degraded:
            request, because = each.job.asked.id, decision.because
            LOG.warning("degraded", request=request, model=name, milliseconds=milliseconds, because=because)

    def _keep(self, ready: list[Pending]) -> None:
        """Keep all changes in one transaction, then answer."""
        changes = [each.change for each in ready if each.change is not None]
        if not changes:
            return
        try:
            with self._measures.stages.labels("", "keep").time():
                kept = self._store.commit(changes)
        except Exception as error:
            LOG.error("not kept", error=str(error))
            for each in ready:
                self.held.drop(each.job.session)
                each.job.reply.set_exception(refused(503, "the database does not answer: nothing has changed"))
            return
        for each, whole in zip(ready, kept, strict=True):
            if whole:
                self._done(each)
            else:
                self._again(each.job)

    def _done(self, each: Pending) -> None:
        assert each.change is not None
        assert each.reply is not None
        state = each.outcome.state if isinstance(each.outcome, Settled) else None
        if each.change.removed:
            self.held.drop(each.job.session)
        else:
            self.held.put(Held(each.change.session, state))
        each.job.reply.set_result(each.reply)
        if each.job.kind == "open":
            for size in each.service.likely(state, self._programs.stated(each.model)):
                self._programs.suggest(each.model, size)
        for listener in self.listeners:
            listener(each.change, state)

    def _again(self, job: Job) -> None:
        """Another server was faster: carry the request out on what it has made of the session."""
        self.held.drop(job.session)
        job.attempts += 1
        if job.attempts >= ATTEMPTS:
            words = f"session = {shortened(repr(job.session))}: was changed by another server; ask again"
            job.reply.set_exception(refused(409, words))
            return
        with self._changed:
            self._waiting.insert(0, job)
            self._changed.notify()


def _guarded(job: Job, work: Callable[[Any], Result], of: Any) -> Result | None:
    """What work gives, or None if it fails: the failure is then the end of the request."""
    try:
        return work(of)
    except Exception as error:
        job.reply.set_exception(error)
        return None


def _taken(name: str) -> RefusedError:
    return refused(409, f"session = {shortened(repr(name))}: must be another name than that of an open session")
