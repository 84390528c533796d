"""Who should answer: the modules whose example sentences lie nearest to what was said. Asks when two are about as near."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from agents.briefs import Example, orders_to_us
from agents.embeddings import Encoder, Vectors

# The mean of the three nearest beat every classifier tried on real complaint titles.
NEAREST: Final = 3
# Measured on held-out sentences: below this nearness even the best module was right less than half of the time.
LEAST_NEARNESS: Final = 0.33
# Above this, one module is answer enough however near the second lies.
CERTAIN_NEARNESS: Final = 0.62
# Two modules closer than this were told apart no better than by tossing a coin.
SMALL_MARGIN: Final = 0.025
# A clause must be this near to a module of its own before it is taken for a request of its own.
SEPARATE_NEARNESS: Final = 0.45
LEAST_WORDS_OF_CLAUSE: Final = 2
MOST_MODULES: Final = 3
SAME_SENTENCE: Final = 0.92
# What somebody may not ask for is not answered with what they may, where it is this much nearer.
CLEARLY_NEARER: Final = 0.15
# From here on a sentence is like one of those that give us orders, where nothing that is asked of us lies nearly as near.
LIKE_AN_ORDER: Final = 0.58
NEARER_THAN_ASKED: Final = 0.15
# A number says which, never who should answer.
NUMBER: Final = re.compile(r"(?<![\w.,-])\d+(?![\w.,-]*\w)")

CLAUSES: Final = re.compile(
    r"(?<=[.!?;])\s+|\n+|,?\s+(?:and also|and|also|plus|then|y|también|und|außerdem|et|aussi|और|aur)\s+|,\s+", re.IGNORECASE
)


# Who somebody is says what they ask is about: it is no request of its own, and goes with the next.
WHO: Final = re.compile(
    r"^(?:hi|hello|hola|hallo|bonjour|namaste|नमस्ते)?\W*"
    r"(?:i am|i'm|we are|we're|(?:todavía |aún )?(?:no )?soy|somos|ich bin|wir sind|je suis|je ne suis|nous sommes|मैं|main)(?!\w)"
    r"[^?]{0,60}?(?<!\w)(?:customers?|subscribers?|clients?|clientes?|kund(?:e|in|en)|abonnée?s?|grahak|ग्राहक)(?!\w)[^?]{0,30}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Nearness:
    """How near a module's examples lie to a sentence, as the best encoder measures it: 1 is the same sentence."""

    module: str
    score: float


@dataclass(frozen=True)
class Errands:
    """What each module is asked: module to its own part of the words. `unsure`: the two to choose from. All empty: nobody's."""

    parts: tuple[tuple[str, str], ...] = ()
    unsure: tuple[str, ...] = ()
    nearest: tuple[Nearness, ...] = ()

    @property
    def is_an_example(self) -> bool:
        """The message is one of our own sentences, all but for a word: nobody need be asked."""
        return len(self.parts) == 1 and bool(self.nearest) and self.nearest[0].score >= SAME_SENTENCE


