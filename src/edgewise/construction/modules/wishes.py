"""What users of the synthetic user interface ask for: wishes with a gesture, questions about stored facts, elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise.construction.modules.words import (
    FUNCTIONS,
    LABELS,
    WISHES,
    draw_name,
    draw_slip,
)

GESTURES = ("tap", "double_tap", "long_press", "swipe", "scroll", "type", "press", "open_app")
"""How an element is used."""
MANNERS: dict[str, tuple[str, ...]] = {
    "en": ("simply", "twice quickly", "holding it down", "by wiping sideways", "further below", "filling in",
           "with the key", "in its own program"),
    "de": ("einfach", "zweimal schnell", "gedrückt haltend", "zur seite wischend", "weiter unten", "ausfüllend",
           "mit der taste", "im eigenen programm"),
    "fr": ("simplement", "deux fois vite", "en maintenant", "en glissant de côté", "plus bas", "en remplissant",
           "avec la touche", "dans son programme"),
    "es": ("simplemente", "dos veces rápido", "manteniendo", "deslizando de lado", "más abajo", "rellenando",
           "con la tecla", "en su programa"),
    "it": ("semplicemente", "due volte in fretta", "tenendo premuto", "scorrendo di lato", "più in basso", "compilando",
           "con il tasto", "nel suo programma"),
}  # fmt: skip
"""How a user says so, in the order of GESTURES."""
FIELDS = ("amount", "date", "place", "phone", "code", "owner")
"""What stored facts tell."""
FACTS: dict[str, tuple[str, ...]] = {
    "en": ("amount", "date", "place", "phone", "code", "owner"),
    "de": ("betrag", "datum", "ort", "telefon", "kennwort", "besitzer"),
    "fr": ("montant", "jour", "lieu", "téléphone", "mot de passe", "propriétaire"),
    "es": ("importe", "fecha", "lugar", "teléfono", "clave", "dueño"),
    "it": ("importo", "data", "luogo", "telefono", "parola chiave", "proprietario"),
}  # fmt: skip
"""How a fact is headed, in the order of FIELDS."""
QUESTIONS: dict[str, tuple[str, ...]] = {
    "en": ("how much was", "when was", "where is", "how do i ring", "what unlocks", "whose is"),
    "de": ("wie viel kostete", "wann war", "wo ist", "wie erreiche ich", "was öffnet", "wem gehört"),
    "fr": ("combien coûtait", "quand était", "où est", "comment joindre", "qu'est-ce qui ouvre", "à qui est"),
    "es": ("cuánto costó", "cuándo fue", "dónde está", "cómo llamo a", "qué abre", "de quién es"),
    "it": ("quanto costava", "quando era", "dove si trova", "come chiamo", "che cosa apre", "di chi è"),
}  # fmt: skip
"""How it is asked for."""
ELEMENTS, STORED = 8, 8
"""Elements of a screen, and facts of a memory, that a request may have."""
UNLABELLED, UNSEEN = 0.3, 0.2
"""Parts of the elements that show a picture alone, and whose picture is not recognised; never both."""


def draw_called(function: int, language: str, rng: np.random.Generator) -> str:
    """What an agent calls an element that it has used: its label, or the name of its function where it shows a picture alone."""
    return FUNCTIONS[function] if rng.random() < UNLABELLED else draw_slip(LABELS[language][function], rng)


@dataclass(frozen=True)
class Element:
    """An element of a screen.

    Attributes:
        function: what it does, its place in `words.FUNCTIONS`.
        label: what stands on it; empty if nothing does.
        perceived: function that its picture was taken for; -1 if unknown.
    """

    function: int
    label: str
    perceived: int


@dataclass(frozen=True)
class Fact:
    """A stored fact.

    Attributes:
        field: what it tells, its place in FIELDS.
        name: of what.
        value: what it tells.
        text: all of it as it is stored.
    """

    field: int
    name: str
    value: str
    text: str


def draw_wish(function: int, gesture: int, language: str, rng: np.random.Generator) -> str:
    """A wish that is fulfilled by a gesture on an element.

    Args:
        function: of the element, its place in `words.FUNCTIONS`.
        gesture: its place in GESTURES.
        language: of the user.
        rng: of a name and slips.
    """
    said = [WISHES[language][function], MANNERS[language][gesture], draw_name(rng)]
    return draw_slip(" ".join(said), rng)


def draw_screen(language: str, count: int, rng: np.random.Generator, first: int | None = None) -> list[Element]:
    """Elements of different functions in random order.

    Args:
        language: of the elements' labels.
        count: how many.
        rng: of all.
        first: a function that is among them, its place in `words.FUNCTIONS`. If None, any are.
    """
    functions = rng.permutation(len(FUNCTIONS))
    if first is not None:
        functions = np.concatenate([[first], functions[functions != first]])
    return [_element(int(function), language, rng) for function in rng.permutation(functions[:count])]


def _element(function: int, language: str, rng: np.random.Generator) -> Element:
    chance = rng.random()
    label = "" if chance < UNLABELLED else draw_slip(LABELS[language][function], rng)
    perceived = -1 if UNLABELLED <= chance < UNLABELLED + UNSEEN else function
    return Element(function, label, perceived)


def draw_facts(language: str, count: int, rng: np.random.Generator) -> list[Fact]:
    """Stored facts: some of the same thing, some of the same field; no two of both.

    Args:
        language: of the facts.
        count: how many, 18 at most.
        rng: of all.
    """
    names = [draw_name(rng) for _ in range(3)]
    pairs = rng.permutation(len(names) * len(FIELDS))[:count]
    return [_fact(int(pair) % len(FIELDS), names[int(pair) // len(FIELDS)], language, rng) for pair in pairs]


def _fact(field: int, name: str, language: str, rng: np.random.Generator) -> Fact:
    value = str(int(rng.integers(10, 10_000)))
    return Fact(field, name, value, f"{draw_slip(FACTS[language][field], rng)} {name} {value}")


def draw_question(fact: Fact, language: str, rng: np.random.Generator) -> str:
    """A question that a fact answers."""
    return draw_slip(f"{QUESTIONS[language][fact.field]} {fact.name}", rng)
