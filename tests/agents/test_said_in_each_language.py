"""Each answer of a tool is worded in each language, and whatever we tell people to write is understood when they write it."""

import json
from typing import Any, Final

import pytest

from agents.briefs import brief_of
from agents.embeddings import WordCounts
from agents.language import LANGUAGES, language_of
from agents.replies import Reader, phrases, together, worded
from agents.router import Router
from atlas.modules import MODULES
from evals.benchmarks.intent import is_a_customers
from tests.agents.conftest import LONDON, NOW
from tests.agents.test_languages import REPLIES, heard_tools

AT: Final = "2026-03-04T09:00:00+00:00"
UNTIL: Final = "2026-03-04T12:00:00+00:00"


def done(**outcome: Any) -> dict[str, Any]:
    return {"state": "done", "reference": "A-12", "outcome": outcome}


BILL: Final = {"month": "2026-02-01", "total": "46.70", "due_on": "2026-03-14", "paid": "10.00", "is_disputed": True}
ORDERED: Final = done(plan="Fibre 500", monthly="40.50", quote=7, until="2026-03-30")
# Of each tool an answer in which as many branches as fit are true.
SAMPLES: Final[dict[str, Any]] = {
    "area_of_my_line": [{"street": "Quay Road 12", "town": "Harbour", "area": "Gull Point"}],
    "cancel_order": done(),
    "cancel_visit": done(),
    "keep_quiet": done(quiet_hours=["22:00", "07:00"]),
    "start_messages": done(),
    "stop_messages": done(),
    "no_longer_acts": done(),
    "request_plan_change": done(),
    "dispute_charge": done(label="International calls", amount="6.20", invoice="INV-1"),
    "explain_invoice_line": [
        {
            "label": "Fibre 500",
            "net": "33.75",
            "tax": "6.75",
            "of_days": 31,
            "days": 16,
            "price": "40.50",
            "suspended_days": 3,
            "suspended_charged": 0,
            "suspended_for": ["voluntary"],
            "period_from": "2026-02-01",
            "usage_records": 0,
            "units": 0,
        },
        {
            "label": "Calls",
            "net": "5.00",
            "tax": "1.20",
            "of_days": None,
            "days": None,
            "price": "0.10",
            "suspended_days": 0,
            "suspended_charged": 0,
            "suspended_for": [],
            "period_from": None,
            "usage_records": 3,
            "units": 50,
        },
    ],
    "find_article": [{"title": "Wi-Fi", "words": "Put it high.", "is_stale": True, "reviewed_on": "2024-01-01", "version": 0}],
    "latest_bill": {"invoice": BILL, "lines": [{"label": "Fibre 500", "amount": "40.50"}]},
    "list_areas": [{"name": "Gull Point"}, {"name": "Northgate"}],
    "move_my_installation": done(**{"from": AT, "until": UNTIL}),
    "my_credits": [{"amount": "5.00", "granted_at": AT, "formula": "5 days"}],
    "my_details": {
        "given_name": "Maya",
        "services": [
            {"plan": "Fibre 500", "address": "12 Quay Road", "monthly_price": "40.50", "suspended_for": "non_payment", "is_online": None},
            {"plan": "Fibre 500", "address": "12 Quay Road", "monthly_price": "40.50", "suspended_for": None, "is_online": False},
        ],
        "contacts": [{"channel": "sms", "address": "+447700900001", "is_preferred": True}],
    },
    "my_orders": [
        {"id": 3, "plan": "Fibre 500", "state": "held", "state_changed_at": AT, "wanted_on": "2026-03-30", "last_reason": "waits"}
    ],
    "my_payment_links": [
        {"amount": "46.70", "state": "paid", "url": ""},
        {"amount": "46.70", "state": "open", "url": "https://pay.example/1"},
        {"amount": "1.00", "state": "open", "url": ""},
    ],
    "my_quotes": [
        {"id": 7, "plan": "Fibre 500", "monthly": "40.50", "ordered_as": None, "stands_until": "2026-03-30"},
        {"id": 8, "plan": "F", "monthly": "1.00", "ordered_as": 4, "stands_until": "2026-03-30"},
    ],
    "my_visits": [{"job_id": 5, "kind": "repair", "window_from": AT, "window_until": UNTIL, "state": "acknowledged"}],
    "order_line": ORDERED,
    "order_quote": ORDERED,
    "quote_line": ORDERED,
    "plans_on_sale": [
        {"name": "Fibre 500", "monthly": "40.50", "down_kbps": 500000, "up_kbps": 50000, "contract_months": 18, "one_off": "30.00"}
    ],
    "prefer_channel": done(preferred="email"),
    "promise_to_pay": done(amount="46.70", due_on="2026-03-30"),
    "quote_plan_change": {
        "plan_after": "Fibre 900",
        "monthly_after": "60.00",
        "plan_before": "Fibre 500",
        "monthly_before": "40.50",
        "code": "F900",
        "subscriber_id": 1,
        "loses": ["Static IP"],
    },
    "quote_add_on": {"name": "Static IP", "monthly": "5.00", "one_off": "10.00", "code": "STATIC-IP", "subscriber_id": 1},
    "my_add_ons": [
        {"name": "Static IP", "monthly": "5.00", "code": "STATIC-IP", "held_version": 7},
        {"name": "Home Phone", "monthly": "8.50", "code": "PHONE", "held_version": None},
    ],
    "request_add_on": done(),
    "end_add_on": done(),
    "request_credit": done(money="5.00"),
    "request_payment_link": done(amount="46.70"),
    "send_my_bill": done(number=100123, address="m…@home.example"),
    "show_line": [
        {
            "subscriber_id": 1,
            "offering": "Fibre 500",
            "technology": "fibre",
            "area": "Gull Point",
            "suspended_for": None,
            "cpe_model": "HG8",
            "session_started_at": AT,
            "session_ended_at": None,
        }
    ],
    "what_can_i_get": {
        "answer": "no",
        "which": [],
        "address": "12 Quay Road",
        "planned": [
            {"technology": "fibre", "away_km": 2, "name": "Gull Point", "ready_on": "2026-09-01"},
            {"technology": "fibre", "away_km": 0, "name": "here", "ready_on": "2026-09-01"},
        ],
    },
    "what_did_we_tell": {"incident_id": None, "told": [{"first_queued_at": AT, "channel": "sms", "words": "It is down."}]},
    "what_plan_includes": {
        "plan": {"name": "Fibre 500", "code": "F500", "down_kbps": 500000, "up_kbps": 50000, "contract_months": None},
        "prices": [{"label": "Line", "amount": "40.50", "is_tax_inclusive": False, "phases": [{"amount": "20.00", "months": 6}]}],
    },
    "who_acts_for_me": [{"id": 2, "name": "Tom", "address": "+447700900002", "may": ["be_told", "pay"], "valid_until": "2026-12-01"}],
    "let_somebody_act": done(may=["be_told", "order", "pay"], until="2026-12-01"),
    "balance": {"owed": "46.70", "overdue": "10.00", "last_payment": "40.50", "last_paid_at": AT},
    "why_suspended": {
        "state": "suspended",
        "reason": "non_payment",
        "overdue": "46.70",
        "oldest_due_on": "2026-02-01",
        "promised_until": "2026-03-30",
    },
    "is_there_an_outage": {
        "area": "",
        "area_is_known": True,
        "public": [],
        "at_my_lines": [{"restored_at": AT, "cause": "feeder", "is_outage": True, "lost_at": AT}],
    },
    "what_is_wrong_with_my_line": [
        {"cause": c, "offering": "Fibre 500", "since": AT, "received_power_dbm": "-29.1", "subscriber_id": 1, "next_step": "book_visit"}
        for c in (
            "area_fault",
            "own_line_fault",
            "suspended_for_non_payment",
            "suspended_at_own_wish",
            "suspended_for_abuse",
            "light_too_weak",
            "light_too_strong",
            "light_marginal",
            "equipment_without_power",
            "no_session",
            "never_connected",
            "home_network",
        )
    ],
    "my_next_step": {
        "kind": "repair",
        "place": "12 Quay Road",
        "job_id": 5,
        "window_from": AT,
        "window_until": UNTIL,
        "instructions": "",
        "step": "received_power_dbm",
    },
    "record_reading": done(kind="received_power_dbm", value=-19.5),
    "close_my_job": done(job=5),
    "port_of_my_job": {"device": "SPL-1", "reported_by": "OLT-1", "port": "1/1", "cpe_serial": "HW1", "received_power_dbm": -19.5},
}

