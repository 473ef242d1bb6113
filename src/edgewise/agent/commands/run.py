"""`edgewise agent run`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from edgewise.agent.agents import Setting, make_modules, read_options
from edgewise.agent.at_work import PAUSE_S, Teller, show_page, wait_for_ever
from edgewise.agent.conduct import Conduct, End, Limits
from edgewise.agent.device.adb_device import AdbDevice
from edgewise.agent.device.device import Device
from edgewise.agent.loop import run_agent
from edgewise.agent.permission import Allow, anything
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.phone.faults import Fault, Plan, read_faults, with_orders
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.session import Session, draw_session
from edgewise.agent.phone.state import State, World
from edgewise.agent.phone.tasks.suites import ALL, draw_tasks
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.steps import Watcher
from edgewise.agent.trajectory import Recorder
from edgewise.agent.truth import Truth
from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.common.table import unknown

SIMULATED = "simulated"
HIGHEST_PORT = 65535
"""The largest number of a port."""


@dataclass(frozen=True)
class Run:
    """Let an agent do something on a phone: a simulated one, or a real one behind adb.

    On a real phone it asks on the terminal before it deletes, orders or sends, and before it changes what the instruction does
    not name; on the simulated one the latter ends the run. Exit code 0 where the task is done.

    Attributes:
        instruction: what is to be done, in English; with --task that of the task.
        device: "simulated", or the serial number or HOST:PORT of a phone behind adb.
        modules: trained, rules, oracle, random, vlm, a name that a package has made known, or an agent's folder.
        option: of the back end, as NAME=VALUE; may be given several times.
        task: kind of a task of the simulated phone, such as send-place, so that success can be judged.
        seed: of the simulated phone, its task, faults, and modules that draw.
        language: of the simulated phone's apps. If None, drawn.
        unseen: the simulated phone has names, texts and looks that are kept for tests.
        faults: what goes wrong on it, as NAME[=CHANCE][@FIRST[-LAST]] separated by commas; see `edgewise phone simulate --help`.
        tree: whether the tree of elements may be used.
        verify: whether the agent looks again before it says that the task is done.
        out: new folder for the trajectory. If None, none is kept.
        max_steps: actions and looks, after which the run ends (`steps`); so do the other budgets, each with its name.
        max_calls: of modules, or of the language model behind them.
        max_tokens: sent and received.
        max_money: in the currency of the prices that are told (`--option price_read=...`).
        max_seconds: from the first look.
        yes: allow everything, whatever a model may have been talked into.
        ask: ask on the terminal on the simulated phone too.
        page: port of a page on the loopback that shows the simulated phone, until Ctrl-C; 0 for none.
        adb: path of the adb program. If None, that of the wheel of adbutils, else the one on PATH.
        server_port: of the adb server. If None, the usual one.
    """

    instruction: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="INSTRUCTION")] = ""
    device: Annotated[str, tyro.conf.arg(metavar="simulated|SERIAL")] = SIMULATED
    modules: Annotated[str, tyro.conf.arg(metavar="NAME|FOLDER")] = "rules"
    option: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    task: Annotated[str | None, tyro.conf.arg(metavar="KIND")] = None
    seed: int = 0
    language: Literal["en", "de", "es", "fr"] | None = None
    unseen: bool = False
    faults: str = ""
    tree: bool = True
    verify: bool = True
    out: Path | None = None
    max_steps: int = 40
    max_calls: int = 1000
    max_tokens: int = 2_000_000
    max_money: float = 5.0
    max_seconds: float = 1800.0
    yes: bool = False
    ask: bool = False
    page: int = 0
    adb: str | None = None
    server_port: int | None = None

    def check(self) -> None:
        """Require what goes together.

        Raises:
            ConfigurationError: naming the option.
        """
        check_integer("seed", self.seed, 0)
        check_integer("page", self.page, 0, HIGHEST_PORT)
        if self.yes and self.ask:
            raise ConfigurationError("yes, ask", "both", "one of them at most")
        if (self.task is None) == (not self.instruction.strip()):
            given = "both" if self.instruction else "none"
            raise ConfigurationError(
                "instruction, task", given, 'one of them: "Turn Wi-Fi off", or --task turn-setting'
            )
        if self.device != SIMULATED:
            for name in ("task", "faults", "page", "language", "unseen"):
                if getattr(self, name):
                    raise ConfigurationError(name, getattr(self, name), "left out on a phone that is not simulated")

    @property
    def conduct(self) -> Conduct:
        """Budgets and waits; the phone in this process is never late unnoticed."""
        limits = Limits(self.max_steps, self.max_calls, self.max_tokens, self.max_money, self.max_seconds)
        conduct = Conduct(limits, tree=self.tree, verify=self.verify)
        return replace(conduct, late_s=0.0) if self.device == SIMULATED else conduct


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Run, args=words, prog="edgewise agent run")
    options.check()
    return _simulated(options) if options.device == SIMULATED else _real(options)


def _asks(what: str) -> bool:
    """Ask on the terminal; whoever cannot answer has not agreed."""
    try:
        print(
            f"The agent is about to do something that may not be undone: {what}. Allow it? [y/N] ", end="", flush=True
        )
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except (OSError, ValueError):
        return False


def _replies(question: str) -> str | None:
    print(f"The agent asks: {question}", flush=True)
    return sys.stdin.readline().strip() or None if sys.stdin.isatty() else None


def _allows(options: Run) -> Allow | None:
    if options.yes:
        return anything
    return _asks if options.ask or options.device != SIMULATED else None


def _go(
    options: Run, instruction: str, device: Device, setting: Setting, apps: Sequence[str], teller: Teller
) -> tuple[End, Recorder | None]:
    modules = make_modules(options.modules, setting)
    recorder = None if options.out is None else Recorder(options.out, options.task or "", _seed(options))
    watchers: list[Watcher] = [teller]
    if recorder is not None:
        watchers.append(recorder)
    end = run_agent(
        instruction,
        device,
        modules,
        options.conduct,
        apps=apps,
        allow=_allows(options),
        reply=_replies,
        watchers=watchers,
    )
    return end, recorder


def _seed(options: Run) -> int | None:
    return options.seed if options.device == SIMULATED else None


def _real(options: Run) -> int:
    device = AdbDevice(options.device, options.adb, options.server_port)
    setting = Setting(options.seed, options.tree, None, read_options(options.option))
    end, _ = _go(options, options.instruction, device, setting, device.packages(), Teller(0.0))
    _tell_folder(options)
    return 0 if end.reason in ("success", "answer") else 1


def _simulated(options: Run) -> int:
    faults = read_faults(options.faults)
    session, task = _drawn(options, faults)
    truth = None if task is None else Truth(session, task)
    teller = Teller(PAUSE_S if options.page else 0.0)
    if options.page:
        print(show_page(session, options.page, teller.said), flush=True)
    setting = Setting(options.seed, options.tree, truth, read_options(options.option))
    instruction = options.instruction if task is None else task.instruction
    print(f"{instruction}  [simulated phone, seed {options.seed}, {session.state.skin.language}]")
    before = session.state.world
    end, recorder = _go(options, instruction, SimulatedDevice(session), setting, packages(), teller)
    print(f"shown: {session.state.place.app}, {session.state.place.page}")
    for line in changes(before, session.state.world):
        print(line)
    good = end.reason in ("success", "answer")
    if truth is not None:
        good = truth.succeeded
        print("task: done" if good else f"task: not done, {truth.done} of {len(truth.task.subgoals)} subgoals")
        if recorder is not None:
            recorder.judged(good)
    _tell_folder(options)
    if options.page:
        wait_for_ever()
    return 0 if good else 1


def _tell_folder(options: Run) -> None:
    if options.out is not None:
        print(f"trajectory: {options.out} (edgewise agent show {options.out})")


def _drawn(options: Run, faults: tuple[Fault, ...]) -> tuple[Session, Task | None]:
    """The phone and its task; where texts that give orders are among the faults, the task is drawn with them."""
    if options.task is None:
        return draw_session(options.seed, options.language, faults, options.unseen), None
    plan = Plan(faults, options.seed)

    def ordered(state: State) -> State:
        return replace(state, world=with_orders(state.world, plan))

    kinds = []
    for suite in ALL:
        for task in draw_tasks(suite, options.seed, options.language, options.unseen, ordered):
            kinds.append(task.name)
            if task.name == options.task:
                striking = tuple(each for each in faults if each.name != "orders")
                return Session(task.start, striking, options.seed), task
    raise unknown("task", options.task, kinds)


def changes(before: World, after: World) -> list[str]:
    """What is another in what the apps hold, in lines."""
    found = []
    for each in fields(World):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if isinstance(old, tuple):
            found += [f"{each.name}: without {one}" for one in old if one not in new]
            found += [f"{each.name}: with {one}" for one in new if one not in old]
        elif old != new:
            found.append(f"{each.name}: {new} instead of {old}")
    return found
