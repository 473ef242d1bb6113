"""Perception of a phone: items from the picture alone, signs, texts, and what a tree and a picture say together."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from edgewise.agent.device.elements import read_tree
from edgewise.agent.device.errors import BlackFrame, TruncatedImage
from edgewise.agent.modules.interfaces import Look
from edgewise.agent.perception import text as reading
from edgewise.agent.phone.core import Open, Swipe, Tap, draw_phone, step, view
from edgewise.agent.phone.faults import read_faults
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.picture import picture
from edgewise.agent.phone.png import png
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.state import State
from edgewise.agent.phone.text import typeface
from edgewise.agent.phone.tree import tree
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.construction.kind import MODULES, learned_kinds

pytest.importorskip("cv2", reason="the extra `agent` is not installed")

from edgewise.agent.perception import shipped
from edgewise.agent.perception.drawn_signs import look_of
from edgewise.agent.perception.joined import JoinedPerception
from edgewise.agent.perception.kind import PHONE_PERCEPTION
from edgewise.agent.perception.raster import picture_digest, pixels_of
from edgewise.agent.perception.signs import SIGNS
from edgewise.agent.perception.text import Read, TextReader, words_of


def silent(lines: Sequence[np.ndarray]) -> list[Read]:
    """Reads a letter on every line: shapes need no more."""
    return [Read("a", 1.0)] * len(lines)


def look_at(state: State, with_tree: bool = False) -> Look:
    elements = read_tree(tree(state)) if with_tree else None
    return Look(png(picture(state)), elements, f"org.edgewise.{state.place.app}", bool(view(state).keys))


def touch(state: State, name: str) -> State:
    return step(state, Tap(*next(each for each in view(state).widgets if each.part.name == name).middle))


@pytest.fixture(scope="module")
def look() -> JoinedPerception:
    return JoinedPerception(shipped.shipped_signs(), read=silent)


def pages() -> list[State]:
    """Pages of looks that no training has, dark and light: a list, a form with the keyboard, switches, tiles, a dialog."""
    dark, light = draw_phone(7, unseen=True), draw_phone(4, unseen=True)
    contacts = step(light, Open("contacts"))
    first = next(each for each in view(contacts).widgets if each.hold is not None)
    asked = step(contacts, Swipe(*first.middle, *first.middle, 1.0))
    form = touch(touch(step(dark, Open("notes")), "add"), "title")
    return [contacts, form, step(dark, Open("clock")), dark, asked]


@pytest.mark.parametrize("page", range(5))
def test_everything_that_can_be_touched_is_an_item(look: JoinedPerception, page: int) -> None:
    state = pages()[page]
    truth, screen = view(state), look(look_at(state))
    floor = truth.keys[0].box[1] if truth.keys else truth.size[1]
    wanted = {each for each in truth.widgets if each.event is not None and each.middle[1] < floor}
    touched = {truth.at(*each.middle) for each in screen.items if each.touchable}
    assert wanted
    assert wanted <= touched
    assert touched - wanted <= {None}


def test_switches_and_fields_say_how_they_are(look: JoinedPerception) -> None:
    clock, form = pages()[2], pages()[1]
    alarms = [each.part.on for each in view(clock).widgets if each.part.kind == "switch"]
    assert [each.checked for each in look(look_at(clock)).items if each.role == "switch"] == alarms
    fields = [each for each in look(look_at(form)).items if each.role == "field"]
    assert [each.focused for each in fields] == [True, False]
    assert [(each.text, each.detail) for each in fields] == [("", "a")] * 2


def test_the_digest_knows_the_page_and_not_the_clock() -> None:
    state = pages()[0]
    later, other = replace(state, minute=state.minute + 1), touch(state, "search")
    first, second, third = (picture_digest(np.asarray(picture(each))) for each in (state, later, other))
    assert first == second != third


def test_a_tree_gets_its_signs_from_the_picture(look: JoinedPerception) -> None:
    state = pages()[0]
    screen = look(look_at(state, with_tree=True))
    drawn = {each.box: each.part.glyph for each in view(state).widgets if each.part.glyph and not state.skin.words}
    signs = {each.box: each.sign for each in screen.items}
    assert drawn
    assert all(signs[box] == glyph for box, glyph in drawn.items())
    assert [each.number for each in screen.items] == list(range(len(screen.items)))


def test_texts_that_no_tree_tells_are_read_from_the_picture(look: JoinedPerception) -> None:
    state = pages()[0]
    full = read_tree(tree(state))
    bare = replace(full, children=())
    with_text = look(replace(look_at(state), tree=bare))
    without = JoinedPerception(shipped.shipped_signs(), text=False, read=silent)(replace(look_at(state), tree=bare))
    assert sum(each.text == "a" for each in with_text.items) >= 2 * len(state.world.contacts)
    assert not any(each.text for each in without.items)
    assert (
        look(replace(look_at(state), tree=full)).items
        == JoinedPerception(shipped.shipped_signs(), text=False, read=silent)(replace(look_at(state), tree=full)).items
    )


def test_what_is_no_picture_is_refused(look: JoinedPerception) -> None:
    with pytest.raises(TruncatedImage):
        look(Look(look_at(pages()[0]).png[:2000], None, "", False))
    with pytest.raises(TruncatedImage):
        pixels_of(b"")
    with pytest.raises(BlackFrame):
        SimulatedDevice(Session(draw_phone(0), read_faults("black-frame"))).screenshot()


def test_signs_of_unseen_looks_are_told() -> None:
    data = PHONE_PERCEPTION.draw_data(tuple(f"unseen {each}" for each in range(40)), 200, 10**6, "en")
    assert PHONE_PERCEPTION.evaluate(shipped.shipped_weights(), data) >= 0.97


def test_the_kind_answers_requests_and_is_not_built_unasked() -> None:
    assert MODULES.find("phone-perception") == PHONE_PERCEPTION
    assert "phone-perception" not in learned_kinds()
    data = PHONE_PERCEPTION.draw_data(("mail",), 8, 1, "en")
    answer = PHONE_PERCEPTION.load(shipped.shipped_weights())
    found = [answer({"picture": each.tolist()})["sign"] for each in data["picture"]]
    assert sum(name == SIGNS[place] for name, place in zip(found, data["answer"][:, 0], strict=True)) >= 7
    with pytest.raises(ConfigurationError, match="picture"):
        answer({"picture": [[0.0]]})


def test_an_agents_own_module_names_the_signs() -> None:
    pytest.importorskip("cryptography", reason="the extra `federation` is not installed")
    from edgewise.agent.modules.folder import modules_of
    from edgewise.construction.agent import integrate
    from edgewise.construction.artefact import describe, pack, unpack
    from edgewise.construction.keys import make_key

    key = make_key()
    manifest = describe("phone-perception", PHONE_PERCEPTION, 1)
    module = unpack(pack(manifest, shipped.shipped_weights(), key))
    perception = modules_of(integrate([module], key, "phone")).perception
    assert isinstance(perception, JoinedPerception)
    signs = {each.sign for each in perception(look_at(pages()[3], with_tree=True)).items if each.role == "tile"}
    assert {"gear", "clock", "map"} <= signs


def test_apps_show_their_own_signs() -> None:
    favoured = look_of("mail").favoured
    places = [PHONE_PERCEPTION.draw_data((app,), 200, 1, "en")["answer"][:, 0] for app in ("mail", "shop")]
    own, others = (float(np.isin(each, favoured).mean()) for each in places)
    assert own > others + 0.1


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shipped.__file__).parent / shipped.FOLDER
    shutil.copytree(folder, tmp_path / shipped.FOLDER)
    path = tmp_path / shipped.FOLDER / "signs.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    monkeypatch.setattr(shipped.resources, "files", lambda name: tmp_path)
    with pytest.raises(EdgewiseError, match=r"signs\.safetensors"):
        shipped.shipped_weights()
    told = json.loads((folder / "signs.json").read_text())
    assert {"sha256", "trained"} <= set(told)
    assert (folder / "signs.safetensors").stat().st_size <= 300_000


def lines_of(words: Sequence[str]) -> list[np.ndarray]:
    """Lines as a page has them, tight."""
    found = []
    for each in words:
        drawn = Image.new("L", (900, 120))
        ImageDraw.Draw(drawn).text((20, 20), each, 255, typeface("DejaVuSans", 46))
        found.append(np.asarray(drawn.crop(drawn.getbbox())))
    return found


def test_words_are_parted_at_spaces_alone() -> None:
    assert [len(words_of(each)) for each in lines_of(["3. 09:45", "11:15", "117.70 €"])] == [2, 1, 2]


def test_lines_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr", reason="the extra `agent` is not installed")
    words = ["Réglages", "3. 09:45", "Übersicht, 2 kg"]
    read, lines = TextReader(), lines_of(words)
    assert [each.text for each in read(lines)] == words
    monkeypatch.setattr(reading, "_recogniser", lambda: pytest.fail("a line was read twice"))
    assert [each.text for each in read(lines[::-1])] == words[::-1]


def test_a_missing_recogniser_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rapidocr", None)
    reading._recogniser.cache_clear()
    with pytest.raises(EdgewiseError, match="agent"):
        TextReader()([np.full((20, 40), 255, np.uint8)])


@pytest.mark.slow
def test_a_page_is_read_as_its_tree_has_it() -> None:
    pytest.importorskip("rapidocr", reason="the extra `agent` is not installed")
    state = pages()[0]
    seen = JoinedPerception(shipped.shipped_signs(), tree=False)(look_at(state, with_tree=True))
    told = JoinedPerception(shipped.shipped_signs(), text=False)(look_at(state, with_tree=True))
    rows = [(each.text, each.detail, each.sign) for each in told.items if each.role == "row"]
    assert len(rows) == len(state.world.contacts)
    assert [(each.text, each.detail, each.sign) for each in seen.items if each.role == "row"] == rows
    assert (seen.title, seen.picture, seen.app) == (told.title, told.picture, told.app)


@pytest.mark.slow
def test_tesseract_reads_the_same(tmp_path: Path) -> None:
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not installed: apt-get install tesseract-ocr")
    pytest.importorskip("rapidocr", reason="the extra `agent` is not installed")
    words = ["Nothing here yet", "Add to basket", "Aeroplane mode"]
    for line, ours in zip(lines_of(words), TextReader()(lines_of(words)), strict=True):
        Image.fromarray(np.pad(255 - line, 30, constant_values=255)).save(tmp_path / "line.png")
        command = ["tesseract", str(tmp_path / "line.png"), "-", "--psm", "7"]
        theirs = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        assert theirs.strip() == ours.text
