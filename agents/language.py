"""Pure: which of our languages a message is written in."""

import re
from typing import Final

LANGUAGES: Final = ("en", "es", "de", "fr", "hi")
DEVANAGARI: Final = re.compile(r"[\u0900-\u097f]")
# The commonest short words, and the words of our trade, that no other of our languages spells the same way.
WORDS: Final = {
    "en": "the is my a why are you what i in of to there have this please not how when can it and do be on line down bill we was your "
    "about tell keeps every out show want need which does",
    "es": "el la mi es por qué que hay una un está cuando tengo quiero funciona factura con hablar persona mes una de los más alta "
    "cita técnico hola gracias sin avería zona puedo necesito como cómo mañana su desde las cuánto cuesta tarifas tenéis algo dónde "
    "pedido equipo estamos nada usted y se ha le mensajes habéis siguiente puerto trabajo potencia menos",
    "de": "der die das ist mein meine warum ich nicht es gibt eine ein wie wann kein keine mit rechnung störung geht und zu einen "
    "termin techniker hallo danke möchte mensch sprechen diesen monat höher leitung wir haben morgen sie ihre diese welche welcher wo "
    "bestellung gerät versorgen uns von bei auf was kostet anschluss weiter auftrag empfangspegel zum bezahlen",
    "fr": "le la mon ma est pourquoi il une un je ne pas y a-t-il quand avec facture plus de ce mois les panne parler personne "
    "rendez-vous technicien bonjour merci connexion veux voudrais quelqu'un ma ligne marche élevée j'ai c'est demain mes quels quel "
    "quelle avez-vous vous nous où en est-elle combien commande montrez-moi ai-je chez à du sur votre envoyez-moi passez-moi lien pour "
    "suivant suivante puissance moins clore",
    "hi": "mera meri kyun hai nahi kab kya net bill bahut zyada chal raha rahi kar mujhe baat karni band hua aaj",
}
KNOWN: Final = {language: frozenset(words.split()) for language, words in WORDS.items()}


def language_of(words: str, before: str = "en") -> str:
    """The language most of the words belong to; that of the message before where they do not tell."""
    if len(DEVANAGARI.findall(words)) >= 2:
        return "hi"
    spoken = re.findall(r"[\w\u0900-\u097f'-]+", words.casefold())
    votes = {language: sum(word in KNOWN[language] for word in spoken) for language in LANGUAGES}
    best = max(votes, key=lambda language: (votes[language], language == before))
    return best if votes[best] > votes.get(before, 0) else before
