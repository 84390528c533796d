"""Pure: where somebody's words give our agents orders ("ignore your rules"). Nothing is done about it here: a person is to look."""

import re
from typing import Final

# What is long is read in its beginning and its end: orders hide behind walls of text, and seldom in the middle of one.
MOST_READ: Final = 4000

_OURS = (
    r"(?:i\w{0,3}structions?|rules?|prompts?|guidelines?|polic(?:y|ies)|directives?|restrictions?|safeguards?|programming|"
    r"commands?|orders?)"
)
_PATTERNS: Final[dict[str, str]] = {
    "asks to forget the rules": (
        # "Ignore my last message" is no such thing; "ignore the above" is.
        rf"(?:ignore|disregard|forget|override|bypass|overrule|drop|circumvent|stop following)\b(?:\W+(?!my\b)\w+){{0,4}}?\W+{_OURS}\b|"
        r"(?:ignore|disregard|forget) (?:everything|all|anything)?\s?(?:(?:written|said|told|that was) )?(?:the )?(?:above|"
        r"previous(?:ly)?|before|prior)\b|"
        r"do not (?:follow|obey|apply)\W+(?:\w+\W+){0,2}?(?:rules?|instructions?|polic(?:y|ies))|"
        r"(?:ignor[ae]|ignor[ae]d|olvid[ae]|olvid[ae]d|desobedece|haz caso omiso de|salta[te]*|omit[ae])\W+(?:\w+\W+){0,3}?"
        r"(?:instrucci(?:ón|ones)|reglas?|normas?|órdenes|directrices|políticas?)|"
        r"(?:ignorier\w*|vergiss|vergessen sie|missachte\w*|umgeh\w*|übergeh\w*|setz\w* dich über)\W+(?:\w+\W+){0,3}?"
        r"(?:anweisung(?:en)?|regeln?|vorgaben|vorschriften|richtlinien?|instruktionen|befehle)|"
        r"(?:ignor(?:e|ez|er)|oubli(?:e|ez|er)|contourn(?:e|ez|er)|désobéis(?:sez)?(?: à)?|ne tiens pas compte de|"
        r"ne tenez pas compte de)\W+(?:\w+\W+){0,3}?"
        r"(?:instructions?|règles?|consignes?|directives?)|"
        r"(?:निर्देश|नियम|आदेश)\w*\W+(?:\w+\W+){0,3}?(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल|मत मान|तोड़)|"
        r"(?:niyam|nirdesh|instructions?|rules?)\w*\W+(?:\w+\W+){0,2}?(?:bhool|bhul|ignore kar|andekha|mat maan)"
    ),
    "asks for the prompt": (
        r"system (?:prompt|message|instructions?)|(?:your|the) (?:hidden|secret|initial|original|internal|developer) (?:prompt|"
        r"instructions?|rules)|"
        r"(?:print|show|reveal|repeat|output|display|encode|dump|leak|list|tell me|give me|what (?:is|are|was|"
        r"were))\W+(?:me )?(?:\w+\W+){0,3}?"
        r"(?:your|those|the) (?:exact |full |own )?(?:prompt|instructions(?! (?:for|to|on)\b)|tools and|tool calls?|functions and)|"
        r"instructions you were given|"
        r"(?:repeat|replace|encode)\b.{0,30}\b(?:text|words) above|(?:the|all) above text|"
        r"(?:tu|tus|su|sus) (?:prompt|instrucciones (?:iniciales|internas|ocultas|de sistema))|prompt del sistema|mensaje del sistema|"
        r"(?:dein\w*|ihr\w*) (?:system-?\s?prompt|prompt|(?:internen?|geheimen?|ursprünglichen?) anweisungen)|system-?prompt|"
        r"systemnachricht|"
        r"(?:ton|tes|votre|vos) (?:prompt|instructions (?:initiales|internes|cachées|système))|prompt système|message système|"
        r"सिस्टम प्रॉम्प्ट|(?:अपन[ेा]|तुम्हारे|आपके) (?:छिपे |गुप्त |अंदरूनी )(?:निर्देश|नियम)"
    ),
    "asks for what is secret": (
        r"(?:tell|give|share|send|reveal|show|what(?:'s| is))\b.{0,20}?\byour (?:own |admin |internal |secret )?(?:password|api key|"
        r"secret|credentials)|"
        r"share your password|dein passwort|tu contraseña|votre mot de passe|ton mot de passe|अपना पासवर्ड बता"
    ),
    "gives the agents another role": (
        r"you are now\b(?! (?:charging|asking|telling|saying|billing|my))|from now on,? you|pretend (?:to be|you(?:'re| are)|that you)|"
        r"act as (?:if you|an? (?:unrestricted|admin|developer|system|different|engineer|manager|supervisor)|root|admin|dan)|"
        r"(?:developer|debug|god|sudo|root|jailbreak|unrestricted|maintenance|test|system|admin(?:istrator)?) mode\b|jailbreak|"
        r"without (?:any )?(?:restrictions?|limits|filters) (?:on|in|for) (?:you|your)|no longer (?:bound|restricted|limited)|"
        r"\bnew (?:instructions?|system prompt|directives?)\s*:|system override|admin(?:istrator)? override|override code|"
        r"i(?:'m| am) (?:your (?:\w+ )?(?:developer|creator|programmer|administrator|manager|boss|supervisor|owner)|the (?:developer|"
        r"creator|programmer|system administrator))\b|"
        r"i work for (?:your company|you|this company)\W|(?:ceo|head office|management|your (?:boss|manager)) (?:has |"
        r"have )?(?:authori[sz]ed|approved|ordered|told you)|"
        r"ahora eres|a partir de ahora (?:eres|actúa\w*|responde\w*)|finge (?:ser|que eres)|actúa como (?:si|administrador|un)|"
        r"modo (?:desarrollador|administrador|dios|depuración)|"
        r"soy tu (?:jefe|desarrollador|programador|administrador|creador)|"
        r"du bist (?:jetzt|ab jetzt|von nun an|nun) ein|ab jetzt bist du|tu so,? als (?:ob|wärst|seist)|(?:entwickler|administrator|"
        r"admin|debug|wartungs)-?modus|"
        r"ich bin (?:dein|ihr) (?:chef|entwickler|programmierer|administrator|vorgesetzter)|"
        r"tu es (?:maintenant|désormais) un|à partir de maintenant,? (?:tu|vous)|fais (?:comme si|semblant d)|faites (?:comme si|"
        r"semblant d)|mode (?:développeur|administrateur|admin|debug)|"
        r"je suis (?:ton|votre) (?:patron|chef|développeur|administrateur|créateur|supérieur)|"
        r"अब (?:से )?(?:तुम|आप) (?:एक|मेरे)\b.{0,40}(?:हो|हैं|बन)|मैं (?:तुम्हारा|आपका) (?:मालिक|बॉस|डेवलपर|मैनेजर)|(?:डेवलपर|"
        r"एडमिन) मोड"
    ),
    "is dressed up as the system": (
        r"</?\s?(?:system|information|instructions?|assistant|admin|tool_?(?:call|result)?|function_?call|user|important)\b[^>]{0,40}>|"
        r"(?:^|\s)#{2,}\W{0,3}(?:system|instructions?|assistant)|\[/?(?:system|inst|assistant|admin|instructions?)\b[^\]]{0,30}\]|<\|"
        r"\w+\|>|"
        r"(?:^|(?<=\n)|(?<=[.!?] ))\W{0,4}(?:system|assistant|developer)\s{0,2}(?:message|note|update)?\s?:|"
        r"(?-i:SYSTEM|ASSISTANT|ADMIN)\s?:|"
        r"(?:note|message|instructions?|attention|important|orders?|reminder)\W{1,3}(?:\w+\W+){0,5}?(?:to|"
        r"for)\W+(?:you,? )?(?:\w+\W+)?(?:ai|llm|chat ?bot|bot|language model|assistant|agents?)\b|"
        r"(?:ai|llm|language model|chat ?bot|bot)(?: (?:assistant|agent|model))?s?\b.{0,40}\b(?:must|should|shall|have to|"
        r"are instructed|is instructed|needs? to)\b.{0,40}\b"
        r"(?:call|issue|credit|refund|approve|send|transfer|execute|run|grant|waive|delete|reveal|print|follow)|"
        r"(?:nota|instrucci(?:ón|ones)|atención)\W+(?:\w+\W+){0,3}?(?:para|a) (?:la |el )?(?:ia|asistente|bot|agentes?|modelo)\b|"
        r"(?:hinweis|anweisung|achtung)\W+(?:\w+\W+){0,3}?(?:an|für) (?:die |den |das )?(?:ki|assistenten|bot|agenten|modell)\b|"
        r"(?:note|instructions?|attention|consigne)\W+(?:\w+\W+){0,3}?(?:pour|à) (?:l'|le |la )?(?:ia|assistant|bot|agents?|modèle)\b|"
        r"(?:एआई|बॉट|सहायक) (?:के लिए|को) (?:\w+ )?(?:निर्देश|आदेश)"
    ),
}
SIGNS: Final = {sign: re.compile(rf"(?<!\w)(?:{words})", re.IGNORECASE) for sign, words in _PATTERNS.items()}


def orders_in(words: str) -> tuple[str, ...]:
    """What in these words gives orders to whoever answers, in the words in which a person is told of it; none for nearly everybody."""
    read = words if len(words) <= MOST_READ else f"{words[: MOST_READ // 2]}\n{words[-MOST_READ // 2 :]}"
    return tuple(sign for sign, pattern in SIGNS.items() if pattern.search(read))
