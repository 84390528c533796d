"""Who is asked what: what is certain first, then whoever asked the question that is open, then the nearest examples or a model."""

from dataclasses import dataclass, replace
from typing import Any, Final

from agents.answers import Apart, Open, apart, is_courtesy, is_request, plain_yes, question_in
from agents.briefs import Example
from agents.commands import Certain, certain, commanded
from agents.consultation import Consultants
from agents.conversation import Asked, ConversationState, TurnContext
from agents.hands_free import order
from agents.model_router import ModelRouter
from agents.open_questions import is_too_old, last_words, may_be_asked_again, without_it
from agents.patience import is_answered_too, is_for_a_person
from agents.replies import HAND_OVER, phrases
from agents.router import Errands, Router, clauses
from agents.slots import WHOLE_WORDS, is_no, is_yes

NOBODY: Final = Apart("")


@dataclass(frozen=True)
class Dispatch:
    """At most one thing that is certain, and the modules with what each is asked. `route`: why, for the trace."""

    route: dict[str, Any]
    sure: Certain | None = None
    errands: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Dispatcher:
    """`by_model`: a provider's model that is asked before the sentences."""

    router: Router
    consultants: Consultants
    by_model: ModelRouter | None

    async def of(self, state: ConversationState, language: str, context: TurnContext) -> Dispatch:
        """Who is asked what of `state["words"]`."""
        words, asked = state["words"], state.get("asked")
        # A no needs no second asking.
        if asked is not None and is_too_old(asked, context.now) and not is_no(words):
            if may_be_asked_again(asked) and self._is_what_was_asked_for(words, state, context):
                again = Certain(phrase="asked_again", asked=asked, values={"question": last_words(state)})
                return Dispatch({"asked_again": asked["tool"] or asked["module"]}, again)
            state = without_it(state)
        if context.is_hands_free:
            return self._with(order(words, state.get("asked"))) or await self._by_meaning(state, language, context)
        to = self._open(state, context)
        said = await self._apart(words, language, context, to) if to else Apart(words)
        if said.besides and is_courtesy(said.own) and not (to and to.is_answer(said.own)):
            return Dispatch({"besides": [module for module, _ in said.besides]}, errands=said.besides)
        # What is no answer to what was asked is heard as if nothing had been.
        sure = self._certain(said.own or words, state.get("asked") if said.own else None, context)
        return (
            self._with(sure, said.besides)
            or await self._past_patience(state, language, context, to, said)
            or await self._not_theirs(words, language, context)
            or await self._by_meaning(state, language, context, to, said)
        )

    def _with(self, sure: Certain | None, besides: tuple[tuple[str, str], ...] = ()) -> Dispatch | None:
        """What is certain, and what others are asked besides; None where nothing is."""
        if sure is None:
            return None
        if besides and sure.phrase == "left_it":
            sure = replace(sure, phrase="left_so")
        if sure.tool or sure.phrase:
            return Dispatch({"certain": sure.tool or sure.phrase, **_named(besides)}, sure, besides)
        return Dispatch({"chosen": sure.module, **_named(besides)}, errands=((sure.module, sure.words), *besides))

    def _open(self, state: ConversationState, context: TurnContext) -> Open | None:
        """Our question that these words may answer; None where there is none, and where whatever is said is the answer."""
        asked = state.get("asked")
        ours = next((one for one in reversed(state.get("said", [])) if one["by_us"]), None)
        question = question_in(ours["words"]) if ours else ""
        asking = [asked["module"]] if asked else ours["modules"] if ours and question else []
        module = next((one for one in asking if one in self.consultants.members), "")
        if not module or (asked and asked["missing"] in WHOLE_WORDS) or commanded(state["words"]):
            return None
        return Open(module, question, lambda words: self._is_what_was_asked_for(words, state, context))

    async def _apart(self, words: str, language: str, context: TurnContext, to: Open) -> Apart:
        return await apart(self.router, words, language, lambda example: self._is_offered(example, context), to)

    def _is_offered(self, example: Example, context: TurnContext) -> bool:
        return self.consultants.is_offered(example, context.audience)

    def _certain(self, words: str, asked: Asked | None, context: TurnContext) -> Certain | None:
        """What the words certainly mean; a longer reply that begins with a plain yes to an offer is that yes."""
        schemas = self.consultants.schemas[context.audience]
        today = context.now.astimezone(context.timezone).date()
        sure = certain(words, asked, schemas, today, context.timezone)
        if sure is None and asked and asked["options"] and (yes := plain_yes(words)):
            return certain(yes, asked, schemas, today, context.timezone)
        return sure

    def _is_what_was_asked_for(self, words: str, state: ConversationState, context: TurnContext) -> bool:
        """Whether these words by themselves are what we asked for. A request that begins with "please" is no yes."""
        if is_yes(words) and is_request(words):
            return False
        sure = self._certain(words, state.get("asked"), context)
        if sure is None or commanded(words):
            return False
        if sure.phrase and not sure.asked:
            return sure.phrase == "left_it"
        # Where any words will do, these are none in particular.
        return words not in (sure.asked["arguments"] if sure.asked else sure.arguments).values()

    async def _not_theirs(self, words: str, language: str, context: TurnContext) -> Dispatch | None:
        """What surely is our own staff's to ask, where we can say why: it is told so, and what else is asked goes to whose it is."""

        def is_offered(example: Example) -> bool:
            return self._is_offered(example, context)

        wants = {one: await self.router.withheld(one, language, is_offered) for one in clauses(words)}
        tool = next((one for one in wants.values() if one in phrases("en")["not_yours"]), "")
        if context.audience != "customer" or not tool:
            return None
        rest = ". ".join(one for one, withheld in wants.items() if not withheld and is_request(one))
        found = await self.router.errands(rest, language, is_offered) if rest else Errands()
        return Dispatch({"withheld": tool}, Certain(phrase="not_yours", values={"tool": tool}), found.parts)

    async def _past_patience(
        self, state: ConversationState, language: str, context: TurnContext, to: Open | None, said: Apart
    ) -> Dispatch | None:
        """A person at once, and beside them the answer to whatever else was asked; None for most."""
        words = state["words"]
        if context.is_staff or not is_for_a_person(words):
            return None
        person = Certain(module="helpdesk", tool=HAND_OVER, arguments={"reason": words[:200]})
        found = await self._by_meaning(state, language, context, to, said) if is_answered_too(words) else Dispatch({})
        return Dispatch({**found.route, "mood": "past patience"}, person, () if found.sure else found.errands)

    async def _by_meaning(
        self, state: ConversationState, language: str, context: TurnContext, to: Open | None = None, said: Apart = NOBODY
    ) -> Dispatch:
        words = state["words"]
        found = await self.router.errands(words, language, lambda example: self._is_offered(example, context))
        route: dict[str, Any] = {"nearest": {near.module: round(near.score, 3) for near in found.nearest}}
        picked = None
        if self.by_model is not None and not found.is_an_example:
            picked = await self.by_model.errands(words, state.get("said", []), context, to.module if to else "")
            route["by"] = "nearest" if picked is None else f"model, prompt {self.by_model.brief.version}"
        if picked is None and to and (said.own or said.besides):
            route["asked"] = to.module
            others = tuple((module, words) for module, words in said.besides if module != to.module)
            own = " ".join([said.own, *(words for module, words in said.besides if module == to.module)])
            return Dispatch({**route, **_named(others)}, errands=((to.module, own), *others))
        found = picked or found
        if found.parts:
            return Dispatch(route, errands=found.parts)
        # What is surely staff's to ask is no doubt between two of those who may be asked.
        if found.unsure and not await self.router.withheld(words, language, lambda example: self._is_offered(example, context)):
            return Dispatch(route, _clarification(found.unsure, words, language))
        return Dispatch(route, Certain(module="helpdesk", tool=HAND_OVER, arguments={"reason": words[:200]}))


def _named(besides: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"besides": [module for module, _ in besides]} if besides else {}


def _clarification(unsure: tuple[str, ...], words: str, language: str) -> Certain:
    """One question: is it about this or about that?"""
    labels = phrases(language)["labels"]
    options = [{"label": labels[module], "at": None, "module": module, "arguments": {}} for module in unsure]
    asked = Asked(module="supervisor", tool="", arguments={}, missing="", options=options, words=words)
    return Certain(phrase="clarify", asked=asked, values={"first": labels[unsure[0]], "second": labels[unsure[1]]})
