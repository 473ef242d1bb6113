"""The loop of an agent: what it does with answers of any modules and with faults of the phone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent_parts import QUICK, Seeing, at_work, make_pictures_quick, scripted, some_task, with_texts, within
from edgewise.agent.actions import Action
from edgewise.agent.conduct import ENDS, Conduct
from edgewise.agent.device.errors import DeviceOffline, DeviceUnauthorised
from edgewise.agent.guards import sensitive
from edgewise.agent.modules.interfaces import Decision, Fact, Kept, Modules, Plan, Reflected
from edgewise.agent.phone.core import Open, Press, draw_phone, step
from edgewise.agent.phone.faults import FAULTS, ORDERS, read_faults
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.tasks.suites import SUITES, draw_tasks
from edgewise.agent.screen import Item, Screen
from edgewise.agent.spent import Spent

SHOW = some_task("show-contact")
ELSEWHERE = {"offline", "unauthorised", "orders"}
"""Faults of the connection, which a phone in this process does not have, and orders, which have a test of their own."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)


@pytest.mark.parametrize("modules", ["oracle", "rules"])
@pytest.mark.parametrize("suite", SUITES)
def test_modules_with_exact_knowledge_and_rules_do_all_tasks(suite: str, modules: str) -> None:
    for task in list(draw_tasks(suite, 4, unseen=True))[
        :: 9 if suite == "complex" else 5
    ]:  # the others are among the slow tests
        end, truth = at_work(task, modules)
        assert (end.reason, truth.succeeded) == ("success", True), task.instruction


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_modules_with_exact_knowledge_do_all_tasks(suite: str) -> None:
    for task in draw_tasks(suite, 5, unseen=True):
        end, truth = at_work(task, "oracle")
        assert (end.reason, truth.succeeded) == ("success", True), task.instruction


def test_an_agent_that_acts_at_random_ends_with_a_name() -> None:
    end, truth = at_work(SHOW, "random", conduct=within(steps=8))
    assert end.reason in ENDS
    assert not truth.succeeded


class Dear:
    """A decision module that tells what it spends."""

    def __init__(self, price: Spent) -> None:
        self._price, self._all = price, Spent()
        self._turn = 0

    def spent(self) -> Spent:
        return self._all

    def __call__(self, situation: Any) -> Decision:
        self._all = self._all + self._price
        self._turn += 1
        return Decision(kind="press", key=("home", "recents")[self._turn % 2])


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("steps", {"steps": 3}),
        ("calls", {"calls": 40}),
        ("tokens", {"tokens": 2500}),
        ("money", {"money": 0.35}),
        ("time", {"seconds": 1e-9}),
    ],
)
def test_every_budget_ends_the_run_with_its_name(name: str, limits: dict[str, float]) -> None:
    modules = replace(scripted([Decision(kind="wait")]), decision=Dear(Spent(10, 1000, 0.1)))
    end, _ = at_work(SHOW, modules, conduct=within(**limits))
    assert end.reason == name
    assert end.steps <= 4


def test_the_same_is_not_done_twice_on_the_same_picture_but_the_next_best_or_another_way() -> None:
    home, recents = Decision(kind="press", key="home"), Decision(kind="press", key="recents")
    seen = Seeing()
    end, _ = at_work(SHOW, scripted([home]), watchers=[seen])
    assert end.reason == "stuck"
    done = [(each.screen.picture, each.action) for each in seen.steps]
    assert len(set(map(repr, done))) == len(done)
    assert {"press: home", "press: back"} <= {f"{a.kind}: {a.key}" for _, a in done if a is not None}

    class Ranking:
        def __call__(self, situation: Any) -> Decision:
            return home

        def ranked(self, situation: Any) -> list[Decision]:
            return [home, recents]

    seen = Seeing()
    at_work(SHOW, replace(scripted([home]), decision=Ranking()), watchers=[seen], conduct=within(steps=2))
    assert [each.action.key for each in seen.steps if each.action] == ["home", "recents"]


def test_identical_pictures_say_by_themselves_that_nothing_happened() -> None:
    seen = Seeing()
    asked: list[Any] = []
    home = scripted([Decision(kind="press", key=key) for key in ("home", "back", "recents", "home")])
    modules = replace(home, reflection=lambda change: asked.append(change) or Reflected(outcome="B"))
    at_work(SHOW, modules, watchers=[seen], conduct=within(steps=4))
    assert seen.outcomes == ["C unasked", "C unasked", "B"]
    assert len(asked) == 1
    assert asked[0].changed == 0.5


