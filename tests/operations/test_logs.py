"""What is logged: one line an event, ours and the libraries', with what it belongs to."""

import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from api.bootstrap import configure_logging
from atlas.tracing import root_of, traced

CORRELATION = UUID(int=7)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def hidden(_: Any, __: str, event: Any) -> Any:
    return {name: "***" if name == "code" else value for name, value in event.items()}


def test_every_line_inside_a_turn_carries_its_correlation(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")

    with traced("turn", root_of(CORRELATION), {}):
        structlog.get_logger().info("tool_answered", tool="balance")
    structlog.get_logger().info("turn_over")

    inside, after = lines(capsys)
    assert (inside["event"], inside["correlation_id"]) == ("tool_answered", str(CORRELATION))
    assert "correlation_id" not in after


def test_what_a_library_says_is_a_line_of_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")

    with traced("turn", root_of(CORRELATION), {}):
        logging.getLogger("psycopg.pool").warning("error connecting in %r", "pool-1")

    (line,) = lines(capsys)
    assert line["event"] == "error connecting in 'pool-1'"
    assert (line["logger"], line["level"], line["correlation_id"]) == ("psycopg.pool", "warning", str(CORRELATION))


def test_whoever_redacts_sees_our_lines_and_the_libraries_before_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", hidden)

    structlog.get_logger().info("code_sent", code="123456")
    logging.getLogger("library").warning("sent", extra={"code": "123456"})

    assert [line["code"] for line in lines(capsys)] == ["***", "***"]
