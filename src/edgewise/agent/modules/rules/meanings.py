"""What things on a screen mean: common words of apps in four languages, names of resources, signs."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import cache

from edgewise.agent.screen import Item, Screen
from edgewise.agent.wording import phrase, plain_words

WORDS = """
about      : about the phone, about phone, about, about this phone; uber das telefon, telefoninfo; acerca del telefono; a propos du telephone
add        : add, new, create, plus, compose, new message, new note, new alarm, new event, new contact; hinzufugen, neu, erstellen, neuer wecker, neuer termin; anadir, nuevo, crear, agregar, alarma nueva, evento nuevo; ajouter, nouveau, creer, nouvelle alarme
address    : address, street; adresse, anschrift; direccion; adresse
aeroplane  : aeroplane mode, airplane mode, flight mode, offline mode, aeroplane, airplane; flugmodus; modo avion; mode avion
basket     : basket, cart, shopping cart, trolley, shopping basket; warenkorb, einkaufswagen, korb; cesta, carrito; panier, chariot
bluetooth  : bluetooth
brightness : brightness, brightness level; helligkeit; brillo; luminosite
cancel     : cancel, no, not now, abort; abbrechen, nein, nicht jetzt; cancelar, no, ahora no; annuler, non, plus tard
dark       : dark theme, dark mode, night mode, dark colours, dark colors, dark; dunkles design, dunkelmodus; tema oscuro, modo oscuro; theme sombre, mode sombre
day        : day, date; tag, datum; dia, fecha; jour, date
delete     : delete, remove, erase, discard, bin, trash, move to trash; loschen, entfernen, wegwerfen; eliminar, quitar, borrar; supprimer, retirer, effacer
display    : display, screen, display settings; anzeige, bildschirm; pantalla; ecran, affichage
edit       : edit, change, modify, pencil; bearbeiten, andern, anpassen; editar, cambiar, modificar; modifier, changer, editer
favourite  : favourite, favorite, favourites, star, starred; favorit, stern, markiert; favorito, estrella, marcado; favori, etoile, marque
hours      : hours, hour, time; stunden, stunde, uhrzeit; horas, hora; heures, heure
keep       : save place, remember, pin, keep, bookmark, save; ort merken, merken, anheften; guardar lugar, recordar, fijar, guardar; garder ce lieu, retenir, epingler, enregistrer
message    : message, write a message, text message, write, text; nachricht, nachricht schreiben; mensaje, escribe un mensaje; message, ecrire un message
minutes    : minutes, minute, mins; minuten; minutos; minutes
mobile     : mobile data, cellular data, mobile, data; mobile daten, mobilfunkdaten; datos moviles; donnees mobiles
name       : name, full name; name; nombre; nom
network    : network, network and internet, connections; netzwerk, verbindungen; red, conexiones; reseau, connexions
ok         : ok, okay, got it; ok, verstanden; aceptar, entendido; ok, compris
order      : order, buy, check out, checkout, pay, place order, buy now; bestellen, kaufen, zur kasse; pedir, comprar, pagar; commander, acheter, payer
phone      : phone, number, telephone, phone number, mobile number; telefon, nummer, rufnummer; telefono, numero, movil; telephone, numero, mobile
price      : price, cost; preis; precio; prix
route      : route, directions, way; route, weg, anfahrt; ruta, como llegar, camino; itineraire, trajet, chemin
save       : save, done, keep, check, tick; speichern, fertig, sichern; guardar, listo, conservar; enregistrer, termine, garder
send       : send, submit, send now; senden, abschicken, absenden; enviar, mandar, remitir; envoyer, expedier, transmettre
sound      : sound, sound and vibration, volume; ton, tone; sonido; son
stop       : stop, end, halt; stoppen, beenden, anhalten; parar, terminar, detener; arreter, finir, stopper
start      : start, begin, go; starten, beginnen, los; iniciar, empezar, comenzar; demarrer, commencer, lancer
take       : add to basket, add to cart, put in cart, to basket, to cart, add to trolley; in den warenkorb, in den korb; anadir a la cesta, al carrito; ajouter au panier, mettre au chariot
text       : text, body, content, note; text, inhalt; texto; texte
time       : time, hour; uhrzeit, zeit; hora; heure
timer      : timer; timer; temporizador; minuteur
title      : title, subject, heading; titel, betreff; titulo; titre
vibration  : vibration, vibrate; vibration; vibracion; vibreur
volume     : volume, loudness, sound level, media volume; lautstarke; volumen; volume
wifi       : wi fi, wifi, wlan, wireless; wlan, funknetz; inalambrica; sans fil
"""  # noqa: E501
"""A meaning, then words for it in English, German, Spanish and French, without accents."""
ALIKE = 0.86
"""Similarity from which a text that was read from a picture is a name: one letter in seven may be wrong."""


@cache
def phrases(meaning: str) -> frozenset[str]:
    """Words for a meaning; a meaning that is not in the table stands for itself."""
    for line in WORDS.strip().splitlines():
        key, _, words = line.partition(":")
        if key.strip() == meaning:
            return frozenset(each.strip() for part in words.split(";") for each in part.split(","))
    return frozenset({phrase(meaning)})


@cache
def _meanings() -> dict[str, frozenset[str]]:
    """By a phrase, all words of the phrases that mean the same."""
    found: dict[str, frozenset[str]] = {}
    for line in WORDS.strip().splitlines():
        alike = phrases(line.partition(":")[0].strip())
        words = frozenset(word for each in alike for word in each.split())
        for each in alike:
            found[each] = found.get(each, frozenset()) | words
    return found


def synonyms(text: str) -> frozenset[str]:
    """Words in four languages that mean the same as a text; none if the table does not have it."""
    return _meanings().get(phrase(text), frozenset())


def means(item: Item, meaning: str) -> int:
    """How surely an item means something: 3 by the name of its resource, 2 by what stands on it, 1 by a part, 0 not."""
    resource = phrase(item.resource)
    if resource == meaning or resource in phrases(meaning):
        return 3
    sign = "" if item.text else item.sign  # beside words a sign only decorates
    if any(phrase(each) in phrases(meaning) for each in (item.text, item.description, item.detail, sign) if each):
        return 2
    tokens = set(resource.split())
    return int(meaning in tokens and len(tokens) <= 2 and not tokens & {"less", "more", "minus", "plus"})


def find(screen: Screen, meaning: str, *, touchable: bool = True) -> Item | None:
    """The item that most surely means something."""
    items = [each for each in screen.items if each.role != "field" and (each.touchable or not touchable)]
    best = max(items, key=lambda each: means(each, meaning), default=None)
    return best if best is not None and means(best, meaning) else None


def find_switch(screen: Screen, meaning: str) -> Item | None:
    """The switch that means something, or the only one of the page."""
    switches = [each for each in screen.items if each.checked is not None]
    best = max(switches, key=lambda each: means(each, meaning), default=None)
    if best is not None and means(best, meaning):
        return best
    return switches[0] if len(switches) == 1 else None


def find_button(screen: Screen, meaning: str) -> Item | None:
    """What can be pressed and means something, or the only button as wide as a page's main one."""
    found = find(screen, meaning)
    if found is not None:
        return found
    buttons = [each for each in screen.items if each.role == "button" and each.touchable]
    wide = [each for each in buttons if each.box[2] - each.box[0] > screen.width / 2]
    return wide[0] if len(wide) == 1 else None


