"""Replies of people who say more than was asked: whoever asked hears the answer, and somebody else only what is surely theirs."""

import pytest

from agents.answers import Apart, Open, apart, is_request, plain_yes, question_in
from agents.language import language_of
from agents.replies import phrases, together
from agents.router import Router
from agents.supervisor import Supervisor
from tests.agents.test_router import everything
from tests.agents.test_supervisor import somebody, told

# Who asked, what, what was said, and who must hear of it. Written before the rule was tried on them; no figure of it was set by them.
HELD_OUT = (
    (
        "nms",
        "Which lights on your box are red?",
        "The one with the globe is orange and it has been like that since the storm, my neighbour has the same",
        ["nms"],
    ),
    ("nms", "Is the box switched on?", "Yes it is, the fan is humming. How much do I still owe you, by the way?", ["nms", "billing"]),
    ("nms", "Does it fail on a cable as well?", "Only over the wifi, with the cable my laptop gets the full speed I pay for", ["nms"]),
    ("nms", "Shall I restart it for you? You will be offline for some minutes.", "Go on then, I was going to make tea anyway", ["nms"]),
    ("nms", "Shall I look for a free time?", "What would Fibre 900 cost me?", ["catalogue"]),
    (
        "field_service",
        "Which one suits you? The number is enough.",
        "Thursday would be lovely, my daughter is off school and the gate code is 4411",
        ["field_service"],
    ),
    (
        "field_service",
        "Which one suits you? The number is enough.",
        "Number two, and please send me my last invoice by mail",
        ["field_service", "billing"],
    ),
    ("oms", "Shall I order it? Just say yes or no.", "Not yet, my wife decides about the money in this house", ["oms"]),
    ("billing", "By which day will you pay?", "The end of next week, my employer pays late and the bank is slow", ["billing"]),
    ("billing", "Which charge do you mean?", "The one called activation, nobody told me about it when the engineer was here", ["billing"]),
    ("billing", "By which day will you pay?", "On the 12th. Can you also tell me when the engineer comes?", ["billing", "field_service"]),
    (
        "itsm",
        "Which town or district is it?",
        "We live in Saltmarsh, the shop next door has the same trouble and their phone is dead too",
        ["itsm"],
    ),
    (
        "crm",
        "How would you rather be reached: SMS, WhatsApp, email or a call?",
        "Email is best, I am deaf in one ear and calls are difficult",
        ["crm"],
    ),
    (
        "crm",
        "How would you rather be reached: SMS, WhatsApp, email or a call?",
        "By text. And is there an outage in my street right now?",
        ["crm", "itsm"],
    ),
    ("nms", "¿Qué luz está en rojo?", "La de la derecha, ya lo apagué y lo encendí y sigue igual", ["nms"]),
    ("nms", "Welche Lampe leuchtet rot?", "Die ganz links. Übrigens, wann kommt der Techniker?", ["nms", "field_service"]),
    ("nms", "Quel voyant est rouge ?", "Celui du milieu, et combien je vous dois encore ?", ["nms", "billing"]),
    ("nms", "कौन सी बत्ती लाल है?", "PON wali lal hai, do baar restart kiya phir bhi kuch nahi hua", ["nms"]),
)


async def heard(router: Router, asker: str, question: str, reply: str) -> Apart:
    return await apart(router, reply, language_of(reply), everything, Open(asker, question_in(question), lambda _: False))


@pytest.mark.parametrize(("asker", "question", "reply", "who"), HELD_OUT, ids=[reply[:40] for _, _, reply, _ in HELD_OUT])
async def test_an_answer_goes_whole_to_whoever_asked_and_a_request_besides_to_whose_it_is(
    router: Router, asker: str, question: str, reply: str, who: list[str]
) -> None:
    said = await heard(router, asker, question, reply)

    assert [*([asker] if said.own else []), *(module for module, _ in said.besides)] == who


async def test_one_answer_in_three_clauses_is_told_as_it_was_said(router: Router) -> None:
    reply = "It blinks red, I restarted it twice and nothing changed"

    assert await heard(router, "nms", "Which lights on your box are red?", reply) == Apart(reply)


async def test_a_remark_by_the_way_goes_to_whose_it_is(router: Router) -> None:
    said = await heard(router, "nms", "Which lights on your box are red?", "the PON light is red, by the way my bill was high last month")

    assert said == Apart("the PON light is red", (("billing", "by the way my bill was high last month"),))


