"""The simulated phone: exact state, pictures, trees, gestures, faults."""

from __future__ import annotations

import io
import random
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from edgewise.agent.phone.core import Open, Press, Swipe, Tap, Type, app_names, draw_phone, step, view
from edgewise.agent.phone.faults import FAULTS, read_faults
from edgewise.agent.phone.picture import picture
from edgewise.agent.phone.png import png
from edgewise.agent.phone.session import Session, draw_session
from edgewise.agent.phone.skins import LANGUAGES, draw_skin
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tree import tree
from edgewise.agent.phone.widgets import Widget
from edgewise.agent.phone.words import keys, say
from edgewise.common.errors import ConfigurationError


def shown(state: State, name: str, text: str = "") -> Widget:
    """The widget of a name, and of a text if several have it."""
    found = [each for each in view(state).widgets if each.part.name == name and text in each.part.text]
    assert found, f"{name} {text} is not among {[(each.part.name, each.part.text) for each in view(state).widgets]}"
    return found[0]


def touch(state: State, name: str, text: str = "") -> State:
    return step(state, Tap(*shown(state, name, text).middle))


def wander(state: State, rng: random.Random, steps: int) -> list[State]:
    """States that random touches lead through, long presses, texts and buttons among them."""
    found = [state]
    for _ in range(steps):
        screen = view(state)
        touched = [each for each in (*screen.widgets, *screen.keys, *screen.navigation) if each.event or each.hold]
        x, y = rng.choice(touched).middle if touched else (500, 1000)
        chosen = rng.random()
        if chosen < 0.75:
            state = step(state, Tap(x, y))
        elif chosen < 0.83:
            state = step(state, Swipe(x, y, x, y, 0.8))
        elif chosen < 0.9:
            state = step(state, Swipe(500, 1500, 500, 1500 - rng.choice((-700, 700))))
        elif chosen < 0.95:
            state = step(state, Type(rng.choice(("Ana", "ß 東 é", 'a & <b> "c"'))))
        else:
            state = step(state, Press(rng.choice(("back", "home", "recents", "enter", "delete"))))
        found.append(state)
    return found


@pytest.fixture(scope="module")
def walks() -> list[State]:
    return [
        state for seed in range(6) for state in wander(draw_phone(seed, unseen=seed % 2 == 1), random.Random(seed), 60)
    ]


def test_the_same_seed_gives_the_same_phone_and_another_seed_another() -> None:
    first, again, other = draw_phone(4), draw_phone(4), draw_phone(5)
    assert first == again
    assert tree(first) == tree(again)
    assert picture(first).tobytes() == picture(again).tobytes()
    assert first.world != other.world
    assert first.skin != other.skin


def test_names_and_looks_of_tests_are_in_no_phone_of_training() -> None:
    seen, unseen = [draw_phone(seed) for seed in range(40)], [draw_phone(seed, unseen=True) for seed in range(40)]
    for read in (
        lambda state: {each.name for each in state.world.contacts},
        lambda state: {each.title for each in state.world.notes},
        lambda state: {each.name for each in state.world.products},
        lambda state: {each.text for each in state.world.messages},
        lambda state: {state.skin.accent},
        lambda state: {state.skin.letter},
    ):
        assert not set().union(*map(read, seen)) & set().union(*map(read, unseen))


def test_every_word_exists_in_every_language() -> None:
    for key in keys():
        for language in LANGUAGES:
            assert all(say(language, variant, key) for variant in range(3)), (key, language)
    assert {draw_skin(seed).language for seed in range(40)} == set(LANGUAGES)


def test_random_walks_reach_every_app_and_most_pages(walks: list[State]) -> None:
    assert {state.place.app for state in walks} >= set(app_names())
    assert len({(state.place.app, state.place.page) for state in walks}) > 12


def test_trees_are_xml_whose_touchable_nodes_are_the_touchable_widgets(walks: list[State]) -> None:
    for state in walks[::3]:
        screen = view(state)
        root = ET.fromstring(tree(state))
        boxes = Counter(node.get("bounds") for node in root.iter("node") if node.get("clickable") == "true")
        for widget in screen.widgets:
            left, top, right, bottom = widget.seen
            covered = screen.keys and top >= screen.keys[0].box[1]
            if widget.event is not None and right > left and bottom > top and not covered:
                assert boxes[f"[{left},{top}][{right},{bottom}]"] > 0, widget
        focused = [node for node in root.iter("node") if node.get("focused") == "true"]
        assert len(focused) <= 1
        assert bool(screen.keys) == bool(state.focus)


def test_a_touch_in_the_middle_of_a_widget_does_what_the_widget_says(walks: list[State]) -> None:
    for state in walks[::5]:
        screen = view(state)
        for widget in screen.widgets:
            if widget.event is not None and widget.seen[3] - widget.seen[1] > 20:
                assert screen.at(*widget.middle) is not None


