"""The words of the synthetic user interface: what elements are called, in several languages, and how text becomes numbers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import StringConstraints

Text = Annotated[str, StringConstraints(max_length=1000)]
"""A text of a request."""
LANGUAGES = ("en", "de", "fr", "es", "it")
MIXED = "mixed"
"""All languages alike."""
OWN = 0.5
"""Part of an edge server's examples that are surely in its own language; the rest are in any: users come from elsewhere too."""
FUNCTIONS = (
    "back", "search", "send", "add", "delete", "settings", "share", "call", "camera", "map", "pay", "play",
)  # fmt: skip
"""What an element does; each has a picture, and leads to a page of its own."""
LABELS: dict[str, tuple[str, ...]] = {
    "en": ("back", "search", "send", "add", "delete", "settings", "share", "call", "camera", "map", "pay", "play"),
    "de": ("zurück", "suche", "senden", "neu", "löschen", "einstellungen", "teilen", "anrufen", "kamera", "karte",
           "bezahlen", "abspielen"),
    "fr": ("retour", "recherche", "envoyer", "ajouter", "supprimer", "réglages", "partager", "appeler", "appareil photo",
           "carte", "payer", "lire"),
    "es": ("atrás", "buscar", "enviar", "añadir", "borrar", "ajustes", "compartir", "llamar", "cámara", "mapa", "pagar",
           "reproducir"),
    "it": ("indietro", "cerca", "invia", "aggiungi", "elimina", "impostazioni", "condividi", "chiama", "fotocamera",
           "mappa", "paga", "riproduci"),
}  # fmt: skip
"""What stands on an element, in the order of FUNCTIONS."""
WISHES: dict[str, tuple[str, ...]] = {
    "en": ("go one page up", "find something", "post the message", "make a new entry", "throw it away",
           "change the options", "show it to a friend", "ring someone up", "take a picture", "where is it",
           "settle the bill", "listen to the song"),
    "de": ("eine seite hoch", "etwas finden", "nachricht abschicken", "einen eintrag anlegen", "wegwerfen",
           "optionen ändern", "einem freund zeigen", "mit jemandem telefonieren", "ein foto machen", "wo ist das",
           "rechnung begleichen", "das lied hören"),
    "fr": ("remonter d'une page", "trouver quelque chose", "expédier le message", "créer une entrée", "jeter cela",
           "changer les options", "montrer à un ami", "téléphoner à quelqu'un", "prendre une photo", "où est-ce",
           "régler la facture", "écouter la chanson"),
    "es": ("subir una página", "encontrar algo", "mandar el mensaje", "crear una entrada", "tirarlo",
           "cambiar las opciones", "enseñar a un amigo", "telefonear a alguien", "hacer una foto", "dónde está",
           "saldar la cuenta", "escuchar la canción"),
    "it": ("salire di una pagina", "trovare qualcosa", "spedire il messaggio", "creare una voce", "buttarlo via",
           "cambiare le opzioni", "mostrare a un amico", "telefonare a qualcuno", "fare una foto", "dove si trova",
           "saldare il conto", "ascoltare la canzone"),
}  # fmt: skip
"""How a user asks for it, in words that do not stand on the element."""
TITLES: dict[str, tuple[str, ...]] = {
    "en": ("home", "results", "outbox", "new entry", "bin", "options", "choose a person", "dialling", "viewfinder",
           "route", "receipt", "now playing"),
    "de": ("startseite", "treffer", "ausgang", "neuer eintrag", "papierkorb", "optionen", "person wählen", "es klingelt",
           "sucher", "route", "beleg", "läuft gerade"),
    "fr": ("accueil", "résultats", "envoyés", "nouvelle entrée", "corbeille", "options", "choisir une personne", "ça sonne",
           "viseur", "itinéraire", "reçu", "en cours de lecture"),
    "es": ("inicio", "resultados", "salida", "nueva entrada", "papelera", "opciones", "elegir persona", "marcando",
           "visor", "ruta", "recibo", "suena ahora"),
    "it": ("pagina iniziale", "risultati", "inviati", "nuova voce", "cestino", "opzioni", "scegli persona", "sta squillando",
           "mirino", "percorso", "ricevuta", "in riproduzione"),
}  # fmt: skip
"""What stands at the head of the page that it leads to."""
FEATURES = 256
"""Places of the hashed letters of a text: words of the lists above seldom share one."""
SYLLABLES = ("ka", "lo", "mi", "ren", "sa", "tu", "vel", "dor", "ni", "pe", "zan", "gru", "fi", "bo", "har", "ly")


@lru_cache(maxsize=4096)
def text_features(text: str) -> Float[np.ndarray, 256]:
    """A text as hashed runs of three letters and whole words, of mean square 1; zeros for an empty one. Not to be changed."""
    found = np.zeros(FEATURES, np.float32)
    for word in text.lower().split():
        bounded = f"<{word}>"
        runs = [bounded[start : start + 3] for start in range(len(bounded) - 2)]
        for run in (*runs, bounded):
            found[zlib.crc32(run.encode()) % FEATURES] += 1
    length = np.linalg.norm(found)
    if length > 0:
        found *= np.sqrt(FEATURES) / length
    found.flags.writeable = False
    return found


def features(texts: Sequence[str]) -> Float[np.ndarray, "n 256"]:
    """The features of several texts."""
    return np.stack([text_features(text) for text in texts])


def draw_languages(language: str, count: int, rng: np.random.Generator) -> list[str]:
    """Languages of `count` texts of a place where one is spoken."""
    anyone = rng.integers(len(LANGUAGES), size=count)
    own = (rng.random(count) < OWN) & (language != MIXED)
    return [language if mine else LANGUAGES[one] for mine, one in zip(own, anyone, strict=True)]


def draw_name(rng: np.random.Generator) -> str:
    """A name that no list holds."""
    return "".join(SYLLABLES[place] for place in rng.integers(len(SYLLABLES), size=rng.integers(2, 4)))


def draw_slip(text: str, rng: np.random.Generator) -> str:
    """A text in which, one time in ten, a letter is missing."""
    if len(text) < 4 or rng.random() >= 0.1:
        return text
    place = int(rng.integers(len(text)))
    return text[:place] + text[place + 1 :]
