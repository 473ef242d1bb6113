"""The agent that an edge server serves: loaded, replaced by another in one step, and the way back."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file
from edgewise.common.table import unknown
from edgewise.construction.agent import LOCK_FILE, Agent
from edgewise.construction.arrival import AGENTS, current_agent, set_current
from edgewise.construction.artefact import Refused
from edgewise.construction.ground import ground_of, ground_of_agent
from edgewise.construction.kind import SYNTHETIC
from edgewise.construction.steps import After, Move, Outcome, View, moves, reflect
from edgewise.serving.logs import LOG

HISTORY_FILE = "history.json"
"""In the folder of the agents: names of those that were served, the present one last."""
KEPT = 20
"""Names of the history that are kept."""
LATENCIES = 1000
"""Latest requests whose times are kept."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Served:
    """An agent at work.

    Attributes:
        version: name of its folder.
        agent: it.
        since: when it was loaded, s since 1970.
        milliseconds: latest times of its answers; filled as it answers.
    """

    version: str
    agent: Agent
    since: float
    milliseconds: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES), repr=False)

    @property
    def median_ms(self) -> float | None:
        """Median time of its latest answers; None before the first one."""
        return median(self.milliseconds) if self.milliseconds else None


class Deployment:
    """The agents of an edge server's folder, and the one that is served.

    Args:
        folder: of the edge server; agents arrive in it, see `arrival.take_agent`.
        trusted: public key of the cloud server that must have signed an agent. If None, any may have.
    """

    def __init__(self, folder: Path, trusted: str | None = None) -> None:
        self.folder, self.trusted = folder, trusted
        self.served: Served | None = None
        self.answers = 0
        self._refused: dict[str, str] = {}
        self._changing = threading.RLock()

    @property
    def ready(self) -> bool:
        """Whether an agent answers."""
        return self.served is not None

    def refresh(self) -> bool:
        """Serve the folder's current agent, if it is another one than now; one that is refused is told in the log once.

        Returns:
            Whether another agent is served now.
        """
        with self._changing:
            place = current_agent(self.folder)
            if place is None or place.name in self._refused or (self.served and place.name == self.served.version):
                return False
            try:
                self._serve(place.name)
            except EdgewiseError as error:
                self._refused[place.name] = str(error)
                LOG.error("refused", agent=place.name, why=str(error))
                if self.served is not None:
                    set_current(self.folder, self.served.version)
                return False
            return True

    def load(self, version: str) -> Served:
        """Serve an agent that has arrived.

        Args:
            version: its name, or the beginning of it.

        Raises:
            ConfigurationError: if there is none of that name.
            Refused: if it was changed, or signed by another than the trusted cloud; the one that is served goes on.
        """
        found = [name for name in self.versions() if version and name.startswith(version)]
        if len(found) != 1:
            raise unknown("version", version, self.versions())
        with self._changing:
            served = self._serve(found[0])
            set_current(self.folder, found[0])
        return served

    def roll_back(self) -> Served:
        """Serve the agent again that was served before this one.

        Raises:
            EdgewiseError: if there was none, or it has gone.
        """
        with self._changing:
            earlier = [name for name in self.history()[:-1] if name in self.versions()]
            if not earlier:
                raise EdgewiseError("no agent was served before this one: nothing to go back to")
            served = self._serve(earlier[-1], back=True)
            set_current(self.folder, earlier[-1])
        return served

    def versions(self) -> list[str]:
        """Names of the agents that have arrived, the latest last."""
        found = [path.parent for path in (self.folder / AGENTS).glob(f"*/{LOCK_FILE}")]
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime) if path.name[0] != "."]

    def history(self) -> list[str]:
        """Names of the agents that were served, the present one last."""
        try:
            names = json.loads((self.folder / AGENTS / HISTORY_FILE).read_bytes())
        except (OSError, ValueError):
            return []
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []

    def decide(self, view: View) -> tuple[Move, Served]:
        """What the agent does next, and which agent has said so.

        Raises:
            EdgewiseError: if none is served.
        """
        return self._answered(lambda agent: moves(_on_telephone(agent), [view])[0])

    def reflect(self, after: After) -> tuple[Outcome, Served]:
        """How a move went, and which agent has said so.

        Raises:
            EdgewiseError: if none is served.
        """
        return self._answered(lambda agent: reflect(_on_telephone(agent), [after])[0])

    def _answered(self, ask: Callable[[Agent], Answer]) -> tuple[Answer, Served]:
        served = self.served  # the one that begins a request ends it
        if served is None:
            raise EdgewiseError("no agent has arrived yet")
        began = time.perf_counter()
        answer = ask(served.agent)
        served.milliseconds.append(1000 * (time.perf_counter() - began))
        self.answers += 1
        return answer, served

    def _serve(self, version: str, back: bool = False) -> Served:
        """Load an agent, let it answer once, and put it into the place of the one that is served."""
        agent = Agent.load(self.folder / AGENTS / version, self.trusted)
        if agent.lock.digest != version:
            raise Refused("digest", f"the agent in {version[:80]} is {agent.lock.digest}")
        ground_of_agent(agent).warm(agent)
        served = Served(version, agent, time.time())
        history = self.history()
        if back:
            history = history[: len(history) - 1 - history[::-1].index(version)]
        if history[-1:] != [version]:
            replace_file(self.folder / AGENTS / HISTORY_FILE, json.dumps([*history, version][-KEPT:]).encode())
        self.served = served
        LOG.info("serves", agent=version, message=agent.message)
        return served


def _on_telephone(agent: Agent) -> Agent:
    """An agent that decides in views of a synthetic telephone.

    Raises:
        EdgewiseError: if its modules are for something else.
    """
    kinds = [module.manifest.kind for module in agent.modules.values()]
    if ground_of(kinds) != SYNTHETIC:
        told = ", ".join(kinds)
        raise EdgewiseError(f"an agent of {told} works on another ground: ask its modules alone, or let it run there")
    return agent
