"""Pure: how somebody is who wrote this, by signs in five languages: in danger, in distress, angry, about to leave, about to complain.

No model reads a mood. What is not said plainly is not heard, and what is denied right before is not felt; danger is never denied away.
"""

import re
from dataclasses import dataclass
from typing import Final

# Beside a vulnerable customer's five: danger comes before everybody, and no amount of anger passes somebody who may be harmed.
DANGER: Final = 20
DISTRESS: Final = 3
ANGER: Final = 2
COMPLAINT: Final = 2
LEAVING: Final = 1

IN_DANGER: Final = "may be in danger"
IN_DISTRESS: Final = "in distress"
ANGRY: Final = "angry"
COMPLAINS: Final = "speaks of a complaint"
MEANS_TO_LEAVE: Final = "means to leave"

# Whoever writes so many words in capitals shouts; fewer may be a telephone's keyboard.
SHOUTED: Final = 6

_WORDS: Final[dict[str, tuple[int, str]]] = {
    IN_DANGER: (
        DANGER,
        r"suicid\w*|kill myself|end my life|hurt myself|not breathing|chest pain|heart attack|ambulance|can'?t call 999|oxygen|"
        r"telecare|"
        r"suicidar\w*|matarme|no respira|infarto|ambulancia|oxígeno|"
        r"umbringen|das leben nehmen|atmet nicht|herzinfarkt|krankenwagen|notarzt|sauerstoff|"
        r"me tuer|me suicider|ne respire plus|crise cardiaque|oxygène|"
        r"आत्महत्या|मर जाऊ\w*|सांस नहीं|दिल का दौरा|एम्बुलेंस|ऑक्सीजन",
    ),
    IN_DISTRESS: (
        DISTRESS,
        r"desperate|scared|frightened|crying|in tears|i can'?t cope|at my wits'? end|bereave\w*|funeral|passed away|just died|"
        r"desesperad[oa]|asustad[oa]|llorando|no puedo más|falleció|funeral|"
        r"verzweifelt|ich weine|ich kann nicht mehr|habe angst|verstorben|beerdigung|"
        r"désespérée?|je pleure|je n'en peux plus|peur|décédée?|enterrement|"
        r"परेशान|रो रह[ाी]|डर लग|मृत्यु|देहांत|बेबस",
    ),
    ANGRY: (
        ANGER,
        r"furious|(?<!neighbour is )(?<!wife is )(?<!husband is )(?<!mother is )(?<!father is )angry|livid|fuming|raging|enraged|"
        r"seething|outrag\w+|disgust\w+|"
        r"disgrace\w*|appalling|abysmal|atrocious|diabolical|unacceptable|ridiculous|absurd|scandalous|shambles|shambolic|pathetic|"
        r"farce|incompeten\w+|insult\w*|"
        r"ashamed of your\w*|shame on you|(?:sick|tired)(?: and tired)? of (?:you|this|paying|waiting|being|your|it|calling|having|"
        r"all)|fed up|cheesed off|"
        r"pissed(?: off)?|(?:terrible|awful|horrible|shocking|lousy|dreadful|atrocious|crap) (?:\w+ )?(?:service|company|support|"
        r"treatment|care|experience)|"
        r"worst (?:\w+ )?(?:company|service|provider|isp|support|experience|customer|lot|people)|(?:you|you're|you are|company|"
        r"service|support) (?:\w+ )?useless|"
        r"useless (?:lot|people|company|service|bunch)|(?:a|complete|absolute|total|beyond a|bad|sick) joke|rip[- ]?off|robbery|"
        r"daylight robbery|"
        r"(?:bunch of|thieving|you|are) (?:\w+ )?(?:thieves|liars?|cowboys|crooks|scammers)|clowns|monkeys?|idiots?|morons?|stupid|"
        r"dumb|rubbish|garbage|bullshit|crap|bloody|damn|"
        r"what the (?:hell|fuck|heck)|f\*+\w*|fuck\w*|wtf|for (?:god|christ|heaven|pete)'?s sake|"
        r"(?:had|have|'ve) (?:just )?(?:had )?enough (?:of|with) (?:you|this|it|your|waiting|the)|how many (?:more )?times (?:do|must|"
        r"have|will|should)|"
        r"how much longer (?:do|must|will|am|are|should|shall)|how dare|wast(?:e|ing) (?:of |my )(?:time|money)|(?:losing|lost|lose|"
        r"end of) (?:my |all )?patience|"
        r"never (?:in my life )?(?:have i )?been (?:so |treated)|what (?:am i|do i) (?:even )?pay(?:ing)? (?:you )?for|"
        r"pay(?:ing)? (?:you )?for nothing|"
        r"(?:nobody|no one|none of you)(?: \w+)? (?:cares?|gives a|came|turned up|bothers?)|do your (?:\w+ )?job|(?:useless|"
        r"lied to me) again|joke of a|"
        r"furios[oa]|enfadad[oa]|enojad[oa]|cabread[oa]|indignad[oa]|indignante|inaceptable|intolerable|inadmisible|lamentable|penoso|"
        r"pésimo|hart[oa] de|"
        r"(?:estoy|estamos|tenéis|tienen) (?:\w+ )?hart[oa]s?|(?:una|qué|vaya) vergüenza|vergonzoso|inútiles|impresentables|"
        r"sinvergüenzas|ladrones|estafa\w*|incompetentes|"
        r"un robo|tomadura de pelo|tom(?:a|áis|an|ando|áis) el pelo|burla|basura|(?:un|de) asco|hasta (?:las narices|el moño|"
        r"los cojones|el gorro|aquí)|mierda|joder|"
        r"ya (?:está|estoy) bien|el colmo|no hay derecho|perdiendo la paciencia|"
        r"wütend|(?:stink)?sauer|zornig|verärgert|empört|unverschämt\w*|inakzeptabel|frechheit|sauerei|schweinerei|saftladen|(?:mir|"
        r"jetzt|langsam|es) reicht(?:'?s| es)?(?: mir)?|"
        r"unfähig\w*|abzocke|betrüger|nase voll|die schnauze voll|hab(?:e)? genug von|unmöglich(?:er|es)? (?:service|laden|firma|"
        r"zustand)|"
        r"unter aller (?:sau|kanone)|zum kotzen|schlechter witz|ein witz|skandal\w*|scheiß\w*|mist(?:laden|service)?|katastrophal\w*|"
        r"eine katastrophe|zumutung|lächerlich|"
        r"(?:auf )?hundertachtzig|kragen|verarsch\w*|veräppel\w*|auf den arm|geduld (?:ist )?(?:am ende|verloren)|zum verrücktwerden|"
        r"furieu(?:x|se)s?|énervée?s?|excédée?s?|exaspérée?s?|en colère|hors de moi|scandaleu(?:x|se)s?|scandale|inacceptable|"
        r"inadmissible|intolérable|ras[- ]le[- ]bol|"
        r"marre|plus qu'assez|assez de (?:votre|vos|vous|cette|ce)|(?:une|la|quelle) honte|honteu(?:x|se)|incapables?|incompétents?|"
        r"bons à rien|nuls?|arnaque\w*|voleurs?|escrocs?|"
        r"(?:moque[zr]?|fiche[zr]?) de (?:moi|nous|du monde)|foutez de|foutage|n'importe quoi|merde|putain|lamentable|ridicule|à bout|"
        r"patience a des limites|"
        r"गुस्स\w*|नाराज़?|बकवास|घटिया|शर्मनाक|शर्म (?:करो|आनी)|तंग आ|बर्दाश्त|बहुत हो (?:गया|चुका)|मज़ाक (?:है|बना|चल)|क्या मज़ाक|"
        r"धोखा|चोर|बेकार (?:सर्विस|सेवा|कंपनी)|"
        r"निकम्म\w*|दिमाग (?:खराब|ख़राब)|काम के नहीं|लूट|कितनी बार|हद (?:है|हो)|बेवकूफ\w*|"
        r"tang aa|gussa|bakwas|ghatiya|bahut ho gaya|naraz|bekaar (?:service|company)|sharm(?:naak| karo)|pagal bana|dhokha|"
        r"kitni baar|dimaag? (?:kharab|khrab)|loot|had hai|"
        r"bewakoof",
    ),
    COMPLAINS: (
        COMPLAINT,
        r"(?:formal|official|written) complaint|complaint (?:to|with) the|complain to (?:the )?\w+|ombuds\w*|ofcom|"
        r"(?:my|a|our|with) (?:lawyer|solicitor|attorney|barrister)s?(?!'s? office)|legal (?:action|steps|advice|proceedings)|"
        r"small claims|trading standards|sue you|suing|"
        r"in court|to court|take you to|letter before|regulator|consumer (?:rights|protection|council)|watchdog|"
        r"(?:the )?(?:press|papers?|newspapers?|media|bbc|watchdog) (?:will|would|shall) (?:hear|know|be)|(?:go(?:ing)? to|tell|call|"
        r"contact) the (?:press|papers?|news|media)|"
        r"queja (?:formal|oficial)|reclamación|abogad[oa]|consumo|denunci\w+|demandar\w*|tribunal\w*|juicio|hoja de reclamaciones|"
        r"defensor del|oficina del consumidor|"
        r"beschwerde|beschweren|rechtsanw\w+|anw[aä]lt\w*|bundesnetzagentur|verbraucherzentrale|verbraucherschutz|verklag\w+|klage|"
        r"gericht|anzeige erstatten|"
        r"rechtliche schritte|rechtsschutz\w*|schlichtungs\w*|"
        r"réclamation|avocate?|médiateur|plainte|tribunal|arcep|justice|mise en demeure|(?:association de|de|60 millions de|"
        r"que choisir) consommateurs|que choisir|"
        r"शिकायत|वकील|उपभोक्ता|अदालत|कोर्ट|मुकदमा|कानूनी|क़ानूनी|केस कर\w*|ट्राई|consumer (?:court|forum)|vakil|court (?:jaunga|mein)|"
        r"case kar\w*|shikayat",
    ),
    MEANS_TO_LEAVE: (
        LEAVING,
        r"(?:leav(?:e|ing)|quit(?:ting)?|ditch(?:ing)?|drop(?:ping)?|dump(?:ing)?) (?:you|your company|for (?:another|sky|bt|virgin|"
        r"a competitor))|"
        r"(?:switch\w*|chang\w*|mov\w*|go(?:ing)?|off|went) (?:to|with|over to) (?:another|a (?:different|new|better)|"
        r"your competit\w+|the competition|some(?:one|body) else|"
        r"(?:a )?competitor|sky|bt|virgin|vodafone|talktalk)|(?:switch|chang)\w* (?:my |internet |broadband )?(?:provider|company|isp|"
        r"supplier)s?(?! of)|business elsewhere|go elsewhere|"
        r"(?:look\w*|sign\w* up|find\w*) (?:for |with |elsewhere|me )*(?:another|a (?:different|new)) (?:provider|company|isp|"
        r"supplier)|pac code|i(?:'m| am) (?:gone|off|out of here)|"
        r"(?:lose|losing|lost) (?:me|us|(?:a|this|another) (?:\w+ )?custom\w*|my custom)|cancel (?:everything|my (?:whole )?contract|"
        r"the contract|the whole|my account|it all)|"
        r"me (?:cambio|paso|voy|iré|cambiaré|pasaré) (?:(?:de|a (?:otra|la|otro)|con (?:otra|la)) ?(?:compañía|operador\w*|"
        r"competencia|empresa))|me doy de baja|darme de baja|"
        r"cambiar(?:é|me)? de (?:compañía|operador\w*|empresa)|otra compañía|"
        r"(?:den |meinen )?anbieter (?:\w+ )?wechsel\w*|wechs(?:le|eln|el) (?:ich )?(?:\w+ )?(?:den |zu |zur )(?:anbieter|konkurrenz|"
        r"telekom|vodafone|einem anderen)|"
        r"zu (?:der |r )?(?:telekom|vodafone|o2|1&1|einem anderen anbieter)|zur (?:telekom|konkurrenz)|anderen anbieter|"
        r"bei der konkurrenz|"
        r"(?:dann |ich |werde |ich eben )?kündige(?:n)? (?:ich|den vertrag|meinen vertrag|alles|bei euch)|ich kündige|"
        r"bin ich (?:dann )?weg|"
        r"(?:change|changer|changerai|passe|passer|pars|partir|vais) (?:d'|de |à la |chez |aller chez |passer chez )+(?:opérateur|"
        r"fournisseur|la concurrence|concurrence|un concurrent|"
        r"un autre|orange|free|sfr|bouygues)|autre (?:opérateur|fournisseur)|je (?:vais )?résili(?:e|er)|vous quitte\w*|"
        r"(?:दूसरी|किसी और|दूसरे|और किसी) (?:कंपनी|के पास|प्रोवाइडर|का कनेक्शन)|कनेक्शन (?:कटवा|बंद करवा|छोड़)\w*|"
        r"(?:dusri|doosri|kisi aur) company|connection (?:katwa|band karwa|chhod)\w*",
    ),
}
SIGNS: Final = {mood: (weight, re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)) for mood, (weight, words) in _WORDS.items()}
# "I am not angry", "I never said I was furious": nobody who denies a danger is taken out of it.
DENIED: Final = re.compile(
    r"(?:\b(?:not|never|no|nicht|kein\w*|pas|aucune?|sin)|n't|नहीं)\W+(?:(?:said|say|am|was|i|i'm|so|very|really|at all|en|de|muy|"
    r"nada|sehr|estoy) ?){0,4}$",
    re.IGNORECASE,
)
DENIED_AFTER: Final = re.compile(r"^\W*(?:नहीं|nahi|nahin)", re.IGNORECASE)
LETTERS: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Mood:
    """One thing that is heard in somebody's words, as a colleague reads it, and how much sooner they are helped for it."""

    name: str
    weight: int


def moods_in(words: str) -> tuple[Mood, ...]:
    """What is heard in these words, the weightiest first; nothing in most."""
    heard = [Mood(name, weight) for name, (weight, pattern) in SIGNS.items() if _is_said(pattern, words, weight)]
    if is_shouted(words) and ANGRY not in {mood.name for mood in heard}:
        heard.append(Mood(ANGRY, ANGER))
    return tuple(sorted(heard, key=lambda mood: -mood.weight))


def is_shouted(words: str) -> bool:
    """Whether some line of it is all in capitals, in a script that has them."""
    return any(_is_shouted(line) for line in words.splitlines())


def _is_shouted(line: str) -> bool:
    said = LETTERS.findall(line)
    return len(said) >= SHOUTED and sum(map(len, said)) >= 3 * SHOUTED and line == line.upper() != line.lower()


def _is_said(pattern: re.Pattern[str], said: str, weight: int) -> bool:
    return any(weight == DANGER or not _is_denied(said, found) for found in pattern.finditer(said))


def _is_denied(said: str, found: re.Match[str]) -> bool:
    return bool(DENIED.search(said[max(0, found.start() - 40) : found.start()]) or DENIED_AFTER.match(said[found.end() : found.end() + 12]))