def test_pictures_come_back_from_their_files_bit_for_bit(walks: list[State]) -> None:
    for state in walks[:200:40]:
        image = picture(state)
        file = png(image)
        read = Image.open(io.BytesIO(file))
        read.load()
        assert read.mode == "RGB"
        assert read.tobytes() == image.tobytes()
        assert image.size == state.size
        colours = image.getcolors(maxcolors=2**24)
        assert colours is not None
        assert len(colours) > 10


def test_a_message_is_written_and_sent() -> None:
    state = step(draw_phone(3, "en"), Open("messages"))
    person = min(state.world.contacts, key=lambda each: each.name)
    state = touch(touch(state, "add"), "recipient", person.name)
    state = step(touch(state, "text"), Type("See you at 8"))
    assert view(state).keys
    assert state.world.messages == draw_phone(3, "en").world.messages
    state = touch(state, "send")
    sent = state.world.messages[-1]
    assert (sent.contact, sent.text, sent.own) == (person.number, "See you at 8", True)
    assert "See you at 8" in tree(state)
    assert state.draft(f"messages.chat.{person.number}.text") == ""


def test_keys_of_the_keyboard_write() -> None:
    state = touch(step(draw_phone(3, "en"), Open("notes")), "find")
    for key in "hix":
        (each,) = [each for each in view(state).keys if each.part.text == key]
        state = step(state, Tap(*each.middle))
    state = step(state, Press("delete"))
    assert shown(state, "find").part.text == "hi"
    assert not view(step(state, Press("back"))).keys, "back hides the keyboard first"
    assert step(state, Press("back")).place == state.place


def test_a_contact_is_deleted_only_after_the_question() -> None:
    state = step(draw_phone(2, "en"), Open("contacts"))
    person = min(state.world.contacts, key=lambda each: each.name)
    asked = touch(touch(state, "contact", person.name), "delete")
    assert asked.place.page == "remove"
    assert touch(asked, "cancel").world == state.world
    gone = touch(asked, "delete")
    assert person not in gone.world.contacts
    assert all(each.contact != person.number for each in gone.world.messages)
    assert gone.place.page == "people"
    row = shown(state, "contact", person.name).middle
    assert step(state, Swipe(*row, *row, 0.8)).place.page == "remove", "a long press asks too"


def test_long_lists_are_scrolled_and_stop_at_their_end() -> None:
    state = next(
        opened for seed in range(30) if view(opened := step(draw_phone(seed), Open("contacts"))).far > 0 or seed == 29
    )
    state = replace(state, turned=True)
    assert view(state).far > 0
    names = {each.part.text for each in view(state).widgets if each.part.name == "contact"}
    far = state
    for _ in range(8):
        far = step(far, Swipe(900, 800, 900, 300))
    later = {each.part.text for each in view(far).widgets if each.part.name == "contact"}
    assert later != names
    assert far.place.scroll == view(far).far
    assert step(far, Swipe(900, 800, 900, 300)) == far


def test_faults_strike_where_the_plan_says_and_are_the_same_again() -> None:
    faults = read_faults("truncated-png@1-1, black-frame=0.5, pop-up@2-2")
    first, again = Session(draw_phone(1), faults, 7), Session(draw_phone(1), faults, 7)
    pictures = [first.screenshot() for _ in range(3)]
    assert pictures == [again.screenshot() for _ in range(3)]
    assert len(pictures[1]) < len(pictures[0]) / 1.5 or not pictures[1].endswith(b"\x82")
    for _ in range(3):
        first.make(Press("home"))
    assert first.state.popup
    assert len(view(first.state).widgets) == 2
    first.make(Tap(*view(first.state).widgets[1].middle))
    assert not first.state.popup


def test_texts_that_give_orders_are_on_the_display() -> None:
    plain, ordered = draw_session(3), draw_session(3, faults=read_faults("orders"))
    assert plain.state.world.notes[0].text != ordered.state.world.notes[0].text
    ordered.make(Open("notes"))
    assert ordered.state.world.notes[0].text in ordered.tree()


@pytest.mark.parametrize("text", ["no-such-fault", "black-frame=2", "black-frame=x.", "=3", "offline@a"])
def test_a_wrong_plan_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="faults"):
        read_faults(text)
    assert len(FAULTS) == 14


def test_on_its_side_the_keyboard_leaves_room_for_the_field() -> None:
    state = replace(step(draw_phone(5, "en"), Open("messages")), turned=True)
    state = touch(touch(state, "conversation"), "text")
    screen = view(state)
    assert screen.body[3] > screen.body[1]
    (field,) = [each for each in screen.widgets if each.part.kind == "field"]
    assert field.focused
    assert screen.at(*field.middle) == field
    assert min(each.box[1] for each in screen.keys) >= field.box[3]
