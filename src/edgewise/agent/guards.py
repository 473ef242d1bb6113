"""What an agent is kept from: doing what cannot be undone unasked, doing the same again, taking texts for orders."""

from __future__ import annotations

from collections.abc import Iterator

from edgewise.agent.actions import Action
from edgewise.agent.device.elements import Element
from edgewise.agent.modules.interfaces import Decision, Kept
from edgewise.agent.screen import Item, Screen
from edgewise.agent.wording import plain_words

SENSITIVE = {
    "deleting": (
        "delete remove erase discard trash bin clear uninstall reset wipe "
        "loschen entfernen wegwerfen verwerfen papierkorb deinstallieren "
        "eliminar quitar borrar suprimir papelera desinstalar "
        "supprimer retirer effacer enlever corbeille desinstaller"
    ),
    "ordering": (
        "order buy pay purchase checkout subscribe "
        "bestellen kaufen bezahlen kasse abonnieren "
        "pedir comprar pagar encargar suscribir "
        "commander acheter payer abonner"
    ),
    "sending": (
        "send submit post publish share transfer "
        "senden abschicken absenden verschicken teilen uberweisen "
        "enviar mandar remitir publicar compartir transferir "
        "envoyer expedier transmettre publier partager"
    ),
}
"""Words of what cannot be undone, in English, German, Spanish and French, without accents."""
WORDS = {word: what for what, words in SENSITIVE.items() for word in words.split()}
LONGEST_LABEL = 4
"""Words of a button's label; what is longer tells something and is not a button's."""
MILD = (
    ("not now later no cancel close dismiss skip", "nicht jetzt spater nein abbrechen schliessen"),
    ("ahora no despues cancelar cerrar", "plus tard non annuler fermer"),
)
CALM = {word for pair in MILD for words in pair for word in words.split()}
"""Words of buttons that agree to nothing."""
AGREED = {"ok", "okay", "aceptar", "accepter", "verstanden", "entendido", "compris", "got", "it"}
"""Words of a button that only takes note, where it is the only one."""
SYSTEM = ("android", "com.android.systemui")
"""Packages whose windows lie over the app that is shown."""


def _labels(item: Item) -> Iterator[tuple[str, ...]]:
    for text in (item.text, item.description, item.sign, item.resource):
        words = plain_words(text)
        if 0 < len(words) <= LONGEST_LABEL:
            yield words


def touched(action: Action, screen: Screen) -> Item | None:
    """The item that an action touches or holds; None if it touches none."""
    if (
        action.kind not in ("tap", "double_tap", "long_press")
        or action.item is None
        or action.item >= len(screen.items)
    ):
        return None
    return screen.items[action.item]


def sensitive(action: Action, screen: Screen, decision: Decision | None = None) -> str:
    """What an action does that cannot be undone: deleting, ordering or sending; empty if nothing.

    Found by words of the item's text, description, sign and resource name, or told by the decision module itself.
    """
    item = touched(action, screen)
    if item is not None and item.role in ("button", "icon", "picture", "other") and item.checked is None:
        for words in _labels(item):
            for word in words:
                if word in WORDS:
                    return WORDS[word]
    if (action.kind == "type" and action.submit) or (action.kind == "press" and action.key == "enter"):
        return "sending"
    return "something that cannot be undone" if decision is not None and decision.sensitive else ""


def turns(action: Action, screen: Screen) -> bool:
    """Whether an action turns a switch."""
    item = touched(action, screen)
    return item is not None and item.checked is not None


def dismissal(screen: Screen, tree: Element | None, app: str) -> Action | None:
    """What closes a window of the system that lies over the app, without agreeing to anything; None if there is none.

    Args:
        screen: as it was perceived.
        tree: of elements. If None, nothing is known of windows.
        app: package of the app that is shown.
    """
    if tree is None or tree.package not in SYSTEM or app in ("", tree.package):
        return None
    buttons = [each for each in screen.items if each.touchable]
    for each in buttons:
        if CALM & set(plain_words(each.label)):
            return Action(kind="tap", item=each.number)
    if len(buttons) == 1 and AGREED & set(plain_words(buttons[0].label)):
        return Action(kind="tap", item=buttons[0].number)
    return None


def read_there(kept: Kept, screen: Screen) -> bool:
    """Whether what memory keeps stands on the screen: a fact is read, never made up."""
    if kept.fact is None:
        return False
    texts = [text for each in screen.items for text in (each.text, each.detail, each.description)]
    return bool(kept.fact.text.strip()) and any(kept.fact.text in text for text in texts)


def other_ways(screen: Screen) -> Iterator[Action]:
    """What is tried where an action would only be the same again."""
    for each in screen.items:
        if each.scrollable:
            yield Action(kind="scroll", direction="down", item=each.number)
            yield Action(kind="scroll", direction="up", item=each.number)
    yield Action(kind="press", key="back")
    yield Action(kind="press", key="home")
