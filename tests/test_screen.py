"""What an agent perceives of a tree of elements, and which actions are whole."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from edgewise.agent.actions import NEEDS, Action, Kind
from edgewise.agent.device.elements import read_tree
from edgewise.agent.perception.tree import screen_of
from edgewise.agent.phone.core import Open, Tap, draw_phone, step, view
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tree import tree
from edgewise.agent.phone.widgets import inside
from edgewise.agent.screen import MOST, Screen


def seen(state: State) -> Screen:
    return screen_of(read_tree(tree(state)), state.size)


@pytest.mark.parametrize("app", ["launcher", "settings", "contacts", "messages", "notes", "clock", "shop", "maps"])
def test_every_widget_that_can_be_touched_is_an_item_with_its_place(app: str) -> None:
    state = step(draw_phone(5, unseen=True), Open(app))
    screen = seen(state)
    assert [item.number for item in screen.items] == list(range(len(screen.items)))
    for widget in view(state).widgets:
        if widget.event is not None and widget.middle[1] < screen.height:
            found = [item for item in screen.items if item.box == widget.seen]
            assert len(found) == 1, widget
            assert found[0].touchable
            assert found[0].holdable == (widget.hold is not None)
            assert inside(found[0].box, *found[0].middle)


def test_a_row_is_one_item_with_its_lines_and_a_switch_says_whether_it_is_on() -> None:
    contacts = seen(step(draw_phone(3, "en"), Open("contacts")))
    person = draw_phone(3, "en").world.contacts[0]
    row = next(item for item in contacts.items if item.text == person.name)
    assert (row.role, row.detail, row.resource, row.holdable) == ("row", person.phone, "contact", True)
    assert contacts.title == "Contacts"
    alarms = seen(step(draw_phone(3, "en"), Open("clock")))
    switches = [item.checked for item in alarms.items if item.resource == "alarm"]
    assert switches == [alarm.on for alarm in draw_phone(3, "en").world.alarms]


def test_a_field_is_empty_although_its_hint_is_shown() -> None:
    state = step(draw_phone(3, "en"), Open("maps"))
    field = next(item for item in seen(state).items if item.role == "field")
    assert (field.text, field.detail, field.focused) == ("", "Search", False)
    touched = seen(step(state, Tap(*field.middle)))
    assert next(item for item in touched.items if item.role == "field").focused


def test_the_smallest_are_left_out_of_a_crowded_display() -> None:
    nodes = "".join(
        f'<node text="{place}" class="android.widget.Button" clickable="true" bounds="[0,{place}][{1 + place},{1 + place}]"/>'
        for place in range(MOST + 9)
    )
    root = read_tree(f'<hierarchy><node class="a.Frame" bounds="[0,0][100,100]">{nodes}</node></hierarchy>')
    screen = screen_of(root, (100, 100))
    assert [item.text for item in screen.items] == [str(place) for place in range(9, MOST + 9)]


@pytest.mark.parametrize("kind", NEEDS)
def test_an_action_without_what_it_needs_is_refused(kind: Kind) -> None:
    with pytest.raises(ValidationError, match="needs"):
        Action(kind=kind)


def test_an_action_has_no_unknown_field_and_no_point_outside() -> None:
    with pytest.raises(ValidationError):
        Action.model_validate({"kind": "tap", "item": 1, "force": 3})
    with pytest.raises(ValidationError, match="0 to 1000"):
        Action(kind="swipe", start=(0, 0), end=(0, 1001))