@dataclass(frozen=True)
class ExampleSet:
    """Example sentences of one language with their vectors, as one encoder sees them."""

    examples: tuple[Example, ...]
    vectors: Vectors
    reach: float

    @cached_property
    def modules(self) -> frozenset[str]:
        return frozenset(example.module for example in self.examples)

    def nearest_first(self, sentence: Vectors) -> Iterator[tuple[Example, float]]:
        """Every example with how near it is: whoever asks looks at few of them."""
        scores = self.vectors @ sentence / self.reach
        for at in np.argsort(-scores, kind="stable").tolist():
            yield self.examples[at], float(scores[at])

    def nearness(self, sentence: Vectors, is_offered: Callable[[Example], bool]) -> list[Nearness]:
        """Modules by the mean of their nearest examples, nearest first."""
        scores: dict[str, list[float]] = defaultdict(list)
        wanting = set(self.modules)
        for example, score in self.nearest_first(sentence):
            if example.module in wanting and is_offered(example):
                scores[example.module].append(score)
                if len(scores[example.module]) == NEAREST:
                    wanting.remove(example.module)
            if not wanting:
                break
        found = [Nearness(module, _mean_of_nearest(given)) for module, given in scores.items()]
        return sorted(found, key=lambda near: -near.score)

    def nearest_tool(self, sentence: Vectors, module: str, is_offered: Callable[[Example], bool]) -> tuple[str, float]:
        """The tool of the nearest example within `module`; ("", score) where it names none, or is clearly not for whoever asks."""
        withheld = -1.0
        for example, score in self.nearest_first(sentence):
            if example.module != module:
                continue
            if is_offered(example):
                is_withheld = withheld >= CERTAIN_NEARNESS and withheld - score > CLEARLY_NEARER
                return ("" if is_withheld else example.tool), score
            withheld = max(withheld, score)
        return "", -1.0

    def withheld(self, sentence: Vectors, is_offered: Callable[[Example], bool]) -> str:
        """The tool of the nearest example of all, where it is not for whoever asks and lies clearly nearer than what is; else empty."""
        scored = self.nearest_first(sentence)
        nearest, score = next(scored)
        if score < CERTAIN_NEARNESS or is_offered(nearest):
            return ""
        offered = next((one for example, one in scored if is_offered(example)), 0.0)
        return nearest.tool if score - offered > CLEARLY_NEARER else ""


def _mean_of_nearest(nearest: Sequence[float]) -> float:
    """The mean of the three nearest; a sentence that is one of our examples all but for a word counts as that example."""
    return nearest[0] if nearest[0] >= SAME_SENTENCE else float(np.mean(nearest))


class Router:
    """Example sentences by language, and the encoders that compare them. `encoder`: English for all else that is sought by meaning."""

    def __init__(self, sets: dict[str, ExampleSet], orders: ExampleSet, encoders: dict[str, Encoder], encoder: Encoder) -> None:
        self._sets = sets
        self._orders = orders
        self._encoders = encoders
        self._encoder = encoder

    @classmethod
    async def of(cls, examples: Sequence[Example], encoder: Encoder, other_languages: Encoder) -> "Router":
        """English by `encoder`, attuned to its examples; every other language by `other_languages`, for small local models know only
        English well.
        """
        encoders = dict.fromkeys((example.language for example in examples), other_languages) | {
            "en": encoder.attuned(told_apart(examples))
        }
        return cls(await _sets(examples, encoders), (await _sets(orders_to_us(), encoders))["en"], encoders, encoder)

    @property
    def encoder_name(self) -> str:
        return self._encoder.name

    async def meaning(self, words: str) -> tuple[str, list[float]]:
        """The English encoder's name, and its vector of these words."""
        return self.encoder_name, (await self._encoder.encode([words]))[0].tolist()

    async def nearness(self, words: str, language: str, is_offered: Callable[[Example], bool]) -> list[Nearness]:
        spoken = language if language in self._sets else "en"
        vector = (await self._encoders[spoken].encode([numberless(words)]))[0]
        return self._sets[spoken].nearness(vector, is_offered)

    async def tool_for(self, words: str, module: str, language: str, is_offered: Callable[[Example], bool]) -> tuple[str, float]:
        """The tool that best fits `words` within `module`, and how near its example lies."""
        spoken = language if language in self._sets else "en"
        vector = (await self._encoders[spoken].encode([numberless(words)]))[0]
        return self._sets[spoken].nearest_tool(vector, module, is_offered)

    async def withheld(self, words: str, language: str, is_offered: Callable[[Example], bool]) -> str:
        """The tool that these words surely want and that is not for whoever asks; empty where there is none."""
        spoken = language if language in self._sets else "en"
        return self._sets[spoken].withheld((await self._encoders[spoken].encode([numberless(words)]))[0], is_offered)

    async def gives_orders(self, words: str, language: str) -> bool:
        """Whether the words, or a clause of them, are like those with which people try to turn us, and like nothing that is asked of us.

        In English only, and with an encoder that knows meaning: counted words took "the instructions for the box" for an order.
        """
        if language != "en" or self._encoders[language].reach < 1:
            return False
        for said in dict.fromkeys((words, *clauses(words))):
            vector = (await self._encoders[language].encode([numberless(said)]))[0]
            nearest = next(score for _, score in self._orders.nearest_first(vector))
            asked = next(score for _, score in self._sets[language].nearest_first(vector))
            if nearest >= LIKE_AN_ORDER and nearest - asked > NEARER_THAN_ASKED:
                return True
        return False

    async def errands(self, words: str, language: str, is_offered: Callable[[Example], bool]) -> Errands:
        """Who is asked what. Several requests in one message go to several modules."""
        whole = await self.nearness(words, language, is_offered)
        split = clauses(words)
        if len(split) > 1:
            near = [(clause, (await self.nearness(clause, language, is_offered))[0]) for clause in split]
            parts = separate_requests(near)
            if len(parts) > 1:
                return Errands(parts, nearest=tuple(whole[:3]))
            if parts and whole and whole[0].score < LEAST_NEARNESS:
                return Errands(parts, nearest=tuple(whole[:3]))
        return settled(words, whole)