# What our answers tell people to write, and the tool that they then want.
TOLD_TO_WRITE: Final = [
    ("free_visit_slots", "es", "quiero una cita"),
    ("free_visit_slots", "de", "Termin buchen"),
    ("free_visit_slots", "fr", "je veux un rendez-vous"),
    ("free_visit_slots", "hi", "विज़िट बुक करें"),
    ("request_payment_link", "es", "enlace de pago"),
    ("request_payment_link", "de", "Link zum Bezahlen"),
    ("request_payment_link", "fr", "lien de paiement"),
    ("request_payment_link", "hi", "भुगतान लिंक"),
    ("balance", "es", "cuánto debo"),
    ("balance", "de", "Was bin ich schuldig"),
    ("balance", "fr", "combien je dois"),
    ("balance", "hi", "मेरा कितना बाकी है"),
    ("what_is_wrong_with_my_line", "es", "revise mi línea"),
    ("what_is_wrong_with_my_line", "de", "Prüfen Sie meine Leitung"),
    ("what_is_wrong_with_my_line", "fr", "vérifiez ma ligne"),
    ("what_is_wrong_with_my_line", "hi", "मेरी लाइन जाँचें"),
    ("what_is_wrong_with_my_line", "es", "no tengo internet"),
    ("what_is_wrong_with_my_line", "de", "Mein Internet geht nicht"),
    ("what_is_wrong_with_my_line", "fr", "je n'ai plus internet"),
    ("what_is_wrong_with_my_line", "hi", "इंटरनेट नहीं चल रहा"),
    ("request_credit", "es", "abono por la avería"),
    ("request_credit", "de", "Gutschrift für die Störung"),
    ("request_credit", "fr", "avoir pour la panne"),
    ("request_credit", "hi", "आउटेज का क्रेडिट"),
    ("my_orders", "es", "¿dónde está mi pedido?"),
    ("my_orders", "de", "Wo ist meine Bestellung?"),
    ("my_orders", "fr", "où en est ma commande ?"),
    ("my_orders", "hi", "मेरा ऑर्डर कहाँ है?"),
    ("my_visits", "en", "when is my visit"),
    ("my_visits", "es", "¿cuándo es mi visita?"),
    ("my_visits", "de", "Wann ist mein Termin?"),
    ("my_visits", "fr", "quand est ma visite ?"),
    ("my_visits", "hi", "मेरी विज़िट कब है?"),
    ("balance", "en", "how much do I owe"),
    ("balance", "es", "¿cuánto debo?"),
    ("balance", "de", "Wie viel muss ich zahlen?"),
    ("balance", "fr", "combien dois-je ?"),
    ("balance", "hi", "मुझे कितना देना है?"),
    ("my_orders", "en", "where is my order"),
    ("show_plans", "en", "which plans do you have"),
    ("show_plans", "es", "¿qué tarifas tienen?"),
    ("show_plans", "de", "Welche Tarife gibt es?"),
    ("show_plans", "fr", "quels forfaits avez-vous ?"),
    ("show_plans", "hi", "कौन से प्लान हैं?"),
    ("is_there_an_outage", "es", "¿hay una avería?"),
    ("is_there_an_outage", "de", "Gibt es eine Störung?"),
    ("is_there_an_outage", "fr", "y a-t-il une panne ?"),
    ("is_there_an_outage", "hi", "क्या आउटेज है?"),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tool", SAMPLES)
def test_each_answer_is_worded_in_each_language(tool: str, language: str) -> None:
    said = worded(tool, json.dumps(SAMPLES[tool]), Reader(language, "customer", NOW, LONDON)).words

    assert said
    assert "_" not in said.replace("https://pay.example/1", "")
    assert language == "en" or said != worded(tool, json.dumps(SAMPLES[tool]), Reader("en", "customer", NOW, LONDON)).words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", phrases("en")["errors"])
def test_what_was_not_done_is_told_with_its_reason_in_each_language_and_no_word_from_inside(kind: str, language: str) -> None:
    reader = Reader(language, "customer", NOW, LONDON)
    refused = worded("book_visit", json.dumps({"error": "could_not", "kind": kind, "because": "job 7: no"}), reader).words
    failed = worded("book_visit", json.dumps({"state": "failed", "failure": "job 7: no", "failure_kind": kind}), reader).words

    assert refused == failed == phrases(language)["errors"][kind]
    assert language == "en" or refused != phrases("en")["errors"][kind]


def test_a_colleague_reads_the_reason_itself() -> None:
    found = json.dumps({"error": "could_not", "kind": "TooLateToCancel", "because": "visit 7 can no longer be cancelled"})

    assert "visit 7 can no longer be cancelled" in worded("cancel_visit", found, Reader("en", "staff", NOW, LONDON)).words


def test_nothing_that_may_be_heard_is_left_out_but_what_other_tests_word() -> None:
    worded_elsewhere = {
        "book_visit",
        "free_visit_slots",
        "hand_over",
        "my_installation_slots",
        "restart_my_box",
        "send_code",
        "show_plans",
        "sign_up",
    }

    assert {tool for tool in heard_tools() if (REPLIES / f"{tool}.en.txt").exists()} - SAMPLES.keys() <= worded_elsewhere | {
        "explain_bill_change"
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_we_are_sorry_once_in_a_reply_however_many_answer_in_it(language: str) -> None:
    reader = Reader(language, "customer", NOW, LONDON)
    fault = [{**SAMPLES["what_is_wrong_with_my_line"][0]}]
    parts = [
        worded("what_is_wrong_with_my_line", json.dumps(fault), reader).words,
        worded("request_credit", json.dumps(SAMPLES["request_credit"]), reader).words,
    ]

    said = together(parts, language, is_handed_over=False)

    assert sum("\n".join(parts).count(one) for one in phrases(language)["sorry"]) == 2
    assert sum(said.count(one) for one in phrases(language)["sorry"]) == 1


@pytest.mark.parametrize(("tool", "language", "words"), TOLD_TO_WRITE)
async def test_what_we_tell_people_to_write_is_understood(tool: str, language: str, words: str) -> None:
    router = await Router.of([example for module in MODULES for example in brief_of(module).examples], WordCounts(), WordCounts())

    nearest, *_ = await router.nearness(words, language, is_a_customers)
    found, _ = await router.tool_for(words, nearest.module, language, is_a_customers)

    assert (language_of(words), found) == (language, tool)
