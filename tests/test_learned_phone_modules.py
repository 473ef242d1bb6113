"""Learned modules of a phone: what they read, what they learn from, how they are trained, saved and asked."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import islice
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.reference import phone_network

from edgewise.agent.actions import Action
from edgewise.agent.experiment import HIDDEN_SEED, integrated
from edgewise.agent.modules.folder import load_modules, modules_of
from edgewise.agent.modules.interfaces import Decision, Intent, Situation
from edgewise.agent.modules.learned.action import PHONE_ACTION, whole_action
from edgewise.agent.modules.learned.choices import UNABLE, decision_of, place_of
from edgewise.agent.modules.learned.decision import PHONE_DECISION
from edgewise.agent.modules.learned.encode import FEW, MANY, Room, encode, room_for
from edgewise.agent.modules.learned.memory import PHONE_MEMORY
from edgewise.agent.modules.learned.moments import HIDDEN, MIXED, NAMES, Moment, draw_moments, templates_of
from edgewise.agent.modules.learned.planning import PHONE_PLANNING
from edgewise.agent.modules.learned.reflection import PHONE_REFLECTION
from edgewise.agent.modules.learned.spoken import spoken
from edgewise.agent.modules.learned.text import alike, read_instruction, said, same
from edgewise.agent.modules.learned.train import KINDS, Schooling, examples_of, phone_kind, train_agent
from edgewise.agent.phone.contents import FIRST, GOODS, LAST
from edgewise.agent.phone.core import draw_phone
from edgewise.agent.phone.state import Contact, Spot, World
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.screen import Item, Screen
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.construction.agent import Agent, integrate, write_agent
from edgewise.construction.artefact import Refused, describe, pack, unpack
from edgewise.construction.ground import GROUNDS, ground_of
from edgewise.construction.keys import make_key
from edgewise.construction.modules.learned import ANSWER, rightly

ROOM = Room(*FEW)
ALL = (PHONE_MEMORY, PHONE_PLANNING, PHONE_DECISION, PHONE_REFLECTION, PHONE_ACTION)


@pytest.fixture(scope="module")
def drawn() -> list[Moment]:
    return list(islice(draw_moments(NAMES, 3), 200))


@pytest.fixture(scope="module")
def agent() -> Agent:
    key = make_key()
    kinds = {name: phone_kind(name) for name in ("phone-planning", "phone-decision")}
    modules = [unpack(pack(describe(name, kind, 0), kind.initial(5), key)) for name, kind in kinds.items()]
    return integrate(modules, key)


def situation(*items: Item, **more: object) -> Situation:
    screen = Screen(width=1080, height=2400, items=items)
    return Situation(instruction='Send Ana Adler the message "See you"', screen=screen, **more)  # type: ignore[arg-type]


def test_an_instruction_is_read_with_its_quotes_clauses_and_numbers() -> None:
    read = read_instruction('Add "Tea at 9", then turn Wi-Fi on at 10:15, on day 3')
    assert read.quotes == ("Tea at 9",)
    assert read.words[:4] == ("add", "tea", "at", "9")
    assert read.quote[:5] == (-1, 0, 0, 0, -1)
    assert (read.time, read.number) == ((10, 15), 3)  # the 9 is part of a text
    assert "wifi" in read.words
    assert read.clause[0] == 0
    assert read.clause[-1] == 1


def test_words_match_in_other_cases_and_with_a_letter_misread() -> None:
    assert alike("adler", "adler") == 1
    assert 0.6 <= alike("adlerstrasse", "adlerstrosse") < 1
    assert alike("ana", "ann") == 0
    near, share = said(("ana", "adler", "please"), "Ana Braun")
    assert near.tolist() == [1, 0, 0]
    assert share == 0.5
    assert same("Wi-Fi", "wifi")
    assert not same("", "")


def test_a_decision_and_its_place_are_each_others() -> None:
    asked = situation(*(Item(number=n, box=(0, n, 9, n + 9)) for n in range(3)), apps=("a.b", "c.d"))
    for place in [0, 2, FEW[0] + 1, *(2 * FEW[0] + n for n in range(10))]:
        assert place_of(decision_of(place, FEW[0], asked, 1.0), FEW[0], asked) == place
    assert place_of(Decision(kind="open_app", app="e.f"), FEW[0], asked) is None


def test_more_items_and_words_find_room() -> None:
    many = situation(*(Item(number=n, box=(0, n, 9, n + 9), text=str(n)) for n in range(40)))
    assert room_for(many) == Room(*MANY)
    assert encode(many, room_for(many))["there"].sum() == 40
    with_few = encode(many, ROOM)
    assert with_few["there"].sum() == FEW[0]


def test_moments_are_the_same_for_the_same_seed() -> None:
    first, again, other = (list(islice(draw_moments(NAMES, seed), 6)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_every_moment_says_what_is_right(drawn: list[Moment]) -> None:
    assert all(each.right for each in drawn)
    assert {each.outcome for each in drawn if each.change} == {"A", "B", "C"}
    assert any(len(each.right) > 1 for each in drawn)
    assert any(each.texts for each in drawn)
    assert any(each.done for each in drawn)
    kept = [each for each in drawn if each.kept]
    assert kept
    for each in kept:
        assert len(each.after.facts) == len(each.before.facts) + 1


def test_texts_of_tests_are_never_learned_from(drawn: list[Moment]) -> None:
    tests = {*FIRST[1].split(), *LAST[1].split(), *GOODS[1].split("|")}
    learned = {word for each in drawn for item in each.before.screen.items for word in (*item.text.split(), item.text)}
    assert not tests & learned
    hidden = list(islice(draw_moments((f"{HIDDEN}-1",), 3), 16))
    shown = {word for each in hidden for item in each.before.screen.items for word in (*item.text.split(), item.text)}
    assert tests & shown


def test_tasks_are_those_of_the_given_apps() -> None:
    assert len(templates_of(("notes",))) < len(templates_of(("notes", "contacts"))) < len(templates_of(NAMES))
    found = {each.task for each in islice(draw_moments(("clock", "notes"), 0), 20)}
    assert found <= {"turn-alarm", "delete-alarm", "start-timer", "set-alarm", "show-note", "delete-note", "add-note"}


@pytest.mark.parametrize(
    ("apps", "language"), [(("mail",), MIXED), ((), MIXED), (("notes",), "it"), (("notes", "x"), "en")]
)
def test_apps_and_languages_that_the_phone_has_not_are_refused(apps: tuple[str, ...], language: str) -> None:
    with pytest.raises(ConfigurationError, match=r"apps|language"):
        PHONE_DECISION.draw_data(apps, 4, 0, language)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_a_module_is_small_and_answers_within_its_schema(kind, drawn: list[Moment]) -> None:
    weights = kind.initial(1)
    assert sum(each.nbytes for each in weights.values()) < 480_000
    data = kind.data_of(drawn[:64])
    assert data[ANSWER].any(-1)[:, 0].all()
    assert {len(each) for each in data.values()} == {len(data[ANSWER])}
    with pytest.raises(ConfigurationError, match=f"{kind.name} weights"):
        kind.load(weights | {"due": np.zeros((1, 1), np.float32)})
    with pytest.raises(ConfigurationError):
        kind.load(weights)({"instruction": 3})


REFERENCES = (
    (PHONE_DECISION, phone_network.decision, slice(None)),
    (PHONE_PLANNING, phone_network.planning, None),
    (PHONE_ACTION, phone_network.texts, slice(None)),
    (PHONE_REFLECTION, phone_network.reflection, slice(3)),
)


@pytest.mark.parametrize(("kind", "slow", "part"), REFERENCES, ids=lambda each: getattr(each, "name", ""))
def test_a_network_does_what_slow_loops_do(kind, slow, part, drawn: list[Moment]) -> None:
    rng = np.random.default_rng(0)
    weights = {
        name: array + 0.1 * rng.standard_normal(array.shape).astype(np.float32)
        for name, array in kind.initial(2).items()
    }
    data = kind.data_of(each for each in drawn if each.texts)
    rows = {name: array[:3] for name, array in data.items()}
    scores = np.asarray(kind.scores(jax.tree.map(jnp.asarray, weights), jax.tree.map(jnp.asarray, rows)))
    for row in range(3):
        expected = slow(weights, {name: array[row] for name, array in rows.items()})
        found = scores[row, 0, part] if part else np.concatenate([scores[row, 0], scores[row, 1, :2]])
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


def test_several_answers_may_be_right() -> None:
    given = np.array([[[0.1, 0.5, 0.4]], [[0.6, 0.2, 0.2]], [[0.2, 0.2, 0.6]]])
    right = np.array([[[False, True, True]], [[False, True, True]], [[False, False, False]]])
    assert rightly(given, right)[:, 0].tolist() == [True, False, True]
    assert rightly(given, np.array([[1], [1], [-1]]))[:, 0].tolist() == [True, False, True]


@pytest.fixture(scope="module")
def school() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    return PHONE_DECISION.draw_data(("clock",), 160, 1, "en"), PHONE_DECISION.draw_data(("clock",), 64, 2, "en")


@pytest.mark.slow
def test_training_makes_decisions_better(school) -> None:
    weights = PHONE_DECISION.initial(0)
    before, losses = PHONE_DECISION.evaluate(weights, school[1]), []
    for number in range(24):
        weights, told = PHONE_DECISION.train_round(weights, school[0], number)
        losses.append(told["loss"])
    assert losses[-1] < 0.3 * losses[0]
    assert PHONE_DECISION.evaluate(weights, school[1]) > before + 0.3


@pytest.mark.slow
def test_training_is_the_same_every_time(school, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewise.agent.modules.learned.train.examples_of", lambda name, schooling: school[0])
    schooling = Schooling(160, 1, 5, ("clock",), "en")
    first, again = (train_agent(schooling, ("phone-decision",)).modules["decision"] for _ in range(2))
    for name, array in again.weights.items():
        np.testing.assert_array_equal(array, first.weights[name])
    assert len(first.manifest.rounds) == 1
    assert first.manifest.examples == 160


def test_an_agent_that_was_written_and_read_answers_the_same(agent: Agent, tmp_path: Path, drawn: list[Moment]) -> None:
    write_agent(tmp_path, agent)
    first, again = modules_of(agent), load_modules(tmp_path)
    assert again.names["decision"] == f"jax:{agent.lock.modules['decision'][:12]}"
    assert again.names["memory"] == "rules"
    for moment in drawn[:6]:
        assert first.decision(moment.after) == again.decision(moment.after)
        assert first.planning(moment.before) == again.planning(moment.before)
    ranked = again.decision.ranked(drawn[0].after)  # type: ignore[attr-defined]
    assert ranked[0] == again.decision(drawn[0].after)
    assert [each.confidence for each in ranked] == sorted((each.confidence for each in ranked), reverse=True)


def test_joined_modules_answer_by_the_mean_of_their_probabilities(agent: Agent, drawn: list[Moment]) -> None:
    key = make_key()
    other = unpack(pack(describe("phone-decision", PHONE_DECISION, 0), PHONE_DECISION.initial(6), key))
    whole = integrate(agent.modules.values(), key, further=[other])
    modules = modules_of(whole)
    assert modules.names["decision"] == "jax:" + "+".join(each[:12] for each in whole.lock.parts()["decision"])
    for moment in drawn[:6]:
        both = [PHONE_DECISION.chances(each.weights, moment.after)[0] for each in whole.parts("decision")]
        made = modules.decision(moment.after)
        place = place_of(made, room_for(moment.after).items, moment.after)
        assert place == np.mean(both, axis=0).argmax()
        assert made.confidence == pytest.approx(np.mean(both, axis=0).max())
    assert (
        modules.planning(drawn[0].before).model_dump()
        == (whole.answering["planning"]([drawn[0].before.model_dump()])[0])
    )


@pytest.mark.slow
def test_an_experiment_joins_as_a_cloud_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewise.agent.experiment.KINDS", ("phone-decision",))
    agents = {}
    for seed in (1, 2):
        weights = PHONE_DECISION.initial(seed)
        agents[str(seed)] = integrate(
            [unpack(pack(describe("phone-decision", PHONE_DECISION, 0), weights, make_key()))], make_key()
        )
    found = integrated(agents, 64, 0)
    data = examples_of("phone-decision", Schooling(64, 1, HIDDEN_SEED, NAMES, MIXED))
    measured = {
        name: kind.evaluate(weights, data)
        for name, agent in {**agents, **found}.items()
        for kind, weights in [agent.whole["decision"]]
    }
    assert measured["chosen"] == max(measured["1"], measured["2"]) <= measured["federated"]
    assert len(found["federated"].parts("decision")) == 1 + (measured["federated"] > measured["chosen"])


def test_a_damaged_agent_is_refused(agent: Agent, tmp_path: Path) -> None:
    write_agent(tmp_path, agent)
    file = tmp_path / f"{agent.lock.modules['decision']}.module"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(Refused):
        load_modules(tmp_path)
    with pytest.raises(EdgewiseError):
        load_modules(tmp_path / "nowhere")


def test_only_kinds_of_a_phone_are_trained() -> None:
    with pytest.raises(ConfigurationError, match="phone-decision"):
        phone_kind("perception")
    assert {phone_kind(name).name for name in KINDS} == {each.name for each in ALL}


def test_examples_of_a_user_are_read_with_their_answers(tmp_path: Path, drawn: list[Moment]) -> None:
    moment = next(each for each in drawn if each.texts)
    made = Intent(situation=moment.after, decision=Decision(kind="type"))
    text = min(moment.texts)
    fact = moment.after.facts[-1].text if moment.after.facts else read_instruction(moment.after.instruction).quotes[0]
    line = {"request": made.model_dump(), "answer": Action(kind="type", text=fact, clear=bool(text % 2)).model_dump()}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    data = PHONE_ACTION.data_from(tmp_path)
    assert data[ANSWER].shape[0] == 1
    assert data[ANSWER].sum() == 1
    line["answer"]["text"] = "what nobody said"
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(EdgewiseError, match="line 1"):
        PHONE_ACTION.data_from(tmp_path)


def test_nothing_is_typed_where_there_is_no_text(drawn: list[Moment]) -> None:
    bare = Situation(instruction="Type something", screen=drawn[0].after.screen)
    answer = PHONE_ACTION.answering_with(PHONE_ACTION.initial(0))
    assert answer([Intent(situation=bare, decision=Decision(kind="tap", item=0))])[0] == Action(kind="tap", item=0)
    with pytest.raises(EdgewiseError, match="nothing to type"):
        answer([Intent(situation=bare, decision=Decision(kind="type"))])


def test_kinds_of_two_grounds_make_no_agent() -> None:
    assert ground_of(KINDS) == "phone"
    assert ground_of(("decision", "action")) == "synthetic"
    with pytest.raises(ConfigurationError, match="phone and synthetic"):
        ground_of(("decision", "phone-action"))


def test_the_acceptance_test_is_on_phones_that_nobody_learns_from(agent: Agent) -> None:
    ground = GROUNDS.find("phone")
    tasks = ground.draw_tasks(40, 1)
    assert len(tasks) == 40
    assert {each.suite for each in tasks} == {"simple", "complex"}
    names = {*FIRST[1].split()}
    assert any(names & set(each.instruction.replace(",", " ").split()) for each in tasks)
    untrained = ground.successes(agent, tasks[:2])
    assert untrained.shape == (2,)
    assert not untrained.any()


def test_where_nothing_can_be_done_the_right_choice_says_so_once_the_page_was_looked_through() -> None:
    unable, known = 2 * FEW[0] + UNABLE, 0
    for moment in islice(draw_moments(NAMES, 11), 900):
        if moment.right != frozenset([unable]):
            assert unable not in moment.right
            continue
        assert not moment.done
        assert not moment.texts
        known += 1
        decision = decision_of(unable, FEW[0], moment.after, 0.97)
        assert (decision.kind, decision.infeasible) == ("finish", True)
        assert place_of(decision, FEW[0], moment.after) == unable
        action = whole_action(Intent(situation=moment.after, decision=decision))
        assert (action.kind, action.outcome) == ("finish", "infeasible")
    assert known > 10


def test_people_and_places_are_called_by_parts_of_their_names_where_that_says_which() -> None:
    world = World(
        contacts=(
            Contact(0, "Ana Adler", "1", "a"),
            Contact(1, "Ben Braun", "2", "b"),
            Contact(2, "Ben Roth", "3", "c"),
        ),
        spots=(Spot(0, "Hotel Astoria", "x", 10), Spot(1, "City Library", "y", 20), Spot(2, "City Hall", "z", 30)),
    )
    start = replace(draw_phone(0, "en"), world=world)

    def called(instruction: str) -> set[str]:
        task = Task("any", "simple", instruction, start, ())
        return {spoken(task, random.Random(seed)).instruction for seed in range(8)}

    assert called("Send Ana Adler the address of Hotel Astoria") == {
        "Send Ana the address of the hotel",
        "Send Ana the address of the astoria",
    }
    assert called("Send Ben Roth the address of City Hall") == {"Send Ben Roth the address of the hall"}
    assert called('Add a note with the title "Ana Adler"') == {'Add a note with the title "Ana Adler"'}
    assert called("Save the place City Library in the maps") == {"Save the library in the maps"}