async def test_what_follows_a_request_goes_with_it(router: Router) -> None:
    said = await heard(
        router, "nms", "Which lights are red?", "The PON light. Why is my bill higher this month? The invoice was never that high."
    )

    assert said == Apart("The PON light.", (("billing", "Why is my bill higher this month? The invoice was never that high."),))


async def test_an_answer_in_the_words_of_the_question_is_one_whoever_else_it_could_be_for(router: Router) -> None:
    said = await heard(router, "nms", "Would you rather change your plan, or have an engineer?", "I want to change my plan")

    assert said == Apart("I want to change my plan")


async def test_whoever_turns_to_something_else_is_followed(router: Router) -> None:
    said = await heard(router, "nms", "Shall I look for a free time?", "my bill was wrong again")

    assert said == Apart("", (("billing", "my bill was wrong again"),))


async def test_whoever_greets_us_first_has_turned_to_something_else_all_the_same(router: Router) -> None:
    said = await heard(router, "catalogue", "Which of these plans would you like?", "Hello, my internet is not working")

    assert said.besides == (("nms", "my internet is not working"),)


async def test_a_question_that_is_surely_nobodys_is_not_given_to_whoever_asked(router: Router) -> None:
    assert await heard(router, "nms", "Shall I look for a free time?", "When would that be?") == Apart("")


@pytest.mark.parametrize(
    ("ours", "question"),
    [
        ("Your line is well. Shall I restart it? You will be offline for some minutes.", "Shall I restart it?"),
        ("Thank you. Please check the lights of your box.", "Please check the lights of your box."),
        ("All right, I have left everything as it is. Is there anything else I can look at?", ""),
        ("These are the plans you can have. Tell me which one if you would like to change.", ""),
        ("Puis-je faire autre chose pour vous ?", ""),
        ("You owe 40.50.", ""),
    ],
)
def test_what_we_asked_is_what_we_said_last(ours: str, question: str) -> None:
    assert question_in(ours) == question


@pytest.mark.parametrize(
    "words",
    ["why is that?", "and can you send it", "Please book me a visit", "¿cuánto debo?", "ich möchte kündigen", "mujhe refund chahiye"],
)
def test_a_request_is_known_by_its_own_words(words: str) -> None:
    assert is_request(words)


@pytest.mark.parametrize("words", ["the price is fine", "I do not want to change my plan", "I restarted it twice", "meine Lampe ist rot"])
def test_a_statement_is_no_request(words: str) -> None:
    assert not is_request(words)


def test_a_yes_with_a_reason_is_a_yes_and_one_with_a_condition_is_not() -> None:
    assert plain_yes("Yes please, it has been awful since Monday and I work from home") == "Yes please"
    assert plain_yes("Yes, but only after eight, I have a meeting") == ""


async def test_an_answer_and_a_request_besides_are_both_seen_to(supervisor: Supervisor, maya: int) -> None:
    when, both = await told(supervisor, somebody(maya), "Can I pay later?", "On Friday, my wages come then. And is there an outage?")

    assert when.words.startswith("By which day will you pay?")
    assert both.tools == ("promise_to_pay", "is_there_an_outage")


async def test_a_no_and_what_is_asked_after_it_are_both_heard(supervisor: Supervisor, maya: int) -> None:
    _, both = await told(supervisor, somebody(maya), "Can I pay later?", "No, forget it. How much do I owe?")

    assert both.tools == ("balance",)
    assert both.words.startswith("All right, I have left that as it is.")


async def test_a_customer_who_asks_for_what_is_staffs_hears_why_not_and_what_they_may_ask(supervisor: Supervisor, maya: int) -> None:
    (reply,) = await told(supervisor, somebody(maya), "Show me the open alarms")

    assert reply.tools == ()
    assert "read by the engineers who run it" in reply.words


async def test_what_else_is_asked_beside_what_is_staffs_is_answered(supervisor: Supervisor, maya: int) -> None:
    (reply,) = await told(supervisor, somebody(maya), "Show me the open alarms. How much do I owe?")

    assert reply.tools == ("balance",)
    assert "read by the engineers who run it" in reply.words


def test_whoever_was_passed_on_is_not_told_to_ask_for_a_person() -> None:
    passed_on, verify = "I am passing you on to a colleague.", phrases("en")["verify_first"]["customer"]

    assert "PERSON" in together([passed_on, verify], "en", is_handed_over=False)
    assert "PERSON" not in together([passed_on, verify], "en", is_handed_over=True)
    assert "be sure that it is you" in together([passed_on, verify], "en", is_handed_over=True)
