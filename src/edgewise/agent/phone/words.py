"""What the apps say themselves, in four languages; words that looks choose among are separated by bars."""

from __future__ import annotations

from functools import cache

from edgewise.agent.phone.skins import LANGUAGES

TABLE = """
launcher      ; Home                      ; Start                        ; Inicio                     ; Accueil
settings      ; Settings                  ; Einstellungen                ; Ajustes                    ; Réglages
contacts      ; Contacts|People|Directory ; Kontakte|Personen|Verzeichnis; Contactos|Personas|Agenda  ; Contacts|Personnes|Annuaire
messages      ; Messages|Chat|Texts       ; Nachrichten|Chat|SMS         ; Mensajes|Chat|SMS          ; Messages|Discussions|SMS
notes         ; Notes|Memos|Notebook      ; Notizen|Merkzettel|Notizbuch ; Notas|Apuntes|Cuaderno     ; Notes|Mémos|Carnet
clock         ; Clock                     ; Uhr                          ; Reloj                      ; Horloge
shop          ; Shop|Store|Market         ; Laden|Geschäft|Markt         ; Tienda|Comercio|Mercado    ; Boutique|Magasin|Marché
maps          ; Maps|Map|Places           ; Karten|Karte|Orte            ; Mapas|Mapa|Lugares         ; Cartes|Plan|Lieux
calendar      ; Calendar|Agenda|Planner   ; Kalender|Agenda|Planer       ; Calendario|Citas|Planes    ; Calendrier|Agenda|Rendez-vous
back          ; Back|Navigate up|Return   ; Zurück|Nach oben|Zurück      ; Atrás|Volver|Regresar      ; Retour|Revenir|Précédent
add           ; Add|New|Create            ; Hinzufügen|Neu|Erstellen     ; Añadir|Nuevo|Crear         ; Ajouter|Nouveau|Créer
save          ; Save|Done|Keep            ; Speichern|Fertig|Sichern     ; Guardar|Listo|Conservar    ; Enregistrer|Terminé|Garder
delete        ; Delete|Remove|Erase       ; Löschen|Entfernen|Wegwerfen  ; Eliminar|Quitar|Borrar     ; Supprimer|Retirer|Effacer
cancel        ; Cancel|No|Not now         ; Abbrechen|Nein|Nicht jetzt   ; Cancelar|No|Ahora no       ; Annuler|Non|Plus tard
edit          ; Edit|Change|Modify        ; Bearbeiten|Ändern|Anpassen   ; Editar|Cambiar|Modificar   ; Modifier|Changer|Éditer
search        ; Search|Find|Look up       ; Suchen|Finden|Nachschlagen   ; Buscar|Encontrar|Localizar ; Rechercher|Trouver|Chercher
send          ; Send|Submit|Send now      ; Senden|Abschicken|Absenden   ; Enviar|Mandar|Remitir      ; Envoyer|Expédier|Transmettre
ok            ; OK                        ; OK                           ; Aceptar                    ; OK
name          ; Name                      ; Name                         ; Nombre                     ; Nom
phone         ; Phone|Number|Telephone    ; Telefon|Nummer|Rufnummer     ; Teléfono|Número|Móvil      ; Téléphone|Numéro|Mobile
address       ; Address                   ; Adresse                      ; Dirección                  ; Adresse
favourite     ; Favourite|Star|Starred    ; Favorit|Stern|Markiert       ; Favorito|Estrella|Marcado  ; Favori|Étoile|Marqué
write         ; Message|Write|Text        ; Nachricht|Schreiben|Texten   ; Mensaje|Escribir|Textear   ; Message|Écrire|Texter
write hint    ; Write a message           ; Nachricht schreiben          ; Escribe un mensaje         ; Écrire un message
to            ; To whom?                  ; An wen?                      ; ¿Para quién?               ; À qui ?
title         ; Title                     ; Titel                        ; Título                     ; Titre
text          ; Text                      ; Text                         ; Texto                      ; Texte
empty         ; Nothing here yet          ; Noch nichts hier             ; Aún no hay nada            ; Rien pour l'instant
sure          ; Delete this?              ; Wirklich löschen?            ; ¿Eliminar esto?            ; Supprimer ceci ?
alarms        ; Alarms                    ; Wecker                       ; Alarmas                    ; Alarmes
timer         ; Timer                     ; Timer                        ; Temporizador               ; Minuteur
new alarm     ; New alarm                 ; Neuer Wecker                 ; Alarma nueva               ; Nouvelle alarme
hours         ; Hours                     ; Stunden                      ; Horas                      ; Heures
minutes       ; Minutes                   ; Minuten                      ; Minutos                    ; Minutes
start         ; Start|Begin|Go            ; Starten|Beginnen|Los         ; Iniciar|Empezar|Comenzar   ; Démarrer|Commencer|Lancer
stop          ; Stop|End|Halt             ; Stoppen|Beenden|Anhalten     ; Parar|Terminar|Detener     ; Arrêter|Finir|Stopper
less          ; Less                      ; Weniger                      ; Menos                      ; Moins
more          ; More                      ; Mehr                         ; Más                        ; Plus
network       ; Network                   ; Netzwerk                     ; Red                        ; Réseau
display       ; Display                   ; Anzeige                      ; Pantalla                   ; Écran
sound         ; Sound                     ; Ton                          ; Sonido                     ; Son
about         ; About the phone           ; Über das Telefon             ; Acerca del teléfono        ; À propos du téléphone
wifi          ; Wi-Fi|WLAN|Wireless       ; WLAN|Wi-Fi|Funknetz          ; Wi-Fi|WLAN|Inalámbrica     ; Wi-Fi|WLAN|Sans fil
bluetooth     ; Bluetooth                 ; Bluetooth                    ; Bluetooth                  ; Bluetooth
aeroplane     ; Aeroplane mode|Flight mode|Offline mode; Flugmodus       ; Modo avión                 ; Mode avion
dark          ; Dark theme|Night mode|Dark colours; Dunkles Design       ; Tema oscuro                ; Thème sombre
brightness    ; Brightness                ; Helligkeit                   ; Brillo                     ; Luminosité
volume        ; Volume|Loudness|Sound level; Lautstärke                  ; Volumen                    ; Volume
vibration     ; Vibration                 ; Vibration                    ; Vibración                  ; Vibreur
mobile        ; Mobile data               ; Mobile Daten                 ; Datos móviles              ; Données mobiles
model         ; Model                     ; Modell                       ; Modelo                     ; Modèle
version       ; Version                   ; Version                      ; Versión                    ; Version
products      ; Products                  ; Produkte                     ; Productos                  ; Produits
basket        ; Basket|Cart|Trolley       ; Warenkorb|Korb|Einkaufswagen ; Cesta|Carrito|Compra       ; Panier|Chariot|Achats
to basket     ; Add to basket|Put in cart|Take it; In den Warenkorb|In den Korb|Nehmen; Añadir a la cesta|Al carrito|Lo quiero; Ajouter au panier|Mettre au chariot|Je le prends
order         ; Order|Buy|Check out       ; Bestellen|Kaufen|Zur Kasse   ; Pedir|Comprar|Pagar        ; Commander|Acheter|Payer
orders        ; Orders                    ; Bestellungen                 ; Pedidos                    ; Commandes
price         ; Price                     ; Preis                        ; Precio                     ; Prix
total         ; Total                     ; Summe                        ; Total                      ; Total
stars         ; Rating                    ; Bewertung                    ; Valoración                 ; Note
deliver       ; Deliver to                ; Liefern an                   ; Entregar en                ; Livrer à
thanks        ; Thank you for your order  ; Danke für die Bestellung     ; Gracias por su pedido      ; Merci de votre commande
route         ; Route|Directions|Way      ; Route|Weg|Anfahrt            ; Ruta|Cómo llegar|Camino    ; Itinéraire|Trajet|Chemin
saved         ; Saved places              ; Gemerkte Orte                ; Lugares guardados          ; Lieux enregistrés
keep place    ; Save place|Remember|Pin   ; Ort merken|Merken|Anheften   ; Guardar lugar|Recordar|Fijar; Garder ce lieu|Retenir|Épingler
distance      ; Distance                  ; Entfernung                   ; Distancia                  ; Distance
arrived       ; You are on your way       ; Sie sind unterwegs           ; Está en camino             ; Vous êtes en route
day           ; Day                       ; Tag                          ; Día                        ; Jour
time          ; Time                      ; Uhrzeit                      ; Hora                       ; Heure
recents       ; Recent apps               ; Letzte Apps                  ; Apps recientes             ; Apps récentes
"""  # noqa: E501
"""A key, then the words of each language of `LANGUAGES`."""


@cache
def _table() -> dict[tuple[str, str], tuple[str, ...]]:
    rows = [[cell.strip() for cell in line.split(";")] for line in TABLE.strip().splitlines()]
    return {
        (language, row[0]): tuple(cell.split("|"))
        for row in rows
        for language, cell in zip(LANGUAGES, row[1:], strict=True)
    }


def keys() -> tuple[str, ...]:
    """Everything that there are words for."""
    return tuple(key for language, key in _table() if language == LANGUAGES[0])


def say(language: str, variant: int, key: str) -> str:
    """The words for something.

    Args:
        language: among `LANGUAGES`.
        variant: which of several words, counted from 0.
        key: of the table.
    """
    words = _table()[language, key]
    return words[variant % len(words)]