async def _sets(examples: Sequence[Example], encoders: dict[str, Encoder]) -> dict[str, ExampleSet]:
    """Examples by their language, each as its encoder sees it; those of a language without an encoder are left out."""
    by_language: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_language[example.language].append(example)
    return {
        language: ExampleSet(
            tuple(ours), await encoders[language].encode([numberless(example.words) for example in ours]), encoders[language].reach
        )
        for language, ours in by_language.items()
        if language in encoders
    }


def told_apart(examples: Sequence[Example]) -> list[str]:
    """The English examples as an encoder is attuned to them."""
    return [numberless(example.words) for example in examples if example.language == "en"]


def numberless(words: str) -> str:
    """The words with every number the same: customer 1 and customer 31 are asked about in one sentence."""
    return NUMBER.sub("12", words)


def clauses(words: str) -> list[str]:
    """The message cut at sentence ends, commas and "and". One word stays with what stands before it, who somebody is with what follows."""
    cut: list[str] = []
    is_who = False
    for piece in (piece.strip() for piece in CLAUSES.split(words)):
        if cut and (is_who or len(piece.split()) < LEAST_WORDS_OF_CLAUSE):
            cut[-1] = f"{cut[-1]} {piece}".strip()
        elif piece:
            cut.append(piece)
        is_who = bool(WHO.match(piece))
    return cut


def separate_requests(near: Sequence[tuple[str, Nearness]]) -> tuple[tuple[str, str], ...]:
    """Clauses that each clearly want a module, joined by module; what is near to none goes with the one before it."""
    parts: dict[str, list[str]] = {}
    last = ""
    for clause, nearest in near:
        if nearest.score >= SEPARATE_NEARNESS and (nearest.module in parts or len(parts) < MOST_MODULES):
            last = nearest.module
            parts.setdefault(last, []).append(clause)
    return tuple((module, ". ".join(said)) for module, said in parts.items())


def settled(words: str, near: Sequence[Nearness]) -> Errands:
    """One module where it is clear, two to choose from where it is not, none where nothing is near."""
    if not near or near[0].score < LEAST_NEARNESS:
        return Errands(nearest=tuple(near[:3]))
    rivals = [one.module for one in near[1:2] if near[0].score - one.score < SMALL_MARGIN and near[0].score < CERTAIN_NEARNESS]
    if rivals:
        return Errands(unsure=(near[0].module, *rivals), nearest=tuple(near[:3]))
    return Errands(((near[0].module, words),), nearest=tuple(near[:3]))
