"""A simulated phone on which an agent that edge servers have built does a task, while a page shows it."""

from __future__ import annotations

from pathlib import Path

from edgewise.agent.at_work import PAUSE_S, Teller, show_page, wait_for_ever
from edgewise.agent.conduct import Conduct
from edgewise.agent.loop import run_agent
from edgewise.agent.modules.folder import modules_of
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.truth import Truth
from edgewise.common.errors import EdgewiseError
from edgewise.construction.agent import Agent
from edgewise.construction.arrival import current_agent
from edgewise.construction.ground import Stage


class PhoneStage(Stage):
    """A simulated phone with a task.

    Args:
        task: that is done.
        port: of the page on the loopback; 0 for a free one. If None, there is none.

    Raises:
        EdgewiseError: if the port is taken.
    """

    def __init__(self, task: Task, port: int | None) -> None:
        self._task, self._session = task, Session(task.start)
        self._teller = Teller(0.0 if port is None else PAUSE_S)
        self._address = "" if port is None else show_page(self._session, port, self._said)

    def _said(self) -> str:
        return self._teller.said() or f"{self._task.instruction}\nThe agent that will be asked for it is being built."

    @property
    def told(self) -> str:
        asked = f'The agent will be asked on a simulated phone: "{self._task.instruction}"'
        return f"{asked}\n{self._address} shows the phone" if self._address else asked

    def play(self, folder: Path) -> str:
        place = current_agent(folder)
        if place is None:
            raise EdgewiseError(f"{folder}: no agent has arrived yet")
        agent = Agent.load(place)
        modules = modules_of(agent, str(place))
        self._session.become(self._task.start)
        truth = Truth(self._session, self._task)
        plain = [name for name, module in modules.names.items() if not module.startswith("jax:")]
        built = ", ".join(agent.modules)
        print(
            f'"{self._task.instruction}", with {built} as edge servers have built them, {", ".join(plain)} by plain rules'
        )
        end = run_agent(
            self._task.instruction,
            SimulatedDevice(self._session),
            modules,
            Conduct(late_s=0.0),
            apps=packages(),
            watchers=(self._teller,),
        )
        done = "done" if truth.succeeded else f"not done, {truth.done} of {len(self._task.subgoals)} subgoals"
        return f'"{self._task.instruction}": {done}, {end.steps} steps; the agent has ended with "{end.reason}"'

    def stay(self) -> None:
        if self._address:
            wait_for_ever()
