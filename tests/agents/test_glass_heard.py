"""What staff ask of strands, boxes and ports finds its tool with its arguments, by the rule model alone."""

from datetime import date

import pytest

from agents.slots import value_of

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("name", "schema", "words", "value"),
    [
        ("line", NUMBER, "Which strands does line 12 use?", 12),
        ("cable", TEXT, "Which strands of cable fdr-gpt-01 are free?", "fdr-gpt-01"),
        ("strands", TEXT, "Who goes dark when cable FDR-GPT-01 is cut at strands 1-12?", "1-12"),
        ("one", TEXT, "FDR-GPT-01/3@to is spliced to DST-GPT-01/1@from", "FDR-GPT-01/3@to"),
        ("other", TEXT, "Write down a splice of fdr-gpt-01/orange.green@to to spl-gpt-01#leg 7", "spl-gpt-01#leg 7"),
        ("splice_id", NUMBER, "Splice 12 was taken apart, the strand is broken", 12),
        ("mac", TEXT, "Where was the box A4-B1-C2-00-00-01 seen?", "A4-B1-C2-00-00-01"),
    ],
)
def test_what_staff_name_of_the_plant_is_read(name: str, schema: dict[str, str], words: str, value: object) -> None:
    assert value_of(name, schema, words, date(2026, 11, 30), is_answer=False) == value