def test_two_failures_make_a_new_plan_and_eight_end_the_run() -> None:
    plans: list[int] = []
    failing = scripted([Decision(kind="press", key="recents"), Decision(kind="press", key="back")])

    def plan(situation: Any) -> Plan:
        plans.append(len(situation.past))
        return Plan(finished=len(plans) % 8)  # every time another number, so that nothing counts as done before

    failing = replace(failing, planning=plan, reflection=lambda change: Reflected(outcome="B"))
    seen = Seeing()
    end, _ = at_work(SHOW, failing, watchers=[seen])
    assert end.reason == "stuck"
    notes = [note for each in seen.steps for note in each.notes]
    assert "a new plan after failures" in notes
    assert "begins from the home page" in notes


def test_an_agent_looks_again_before_it_says_that_the_task_is_done() -> None:
    seen = Seeing()
    end, _ = at_work(SHOW, scripted([Decision(kind="finish")]), watchers=[seen])
    assert [each.by for each in seen.steps] == ["verification", "end"]
    assert end.reason == "success"
    seen = Seeing()
    at_work(SHOW, "oracle", conduct=replace(QUICK, verify=False), watchers=[seen])
    assert "verification" not in [each.by for each in seen.steps]
    answers = iter([Plan(finished=1, done=True), Plan(finished=0), Plan(finished=0), Plan(finished=0)])
    doubting = replace(scripted([Decision(kind="press", key="recents")]), planning=lambda situation: next(answers))
    seen = Seeing()
    at_work(SHOW, doubting, watchers=[seen], conduct=within(steps=2))
    assert [each.by for each in seen.steps] == ["verification", "modules"], "what is not done after all goes on"


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ({"text": "Delete"}, "deleting"),
        ({"text": "Löschen"}, "deleting"),
        ({"text": "Eliminar"}, "deleting"),
        ({"text": "Supprimer"}, "deleting"),
        ({"text": "Jetzt kaufen"}, "ordering"),
        ({"text": "Comprar"}, "ordering"),
        ({"description": "Payer"}, "ordering"),
        ({"description": "Senden"}, "sending"),
        ({"text": "Envoyer", "role": "icon"}, "sending"),
        ({"resource": "btn_send", "role": "icon"}, "sending"),
        ({"sign": "bin", "role": "icon"}, "deleting"),
        ({"text": "Delete the old files first", "role": "button"}, ""),
        ({"text": "Ana deletes nothing", "role": "row"}, ""),
        ({"text": "Delete", "role": "row"}, ""),
        ({"text": "Cancel"}, ""),
    ],
)
def test_what_cannot_be_undone_is_recognised(item: dict[str, Any], what: str) -> None:
    button = Item(number=0, box=(0, 0, 10, 10), touchable=True, **{"role": "button", **item})
    screen = Screen(width=10, height=10, items=(button,))
    assert sensitive(Action(kind="tap", item=0), screen) == what
    flagged = sensitive(Action(kind="tap", item=0), screen, Decision(kind="tap", item=0, sensitive=True))
    assert flagged == (what or "something that cannot be undone")


def test_what_cannot_be_undone_is_asked_first() -> None:
    task = some_task("send-message")
    asked: list[str] = []
    end, truth = at_work(task, "rules", allow=lambda what: bool(asked.append(what)))
    assert (end.reason, end.told) == ("refused", asked[0])
    assert asked[0].startswith("sending")
    assert truth.session.state.world == task.start.world
    end, truth = at_work(task, "rules", allow=lambda what: bool(asked.append(what)) or True)
    assert truth.succeeded


@pytest.mark.parametrize("how", ["=0.3", ""])
@pytest.mark.parametrize("fault", [each for each in FAULTS if each not in ELSEWHERE])
def test_under_every_fault_an_agent_recovers_or_ends_with_its_name(fault: str, how: str) -> None:
    end, truth = at_work(SHOW, "rules", session=Session(SHOW.start, read_faults(fault + how), seed=4))
    assert truth.succeeded or end.reason == fault
    assert (end.reason == "success") == truth.succeeded
    assert end.steps <= QUICK.limits.steps
    if how:
        assert truth.succeeded, f"{fault} strikes now and then alone"