def likeness(text: str, name: str) -> float:
    """How much a text is a name: 1 where it is the same, less where it holds a first name or is nearly the same, else 0."""
    one, two = phrase(text), phrase(name)
    if not one or not two:
        return float(bool(text) and text == name)
    if one == two:
        return 1.0
    words = plain_words(text)
    if len(two.split()) == 1 and two in words:
        return 0.95
    same = SequenceMatcher(None, one, two, autojunk=False).ratio()
    digits = [[each for each in words if each.isdigit()] for words in (words, two.split())]
    return same * 0.9 if same >= ALIKE and digits[0] == digits[1] else 0.0


def named(screen: Screen, name: str) -> Item | None:
    """The item of a list that has a name."""
    items = [each for each in screen.items if each.touchable and each.role != "field"]
    best = max(items, key=lambda each: likeness(each.text or each.description, name), default=None)
    return best if best is not None and likeness(best.text or best.description, name) > 0 else None


def titled(screen: Screen, name: str) -> bool:
    """Whether the page is about something: its title or a text that cannot be touched is its name."""
    if likeness(title_of(screen), name) > 0:
        return True
    texts = [each for each in screen.items if not each.touchable and each.text]
    return any(likeness(each.text, name) == 1.0 for each in texts)


def title_of(screen: Screen) -> str:
    """The page's title; where perception tells none, the uppermost text."""
    if screen.title:
        return screen.title
    texts = [each for each in screen.items if each.role in ("text", "heading") and each.text and not each.touchable]
    return texts[0].text if texts else ""
