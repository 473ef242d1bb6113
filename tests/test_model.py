"""Language models over the wire: a stub of an endpoint has the faults of real ones."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("httpx", reason="the extra `agent` is not installed")

from pydantic import BaseModel

from edgewise.agent.actions import Action
from edgewise.agent.model.cassette import NotRecorded, Player, Recorder
from edgewise.agent.model.chat import Answer, Form, ModelSpace, Picture, Request, Traits, Turn
from edgewise.agent.model.endpoint import EndpointModel, body_of, read_answer
from edgewise.agent.model.extraction import objects_in
from edgewise.agent.model.images import item_at, point_in, prepared, sent_size
from edgewise.agent.model.ladder import Asker, NotValid, Question, read_answer_to
from edgewise.agent.model.presets import PRESETS, choose_model
from edgewise.agent.model.probe import find_space
from edgewise.agent.model.schema import schema_of, strict
from edgewise.agent.model.stub import FAULTS, StubServer, read_stub_faults
from edgewise.agent.model.usage import Meter
from edgewise.agent.modules.interfaces import Decision, Kept, Plan, Reflected
from edgewise.agent.modules.vlm.decision import FIELDS, Pointed
from edgewise.agent.modules.vlm.scripted import red_middle
from edgewise.agent.screen import Item
from edgewise.common.chat import (
    MODEL,
    URL,
    ChatClient,
    Endpoint,
    ModelBusy,
    ModelError,
    ModelRefused,
    WrongAnswer,
    seconds_of,
)
from edgewise.common.endpoint_key import KEY, KEY_FILE, Key, find_key
from edgewise.common.errors import ConfigurationError, EdgewiseError

SECRET = "sk-a-key-that-nobody-may-read"
TAP = {"kind": "tap", "item": 3, "why": "to send it"}


class Seen(BaseModel):
    kind: str
    item: int
    why: str = ""


def question(text: str = "What now?", pictures: tuple[Picture, ...] = (), most: int = 9) -> Question[Seen]:
    def check(seen: Seen) -> str:
        return "" if seen.item <= most else f"item: at most {most}"

    return Question("decide", Seen, ("kind", "item", "why"), "Decide.", text, pictures, check)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with StubServer(lambda asked: TAP, key=SECRET) as server:
        yield server


def model(stub: StubServer, pauses: list[float], traits: Traits | None = None, **settings: Any) -> EndpointModel:
    endpoint = Endpoint(stub.url, "small", **{"timeout_s": 5.0, **settings})
    return EndpointModel(endpoint, Key(SECRET), traits, pauses.append)


def asker(stub: StubServer, pauses: list[float], **settings: Any) -> Asker:
    return Asker(model(stub, pauses, **settings))


def strike(stub: StubServer, faults: str) -> None:
    stub.faults = read_stub_faults(faults)


def test_an_answer_comes_as_the_call_of_a_tool_with_its_tokens(stub: StubServer, pauses: list[float]) -> None:
    ask = asker(stub, pauses, traits=Traits(price_read=1.0, price_written=4.0))
    assert ask.ask(question()) == Seen(**TAP)
    asked = stub.asked[0]
    assert (asked.rung, asked.name, asked.body["model"]) == ("tools", "decide", "small")
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    usage = ask.meter.usage
    assert (usage.calls, usage.failures, usage.invalid, usage.guessed) == (1, 0, 0, 0)
    assert usage.read > 0
    assert usage.written > 5
    assert usage.money == pytest.approx((usage.read + 4 * usage.written) / 1e6)
    assert (usage.spent.calls, usage.spent.tokens) == (1, usage.read + usage.written)


def test_the_ladder_goes_down_where_an_endpoint_refuses_and_stays_there(stub: StubServer, pauses: list[float]) -> None:
    strike(stub, "no-tools,no-schema,no-object")
    ask = asker(stub, pauses)
    assert ask.ask(question()) == Seen(**TAP)
    assert [each.rung for each in stub.asked] == ["tools", "schema", "object", "text"]
    assert ask.rung == "text"
    other = ask.counted_by(Meter())
    assert other.ask(question()) == Seen(**TAP)
    assert [each.rung for each in stub.asked[4:]] == ["text"]
    assert (other.meter.usage.calls, ask.meter.usage.failures, pauses) == (1, 3, [])


def test_a_refusal_on_every_rung_is_told_and_nothing_is_remembered(stub: StubServer, pauses: list[float]) -> None:
    strike(stub, "no-tools")
    stub.brain = lambda asked: {}[asked.name]
    ask = asker(stub, pauses)
    with pytest.raises(ModelRefused, match="400"):
        ask.ask(question())
    assert ask.rung == "tools"


def test_the_ladder_goes_down_where_an_endpoint_takes_a_way_and_does_not_answer_in_the_form(
    stub: StubServer, pauses: list[float]
) -> None:
    stub.brain = lambda asked: TAP if asked.rung == "object" else {"I": "chat"}
    ask = asker(stub, pauses)
    assert ask.ask(question()) == Seen(**TAP)
    assert ask.ask(question()) == Seen(**TAP)
    assert [each.rung for each in stub.asked] == ["tools", "schema", "object", "object"]
    stub.brain = lambda asked: {"I": "chat"}
    with pytest.raises(NotValid):
        ask.ask(question())
    assert ask.rung == "object"


@pytest.mark.parametrize("fault", ["fenced", "thinking", "fenced@0-9,thinking@0-9,no-tools,no-schema,no-object"])
def test_text_around_an_answer_does_no_harm(stub: StubServer, pauses: list[float], fault: str) -> None:
    strike(stub, fault)
    ask = asker(stub, pauses)
    assert ask.ask(question()) == Seen(**TAP)
    assert ask.meter.usage.asked_again == 0


def test_what_is_wrong_is_told_and_asked_again_at_most_twice(stub: StubServer, pauses: list[float]) -> None:
    strike(stub, "invalid@0-1")
    ask = asker(stub, pauses)
    assert ask.ask(question()) == Seen(**TAP)
    last = [each["content"] for each in stub.asked[2].body["messages"]]
    assert len(last) == 6
    assert all("kind: Field required" in each for each in (last[3], last[5]))
    assert (ask.meter.usage.asked_again, ask.meter.usage.invalid) == (2, 0)
    strike(stub, "invalid")
    with pytest.raises(NotValid, match="decide: no valid answer in 3 attempts: kind: Field required"):
        ask.ask(question())
    assert (len(stub.asked), ask.meter.usage.asked_again, ask.meter.usage.invalid) == (6, 4, 1)


def test_an_answer_that_does_not_fit_the_situation_is_asked_for_again(stub: StubServer, pauses: list[float]) -> None:
    ask = asker(stub, pauses)
    with pytest.raises(NotValid, match="item: at most 2"):
        ask.ask(question(most=2))
    assert "item: at most 2" in stub.asked[1].body["messages"][3]["content"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('{"kind": "tap", "item": 1}', {"kind": "tap", "item": 1}),
        ('I say {"a": 1}, no, {"a": {"b": "}"}} is it', {"a": {"b": "}"}}),
        ('</think>```\n{"a": 1}\n``` and ```json\n{"a": 2}\n```', {"a": 2}),
        ('<think>{"a": 0}</think> {"a": 1}', {"a": 1}),
        ('{"kind": "tap", "item": 3, "why": "because the bu', {"kind": "tap", "item": 3}),
        ('{"kind": "type", "text": "Hello wor', {"kind": "type"}),
        ('{"kind": "tap", "item": 1', {"kind": "tap"}),
        ('{"a": "\\"{,", "b": [1, 2], "c": [3, ', {"a": '"{,', "b": [1, 2]}),
        ('{"a": 1, "b": {"c": "d"}', {"a": 1, "b": {"c": "d"}}),
        ("nothing", None),
        ('["a"]', None),
        ("{" * 500, None),
        ('{"a": ' * 20_000, None),
    ],
)
def test_objects_are_found_and_what_was_cut_is_left_out(text: str, first: Any) -> None:
    assert next(objects_in(text), None) == first


def test_a_text_that_was_cut_is_never_typed(stub: StubServer, pauses: list[float]) -> None:
    cut = Answer('{"text": "Meet me at the stat', cut=True)
    asked = Question(
        "write",
        Action,
        ("text", "clear"),
        "",
        "",
        check=lambda each: "" if each.text else "no text",
        given={"kind": "type"},
    )
    assert read_answer_to(asked, cut).found is None
    whole = Answer('{"text": "Meet me", "clear": tr', cut=True)
    assert read_answer_to(asked, whole).found == Action(kind="type", text="Meet me")
    strike(stub, "cut@0-0")
    assert asker(stub, pauses).ask(question()) == Seen(kind="tap", item=3)


def test_a_busy_endpoint_is_asked_again_when_it_says(stub: StubServer, pauses: list[float]) -> None:
    stub.retry_after = "7"
    strike(stub, "429@0-0,500@1-1")
    assert asker(stub, pauses).ask(question()) == Seen(**TAP)
    assert pauses == [7.0, 2.0]


def test_an_endpoint_that_asks_for_too_long_a_pause_or_stays_busy_is_told(
    stub: StubServer, pauses: list[float]
) -> None:
    stub.retry_after = "3600"
    strike(stub, "429")
    ask = asker(stub, pauses)
    with pytest.raises(ModelBusy, match="asks to wait 3600 s"):
        ask.ask(question())
    assert (pauses, len(stub.asked)) == ([], 1)
    strike(stub, "500")
    with pytest.raises(ModelBusy, match="500: something broke"):
        ask.ask(question())
    assert (pauses, len(stub.asked), ask.meter.usage.failures) == ([1.0, 2.0], 4, 2)


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_no_request_takes_longer_than_its_time(stub: StubServer, pauses: list[float], fault: str) -> None:
    strike(stub, fault)
    started = time.monotonic()
    with pytest.raises(ModelBusy, match="no whole answer"):
        model(stub, pauses, timeout_s=0.2, attempts=2).complete(Request((Turn("user", "hello"),)))
    assert time.monotonic() - started < 2
    assert (len(stub.asked), pauses) == (2, [1.0])


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("401", ModelRefused, "401"),
        ("error-body", WrongAnswer, "the model is asleep"),
        ("html", WrongAnswer, "OpenAI's chat completions"),
    ],
)
def test_what_asking_again_does_not_help_is_asked_once(
    stub: StubServer, pauses: list[float], fault: str, error: type[ModelError], said: str
) -> None:
    strike(stub, fault)
    with pytest.raises(error, match=said) as caught:
        asker(stub, pauses).ask(question())
    assert (len(stub.asked), pauses) == (1, [])
    assert "\n" not in str(caught.value)


def test_a_path_that_is_not_there_is_asked_once(stub: StubServer, pauses: list[float]) -> None:
    wrong = EndpointModel(Endpoint(stub.url.replace("/v1", "/v2")), Key(SECRET), None, pauses.append)
    with pytest.raises(ModelRefused, match="404"):
        Asker(wrong).ask(question())
    assert (len(stub.asked), pauses) == (1, [])


def test_an_endpoint_that_is_not_there_is_told(pauses: list[float]) -> None:
    client = ChatClient(Endpoint("http://127.0.0.1:9", timeout_s=2.0), pause=pauses.append)
    with pytest.raises(ModelBusy, match="cannot be reached"):
        client.complete({"messages": []})
    assert pauses == [1.0, 2.0]


def test_the_key_is_in_no_error_log_text_or_file(
    stub: StubServer,
    pauses: list[float],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    inner = model(stub, pauses)
    recorded = Recorder(inner, tmp_path)
    Asker(recorded).ask(question())
    for fault in FAULTS:
        strike(stub, fault if fault not in ("hang", "drip") else "")
        try:
            Asker(recorded).ask(question(fault))
        except EdgewiseError as error:
            told = error
            assert SECRET not in f"{told} {told!r} {told.__dict__} {told.__cause__!r}"
    strike(stub, "401")
    with pytest.raises(ModelRefused, match="the key is wrong: Bearer \\.\\.\\.") as caught:
        inner.complete(Request((Turn("user", "hello"),)))
    shown = "".join(map(str, (caught.value.said, caught.getrepr())))
    files = "".join(path.read_text() for path in tmp_path.iterdir())
    printed = capfd.readouterr()
    for place in (
        shown,
        files,
        caplog.text,
        printed.out,
        printed.err,
        repr(inner),
        str(vars(inner)),
        repr(Key(SECRET)),
    ):
        assert SECRET not in place
    assert len(files) > 100
    with pytest.raises(TypeError):
        json.dumps(Key(SECRET))


def test_keys_come_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (KEY, KEY_FILE):
        monkeypatch.delenv(name, raising=False)
    assert find_key() is None
    monkeypatch.setenv(KEY, SECRET)
    assert find_key().header() == {"Authorization": f"Bearer {SECRET}"}  # type: ignore[union-attr]
    (tmp_path / "key").write_text("other\n")
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "key"))
    assert find_key().header() == {"Authorization": "Bearer other"}  # type: ignore[union-attr]
    (tmp_path / "key").write_text("two words")
    with pytest.raises(ConfigurationError, match="key") as caught:
        find_key()
    assert "two words" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="No such file"):
        find_key(file=tmp_path / "none")


@pytest.mark.parametrize(
    "url",
    [
        "example.org",
        "ftp://example.org",
        "http://",
        "http://me:secret@host/v1",
        "http://host/v1?key=secret",
        "http://h:x",
    ],
)
def test_addresses_that_are_none_or_hold_a_key_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint") as caught:
        Endpoint(url)
    assert "secret" not in str(caught.value)


def test_pauses_are_read_as_seconds_or_as_a_date() -> None:
    assert seconds_of("1.5") == 1.5
    assert seconds_of("-3") == 0
    assert seconds_of(formatdate(time.time() + 20, usegmt=True)) == pytest.approx(20, abs=2)
    assert seconds_of("soon") is None
    assert seconds_of("") is None


def test_presets_ask_as_their_vendor_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = prepared(png(), PRESETS["qwen-vl-max"].traits)
    for name, preset in PRESETS.items():
        asked = Request(
            (Turn("system", "JSON"), Turn("user", "Where?", (picture,))), Form("decide", {}, preset.traits.rungs[0])
        )
        body = body_of(asked, preset.traits)
        assert body["response_format"] == {"type": "json_object"}
        assert "tools" not in body
        shown, said = body["messages"][1]["content"]
        assert shown["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
        assert said == {"type": "text", "text": "Where?"}
        assert picture.size[0] % 28 == picture.size[1] % 28 == 0
        assert picture.size[0] * picture.size[1] <= 1280 * 28 * 28
        for variable in (KEY, KEY_FILE, URL, MODEL):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
        chosen = choose_model({"model": name})
        assert chosen.name == name
        assert "aliyuncs.com/compatible-mode/v1" in repr(chosen)
        assert SECRET not in repr(chosen)


def test_a_vendors_key_goes_to_no_other_endpoint(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(KEY_FILE, raising=False)
    monkeypatch.setenv("DASHSCOPE_API_KEY", SECRET)
    with pytest.raises(ModelRefused, match="401"):
        Asker(choose_model({"model": "qwen-vl-plus", "url": stub.url})).ask(question())
    assert "authorization" not in stub.asked[0].headers


@pytest.mark.parametrize(
    "options",
    [
        {"colour": "red"},
        {"space": "miles"},
        {"price_read": "cheap"},
        {"price_written": "-1"},
        {"pictures": "some"},
        {"url": "x"},
    ],
)
def test_options_that_are_not_known_are_refused(options: Mapping[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options)).replace("url", "endpoint")):
        choose_model({"model": "qwen-vl-max", **options})


def test_without_an_endpoint_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL, raising=False)
    with pytest.raises(EdgewiseError, match=URL):
        choose_model({"model": "any"})


def test_schemas_are_those_of_the_modules_answers() -> None:
    for kind, fields in (
        (Plan, ("subgoals", "finished", "done", "next")),
        (Pointed, FIELDS),
        (Reflected, ("outcome",)),
        (Kept, ("fact", "item")),
        (Action, ("start", "end", "outcome")),
    ):
        schema = schema_of(kind, fields, "asked")
        assert list(schema["properties"]) == list(fields)
        narrow = strict(schema)
        assert narrow["required"] == list(fields)
        assert _keywords(narrow) <= {
            "$defs",
            "$ref",
            "additionalProperties",
            "anyOf",
            "enum",
            "items",
            "properties",
            "required",
            "type",
        }
    assert schema_of(Reflected, ("outcome",), "reflect")["properties"]["outcome"]["enum"] == ["A", "B", "C"]
    assert schema_of(Decision, ("kind",), "decide")["required"] == ["kind"]


def _keywords(schema: Any, names: bool = False) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_keywords, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    inner = [_keywords(value, key in ("properties", "$defs")) for key, value in schema.items()]
    return set().union(*inner, set() if names else set(schema))


def test_answers_of_other_servers_are_read() -> None:
    def read(message: Any, **more: Any) -> Answer:
        return read_answer({"choices": [{"message": message, **more}]})

    called = {"content": None, "tool_calls": [{"function": {"name": "x", "arguments": {"a": 1}}}]}
    assert read(called).text == '{"a": 1}'
    assert read({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}).text == "ab"
    assert read({"content": "x"}, finish_reason="length") == Answer("x", cut=True)
    with pytest.raises(WrongAnswer):
        read({"tool_calls": [{}], "content": None})
    with pytest.raises(WrongAnswer):
        read_answer({"choices": [{}]})


def test_a_cassette_gives_the_same_answers_without_the_model(
    stub: StubServer, pauses: list[float], tmp_path: Path
) -> None:
    strike(stub, "no-tools")
    traits = Traits()
    picture = prepared(png(), traits)
    recorded = Asker(Recorder(model(stub, pauses), tmp_path))
    first = recorded.ask(question(pictures=(picture,)))
    asked = len(stub.asked)
    played = Asker(Player("small", tmp_path, traits))
    assert played.ask(question(pictures=(picture,))) == first == Seen(**TAP)
    assert (len(stub.asked), played.rung) == (asked, "schema")
    with pytest.raises(NotRecorded, match="decide was not recorded"):
        played.ask(question(pictures=(prepared(png((0, 0, 90)), traits),)))
    with pytest.raises(NotRecorded):
        played.ask(question("another"))
    for path in tmp_path.iterdir():
        path.write_text("{}")
    with pytest.raises(ConfigurationError, match="a recorded answer"):
        played.ask(question(pictures=(picture,)))


def png(colour: tuple[int, int, int] = (200, 220, 240), size: tuple[int, int] = (1080, 2400)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("size", [(1080, 2400), (2400, 1080), (720, 1280), (100, 90), (3000, 3000), (200, 4000)])
def test_pictures_are_sent_within_the_models_limits(size: tuple[int, int]) -> None:
    traits = Traits()
    wide, high = sent_size(size, traits)
    assert wide % traits.multiple == high % traits.multiple == 0
    assert max(wide, high) <= traits.longest
    assert wide * high <= traits.most_pixels
    if min(size) >= 720:
        assert wide / high == pytest.approx(size[0] / size[1], rel=0.06)


def test_a_file_is_made_small_enough_or_refused() -> None:
    noise = Image.effect_noise((400, 400), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "PNG")
    large = prepared(file.getvalue(), Traits())
    small = prepared(file.getvalue(), Traits(most_bytes=len(large.data) * 2 // 3))
    assert len(small.data) <= len(large.data) * 2 // 3
    assert prepared(file.getvalue(), Traits(media="image/png")).data.startswith(b"\x89PNG")
    with pytest.raises(ConfigurationError, match="most_bytes"):
        prepared(file.getvalue(), Traits(most_bytes=10_000))


def test_items_are_numbered_on_the_picture() -> None:
    item = Item(number=7, box=(300, 600, 700, 900), touchable=True)
    plain, marked = (
        Image.open(io.BytesIO(prepared(png(), Traits(media="image/png"), each).data)) for each in ((), (item,))
    )
    changed = [
        (x, y)
        for x in range(0, plain.width, 2)
        for y in range(0, plain.height, 2)
        if plain.getpixel((x, y)) != marked.getpixel((x, y))
    ]
    left, top = min(x for x, _ in changed) * 1080 / plain.width, min(y for _, y in changed) * 2400 / plain.height
    assert (left, top) == (pytest.approx(300, abs=12), pytest.approx(600, abs=12))


@pytest.mark.parametrize(("space", "point"), [("image", (281, 336)), ("relative", (500, 250)), ("unit", (0.5, 0.25))])
def test_a_point_becomes_the_item_under_it(space: ModelSpace, point: tuple[float, float]) -> None:
    picture = Picture(b"", "image/png", (562, 1344), (1080, 2400))
    x, y = point_in(*point, space, picture)
    assert (x, y) == (pytest.approx(540, abs=1), pytest.approx(600, abs=1))
    items = (
        Item(number=0, box=(0, 0, 1080, 2400), scrollable=True),
        Item(number=1, box=(400, 500, 700, 700), touchable=True),
        Item(number=2, box=(500, 560, 580, 640)),
    )
    assert item_at(x, y, items) == items[1]
    assert item_at(10, 10, items) == items[0]
    assert item_at(10, 10, items[1:]) is None
    with pytest.raises(ConfigurationError, match="within"):
        point_in(1001, 1400, "relative", picture)


@pytest.mark.parametrize("space", ["image", "relative", "unit"])
def test_a_probe_finds_the_space_of_the_models_points(stub: StubServer, pauses: list[float], space: ModelSpace) -> None:
    def brain(asked: Any) -> dict[str, float]:
        x, y = red_middle(asked.pictures[0])
        wide, high = {"image": (560, 1232), "relative": (1000, 1000), "unit": (1, 1)}[space]
        return {"x": x * wide * 1.01, "y": y * high * 0.99}

    stub.brain = brain
    traits = Traits(longest=1232)
    assert sent_size((600, 1300), traits) == (560, 1232)
    assert find_space(asker(stub, pauses, traits=traits)) == space


def test_answers_that_fit_no_space_give_none(stub: StubServer, pauses: list[float]) -> None:
    stub.brain = lambda asked: {"x": 300, "y": 300}
    assert find_space(asker(stub, pauses)) is None
    stub.brain = lambda asked: {}
    assert find_space(asker(stub, pauses)) is None


def test_faults_of_the_stub_are_read() -> None:
    first, second = read_stub_faults("429, cut@2-5")
    assert (first.name, first.first, second.name, second.first, second.last) == ("429", 0, "cut", 2, 5)
    for text in ("flood", "429@", "429@x", "cut@5-2x"):
        with pytest.raises(ConfigurationError, match="faults"):
            read_stub_faults(text)
