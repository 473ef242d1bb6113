"""What the live view remembers: the latest states of the latest sessions, and how decisions went."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from edgewise.drawing.scene import SERIES, Curve, Curves, Scene, ends
from edgewise.environments.service import Shown
from edgewise.serving.live.earlier import Earlier
from edgewise.serving.store import Change, DecisionRow

SESSIONS, STATES, DECISIONS = 8, 120, 1000
"""Sessions that are remembered, states of each, and decisions of each model. States share what does not change between them."""
COURSE = 60
"""Steps of a curve."""


@dataclass(frozen=True)
class Remembered:
    """A state of a session.

    Attributes:
        version: number of requests that had changed the session.
        state: of its service.
    """

    version: int
    state: Any


@dataclass(frozen=True)
class Tally:
    """How the latest decisions of a model went.

    Attributes:
        decisions: number of them.
        degraded: part that the reference rule gave.
        outside: part with something outside of what the policy was trained on.
        milliseconds: median time from question to action.
        policy: digest of the policy that gave the latest one.
    """

    decisions: int
    degraded: float
    outside: float
    milliseconds: float
    policy: str


class History:
    """Filled by requests, read by pages; any thread may do either.

    Args:
        earlier: what the database holds beside. If None, nothing.
    """

    def __init__(self, earlier: Earlier | None = None) -> None:
        self._earlier = earlier
        self._lock = threading.Lock()
        self._sessions: OrderedDict[tuple[str, str], deque[Remembered]] = OrderedDict()
        self._models: dict[tuple[str, str], str] = {}
        self._decisions: dict[str, deque[DecisionRow]] = {}
        self._shown: OrderedDict[tuple[str, str, int], Shown | None] = OrderedDict()

    def add(self, change: Change, state: Any) -> None:
        """A request has changed a session.

        Args:
            change: what was kept.
            state: of the service; None if the session was removed.
        """
        row, key = change.session, (change.session.system, change.session.id)
        with self._lock:
            if change.removed:
                self._sessions.pop(key, None)
                for shown in [each for each in self._shown if each[:2] == key]:
                    del self._shown[shown]
                return
            self._sessions.setdefault(key, deque(maxlen=STATES)).append(Remembered(row.version, state))
            self._sessions.move_to_end(key)
            self._models[key] = row.model
            while len(self._sessions) > SESSIONS:
                self._models.pop(self._sessions.popitem(last=False)[0], None)
            if change.decision is not None:
                light = replace(change.decision, observation=b"", action=b"")
                self._decisions.setdefault(row.model, deque(maxlen=DECISIONS)).append(light)

    def sessions(self) -> list[tuple[str, str]]:
        """System and name of the sessions, the latest first."""
        with self._lock:
            return list(reversed(self._sessions))

    def model(self, session: tuple[str, str]) -> str | None:
        """The model of a session."""
        with self._lock:
            return self._models.get(session)

    def states(self, session: tuple[str, str]) -> list[Remembered]:
        """States of a session, the oldest first."""
        with self._lock:
            return list(self._sessions.get(session, ()))

    def versions(self, session: tuple[str, str]) -> list[int]:
        """The versions of a session that can be shown, the oldest first."""
        known = [each.version for each in self.states(session)]
        kept = range(0) if self._earlier is None or not known else self._earlier.versions(session[1])
        return [*(version for version in kept if version < known[0]), *known] if known else []

    def tally(self, model: str) -> Tally | None:
        """How a model does; None before its first decision."""
        with self._lock:
            rows = list(self._decisions.get(model, ()))
        if not rows:
            return None
        return Tally(
            len(rows),
            sum(row.degraded for row in rows) / len(rows),
            sum(bool(row.outside) for row in rows) / len(rows),
            median(row.milliseconds for row in rows),
            rows[-1].policy,
        )

    def scene(self, session: tuple[str, str], version: int, show: Callable[[Any], Shown | None]) -> Scene | None:
        """What a session looked like, with its course up to then; None if there is nothing to be seen.

        Args:
            session: system and name.
            version: of the state.
            show: what its service shows of a state.
        """
        versions = [each for each in self.versions(session) if each <= version][-COURSE:]
        if not versions or versions[-1] != version:
            return None
        known = {each.version: each.state for each in self.states(session)}
        shown = [self._show(session, each, known.get(each), show) for each in versions]
        now = shown[-1]
        if now is None:
            return None
        return replace(now.scene, curves=(_course([each for each in shown if each is not None]), *now.scene.curves))

    def _show(
        self, session: tuple[str, str], version: int, state: Any, show: Callable[[Any], Shown | None]
    ) -> Shown | None:
        key = (*session, version)
        with self._lock:
            if key in self._shown:
                self._shown.move_to_end(key)
                return self._shown[key]
        if state is None and self._earlier is not None:
            state = self._earlier.state(self.model(session) or "", session[1], version)
        found = None if state is None else show(state)
        with self._lock:
            self._shown[key] = found
            while len(self._shown) > SESSIONS * STATES:
                self._shown.popitem(last=False)
        return found


def _course(shown: list[Shown]) -> Curves:
    """The followed numbers of several states, by their steps."""
    now = shown[-1]
    points: dict[str, dict[int, float]] = {}
    for each in shown:
        for label, (step, value) in each.course.items():
            points.setdefault(label, {})[step] = value
    curves = [
        Curve(label, tuple(map(float, sorted(found))), tuple(found[step] for step in sorted(found)), SERIES[place % len(SERIES)],
              dashed="rule" in label)
        for place, (label, found) in enumerate(points.items())
    ]  # fmt: skip
    curves = [replace(curve, tone="ink") if curve.dashed else curve for curve in curves]
    last = max((curve.x[-1] for curve in curves), default=1.0)
    first = min((curve.x[0] for curve in curves), default=0.0)
    return Curves(
        now.label, tuple(curves), now.step_word, now.unit, (min(first, last - 1), last), ends(*(curve.y for curve in curves)),
        now=float(now.step),
    )  # fmt: skip
