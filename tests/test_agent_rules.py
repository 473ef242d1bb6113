"""Plain rules: instructions as goals, and what they make of screens."""

from __future__ import annotations

import pytest

from agent_parts import at_work, make_pictures_quick, some_task
from edgewise.agent.agents import AGENTS, Setting
from edgewise.agent.modules.interfaces import Decision, Intent, Situation
from edgewise.agent.modules.rules.agent import act, decide, plan
from edgewise.agent.modules.rules.forms import Found, is_set, number
from edgewise.agent.modules.rules.goals import Field, Value
from edgewise.agent.modules.rules.instruction import goals_of
from edgewise.agent.modules.rules.meanings import find, likeness, means, named
from edgewise.agent.phone.tasks.suites import SUITES, draw_tasks
from edgewise.agent.screen import Item, Screen


@pytest.mark.parametrize("suite", SUITES)
def test_every_kind_of_task_is_understood_with_as_many_goals_as_it_has(suite: str) -> None:
    for task in draw_tasks(suite, 11, "en", unseen=True):
        assert len(goals_of(task.instruction)) == len(task.subgoals), task.instruction


@pytest.mark.parametrize(
    ("instruction", "goals"),
    [
        ("Switch on Bluetooth", ["turn bluetooth"]),
        ("send the address of City Library to Ben", ["look address City Library", "press send Ben"]),
        ('Write "on my way" to Ana', ["press send Ana"]),
        ("Turn Wi-Fi off, then show the sound settings", ["turn wifi", "show sound"]),
        ("Remove the note “Gym plan”", ["delete Gym plan"]),
        (
            "Buy Desk lamp to the address of Ana Costa",
            ["look address Ana Costa", "press take Desk lamp", "press order"],
        ),
        ('Enter "Ana" into the text field and press Submit.', ["fill message", "touch Submit"]),
        ('Click on the "ok" button.', ["touch ok"]),
        ("Paint the ceiling", []),
    ],
)
def test_other_words_are_understood_too(instruction: str, goals: list[str]) -> None:
    found = plan(Situation(instruction=instruction, screen=Screen(width=1, height=1))).subgoals
    assert list(found) == goals


def test_what_is_not_understood_is_not_feasible() -> None:
    situation = Situation(instruction="Paint the ceiling", screen=Screen(width=1, height=1))
    decision = decide(situation)
    assert act(Intent(situation=situation, decision=decision)).outcome == "infeasible"
    assert not plan(situation).done


def item(number: int = 0, **more: object) -> Item:
    return Item.model_validate({"number": number, "box": (0, 0, 10, 10), "touchable": True, **more})


@pytest.mark.parametrize(
    ("meaning", "more", "sure"),
    [
        ("delete", {"resource": "delete"}, 3),
        ("delete", {"description": "Löschen"}, 2),
        ("delete", {"sign": "bin"}, 2),
        ("save", {"text": "Enregistrer"}, 2),
        ("send", {"resource": "btn_send"}, 1),
        ("hours", {"resource": "hours_less"}, 0),
        ("order", {"resource": "orders", "text": "Pedidos"}, 0),
        ("add", {"text": "Address"}, 0),
    ],
)
def test_meanings_are_read_from_resources_words_and_signs(meaning: str, more: dict[str, str], sure: int) -> None:
    assert means(item(**more), meaning) == sure


def test_the_surest_item_is_found_and_fields_are_no_buttons() -> None:
    screen = Screen(
        width=10,
        height=10,
        items=(item(0, text="Basket"), item(1, resource="basket"), item(2, role="field", text="Save")),
    )
    found = find(screen, "basket")
    assert found is not None
    assert found.number == 1
    assert find(screen, "save") is None


@pytest.mark.parametrize(
    ("text", "name", "alike"),
    [
        ("Júlia Xu", "Julia Xu", True),
        ("Ana Costa", "Ana", True),
        ("Zoe Weber junior", "Zoe Weber", False),
        ("Hotei Miramar", "Hotel Miramar", True),
        ("07:30", "07:35", False),
        ("Ben", "Hana", False),
        ("", "Hana", False),
    ],
)
def test_names_are_known_again_though_read_with_an_error(text: str, name: str, alike: bool) -> None:
    assert (likeness(text, name) > 0) == alike


def test_of_two_names_the_nearer_is_taken() -> None:
    screen = Screen(width=10, height=10, items=(item(0, text="Ana Costa"), item(1, text="Ana")))
    found = named(screen, "Ana")
    assert found is not None
    assert found.number == 1


def test_values_are_compared_as_numbers_times_and_texts() -> None:
    level, typed = Field("hours", Value("9:00"), level=True), Field("title", Value("Hi there"))
    assert number("09:00") == number("9:00") == 540
    assert number("nothing") is None
    assert is_set(Found(item(), "09:00"), level, "9:00")
    assert not is_set(Found(item(), ""), level, "9:00")
    assert is_set(Found(item(), "Hi  there"), typed, "Hi there")
    assert not is_set(Found(item(), "Hi"), typed, "Hi there")


def test_rules_do_a_task_of_many_steps_in_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures_quick(monkeypatch)
    task = some_task("forget-contact", 8)
    end, truth = at_work(task, "rules")
    assert (end.reason, truth.succeeded) == ("success", True)


def test_rules_are_found_by_name() -> None:
    modules = AGENTS.find("rules")(Setting())
    assert modules.names["decision"] == "rules"
    assert isinstance(
        modules.decision(Situation(instruction="Turn Wi-Fi off", screen=Screen(width=1, height=1))), Decision
    )
