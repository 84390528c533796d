"""What a log may hold of people and secrets: nothing, whoever wrote the line."""

import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from api.bootstrap import configure_logging
from api.operations.redaction import MASK, redacted_text

TELLING = ("password", "token", "twilio_auth_token", "api_key", "customer_phone", "email", "code_mac", "words", "address")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (written,) = capsys.readouterr().err.splitlines()
    found: dict[str, Any] = json.loads(written)
    return found


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("call me on +44 7700 900123 today", "900123"),
        ("call 07700 900123", "900123"),
        ("call (020) 7946-0958 now", "7946"),
        ("whatsapp:+447700900123 answered", "447700900123"),
        ("0044 7700 900123", "900123"),
        ("from maya.patel+isp@example.co.uk", "maya"),
        ("your code is 482915", "482915"),
        ("tu código: 482915", "482915"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("failed at postgresql://bedrock:hunter2@127.0.0.1:5432/atlas", "hunter2"),
        ('{"api_key": "sk-proj-abcdefghijklmnop"}', "abcdefghijklmnop"),
        ("key sk-abcdefghijklmnop1234 refused", "abcdefghijklmnop"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIi"),
        ("password=hunter2&user=maya", "hunter2"),
    ],
)
def test_what_is_written_in_a_sentence_is_masked_by_its_form(capsys: pytest.CaptureFixture[str], said: str, secret: str) -> None:
    configure_logging("json")

    structlog.get_logger().warning("carrier_said", why=said, nested={"deep": [said]})

    written = json.dumps(line(capsys), ensure_ascii=False)
    assert MASK in written
    assert secret not in written


@pytest.mark.parametrize(
    "key", ["password", "token", "twilio_auth_token", "api_key", "customer_phone", "email", "code_mac", "words", "address"]
)
def test_what_stands_under_a_telling_key_is_masked_whatever_its_form(capsys: pytest.CaptureFixture[str], key: str) -> None:
    configure_logging("json")

    structlog.get_logger().info("came", **{key: "zanzibar", "inside": {key: "zanzibar"}})

    assert "zanzibar" not in json.dumps(line(capsys))


def test_a_library_that_prints_a_number_and_a_traceback_that_holds_one_are_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")

    try:
        int("no such subscriber: +447700900123")
    except ValueError:
        logging.getLogger("carrier").exception("could not reach %s", "maya@example.com")

    written = capsys.readouterr().err
    assert "ValueError" in written
    assert "900123" not in written
    assert "maya@" not in written


def test_what_a_shift_needs_to_read_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    facts: dict[str, Any] = {
        "incident_id": 31,
        "subscribers": 1234567890,
        "correlation_id": str(UUID(int=7)),
        "seconds": 2.4,
        "path": "/api/incidents/31",
        "code": -9,
        "address": "192.0.2.17",
        "since": "2026-03-02T09:00:00.123456Z",
        "tokens_used": 417,
        "is_back": True,
        "why": "connection to 10.12.0.1:5432 refused after 0.25 s",
    }
    configure_logging("json")

    structlog.get_logger().info("incident_opened", **facts)

    written = line(capsys)
    assert {name: written[name] for name in facts} == facts
    assert written["timestamp"].startswith("20")


def test_one_time_codes_as_numbers_are_masked_under_their_key(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")

    structlog.get_logger().info("code_tried", code=482915)

    assert line(capsys)["code"] == MASK


def test_text_without_anything_private_is_the_same_text() -> None:
    said = "OLT-7 port 0/1/12 lost 32 ONTs at 2026-03-02 09:00:00; loss 27.3 dB, serial ALCLF1234567, job 20260302090000"

    assert redacted_text(said) == said