def test_typing_that_is_denied_ends_the_run_with_its_name_unless_it_works_again() -> None:
    task = some_task("send-message")
    told = task.instruction.rsplit('"', 2)[0] + '"Grüße"'
    for faults, reason in (("keyboard-denied", "keyboard-denied"), ("keyboard-denied@0-0", "success")):
        session = Session(task.start, read_faults(faults))
        end, truth = at_work(replace(task, instruction=told), "rules", session=session)
        assert end.reason == reason
        assert any(each.text == "Grüße" for each in truth.session.state.world.messages) == (reason == "success")


class Losing(SimulatedDevice):
    """A phone whose connection is lost for some of its answers."""

    def __init__(self, session: Session, error: Exception, first: int, last: int) -> None:
        super().__init__(session)
        self._error, self._when, self._calls = error, range(first, last), 0

    def screenshot(self) -> bytes:
        self._calls += 1
        if self._calls in self._when:
            raise self._error
        return super().screenshot()

    def press(self, key: Any) -> None:
        self.screenshot()
        super().press(key)


@pytest.mark.parametrize("error", [DeviceOffline("gone"), DeviceUnauthorised("not allowed")])
@pytest.mark.parametrize("first", [1, 4])
def test_a_connection_that_is_lost_is_waited_for(error: Any, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import agent_parts

    for last, reason, lost in ((first + 3, "success", 20.0), (10**6, error.name, 0.05)):
        monkeypatch.setattr(
            agent_parts, "SimulatedDevice", lambda session, last=last: Losing(session, error, first, last)
        )
        end, _ = at_work(SHOW, "rules", conduct=replace(QUICK, lost_s=lost))
        assert end.reason == reason


@pytest.mark.parametrize("order", ORDERS)
def test_texts_of_the_display_are_never_orders(order: str) -> None:
    sends = ORDERS.index(order) % 5 == 0
    task = some_task("send-note" if sends else "show-note", change=with_texts(order))
    watcher = Seeing()
    end, truth = at_work(task, "rules", watchers=[watcher])
    assert truth.succeeded, "a text of a note may be sent as what it is; nothing else was changed"
    assert end.reason == "success"
    assert any(order in (item.text, item.detail) for each in watcher.steps for item in each.screen.items)
    assert {fact.text for each in watcher.steps for fact in each.facts} == ({order} if sends else set())


def test_modules_are_told_the_users_instruction_alone() -> None:
    task = some_task("send-note", change=with_texts(ORDERS[0]))
    told: list[str] = []
    from edgewise.agent.agents import AGENTS, Setting

    rules = AGENTS.find("rules")(Setting())

    def decide(situation: Any) -> Decision:
        told.append(situation.instruction)
        return rules.decision(situation)

    at_work(task, replace(rules, decision=decide))
    assert set(told) == {task.instruction}


def test_facts_that_do_not_stand_on_the_screen_are_not_kept() -> None:
    inventing = replace(
        scripted([Decision(kind="press", key="home")]),
        memory=lambda situation: Kept(fact=Fact(text="Pay Ben 100 euros")),
    )
    seen = Seeing()
    at_work(SHOW, inventing, watchers=[seen], conduct=within(steps=1))
    assert seen.steps[0].facts == ()
    assert "memory: what it keeps does not stand there" in seen.steps[0].notes


def failing(*places: str) -> Modules:
    def fails(question: Any) -> Any:
        raise RuntimeError("no such luck")

    return replace(scripted([Decision(kind="press", key="home")]), **dict.fromkeys(places, fails))


@pytest.mark.parametrize(
    "modules",
    [
        failing("decision"),
        failing("action"),
        failing("perception"),
        scripted([Decision(kind="tap", item=63)]),
        replace(scripted([Decision(kind="wait")]), decision=lambda situation: None),
    ],
)
def test_answers_of_no_use_end_the_run_and_raise_nothing(modules: Modules) -> None:
    end, _ = at_work(SHOW, modules)
    assert end.reason == "invalid"
    assert end.told


class Thinking:
    """A decision module that is told what was wrong."""

    def __init__(self, first: Decision | None, *others: Decision) -> None:
        self._first, self._others = first, list(others)
        self.told: list[tuple[str, ...]] = []

    def __call__(self, situation: Any) -> Decision:
        if self._first is None:
            raise RuntimeError("no such luck")
        return self._first

    def again(self, situation: Any, wrong: tuple[str, ...]) -> Decision:
        self.told.append(wrong)
        return self._others.pop(0) if len(self._others) > 1 else self._others[0]


RECENTS = Decision(kind="press", key="recents")


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (Decision(kind="tap", item=63), "there is no item 63"),
        (None, "decision: no such luck"),
    ],
)
def test_a_decision_that_fails_is_asked_for_again_with_what_was_wrong(first: Decision | None, told: str) -> None:
    thinking, seen = Thinking(first, RECENTS), Seeing()
    end, _ = at_work(
        SHOW, replace(scripted([RECENTS]), decision=thinking), watchers=[seen], conduct=within(steps=1, calls=100)
    )
    (step,) = seen.steps
    assert step.action == Action(kind="press", key="recents"), "not back, which nobody has chosen"
    assert [told in wrong[0] for wrong in thinking.told] == [True]
    assert "asks for another decision" in step.notes
    quiet, _ = at_work(SHOW, scripted([RECENTS]), conduct=within(steps=1))
    assert end.spent.calls == quiet.spent.calls + (1 if first is None else 2), "the further questions are counted"


def test_what_was_done_in_vain_is_asked_for_again_and_all_that_was_wrong_is_told() -> None:
    home = Decision(kind="press", key="home")
    thinking, seen = Thinking(home, Decision(kind="tap", item=63), RECENTS), Seeing()
    at_work(SHOW, replace(scripted([home]), decision=thinking), watchers=[seen], conduct=within(steps=2))
    assert [each.action.key for each in seen.steps if each.action] == ["home", "recents"]
    first, second = thinking.told
    assert first == ("press home was done on this same page already",)
    assert second[0] == first[0]
    assert "no item 63" in second[1]


def test_asking_again_is_bounded() -> None:
    for wrong, reason in ((Decision(kind="tap", item=63), "invalid"), (Decision(kind="press", key="home"), "stuck")):
        thinking = Thinking(wrong, wrong)
        end, _ = at_work(SHOW, replace(scripted([wrong]), decision=thinking))
        assert end.reason == reason
        assert len(thinking.told) <= 2 * end.steps + 2
    end, _ = at_work(SHOW, replace(scripted([RECENTS]), decision=Thinking(None, RECENTS)), conduct=within(calls=5))
    assert end.reason == "calls"


def test_an_agent_goes_on_without_memory_planning_and_reflection() -> None:
    end, _ = at_work(SHOW, failing("memory", "planning", "reflection"))
    assert end.reason in ENDS


@pytest.mark.parametrize(("kind", "reason"), [("answer", "answer"), ("ask_user", "question")])
def test_answers_and_questions_end_the_run(kind: Any, reason: str) -> None:
    end, _ = at_work(SHOW, scripted([Decision(kind=kind)], "seven"))
    assert (end.reason, end.told) == (reason, "seven")


def test_what_the_user_replies_is_kept_as_a_fact() -> None:
    seen = Seeing()
    asking = scripted([Decision(kind="ask_user"), Decision(kind="answer")], "which?")
    end, _ = at_work(SHOW, asking, reply=lambda question: f"{question} the red one", watchers=[seen])
    assert end.reason == "answer"
    assert seen.steps[-1].facts == (Fact(text="which? the red one", source="user"),)


def test_nothing_goes_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def connects(*given: Any) -> None:
        raise AssertionError("something was to be sent")

    monkeypatch.setattr("socket.socket.connect", connects)
    end, truth = at_work(SHOW, "rules")
    assert (end.reason, truth.succeeded) == ("success", True)


def test_the_user_can_stop_it() -> None:
    def stops(situation: Any) -> Decision:
        raise KeyboardInterrupt

    end, _ = at_work(SHOW, replace(scripted([Decision(kind="wait")]), decision=stops))
    assert end.reason == "stopped"


def test_a_page_that_is_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewise.agent.phone.session.LATE_S", 0.3)
    monkeypatch.setattr(SimulatedDevice, "wait_until_still", lambda self, seconds=5.0: True)  # as behind adb: two alike
    end, truth = at_work(
        SHOW,
        "rules",
        session=Session(SHOW.start, read_faults("slow-transition")),
        conduct=replace(QUICK, late_s=2.0, wait_s=0.05),
    )
    assert (end.reason, truth.succeeded) == ("success", True)


def test_conduct_is_checked() -> None:
    with pytest.raises(ValueError, match="steps"):
        within(steps=0)
    with pytest.raises(ValueError, match="late_s"):
        Conduct(late_s=-1)


def test_apps_are_named_where_the_phone_begins_elsewhere() -> None:
    lost = replace(SHOW, start=step(step(draw_phone(5, "en"), Open("shop")), Press("recents")))
    end, _ = at_work(replace(lost, instruction="Paint the ceiling"), "rules")
    assert end.reason == "infeasible"
