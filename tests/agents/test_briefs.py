import pytest

from agents.briefs import HEADINGS, PromptMalformed, brief_of, house_style, parsed_brief
from atlas.modules import MODULES

BODY = "\n".join(f"## {heading}\n" for heading in HEADINGS)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_at_least_twelve_example_sentences(module: str) -> None:
    english = [example for example in brief_of(module).examples if example.language == "en"]

    assert len(english) >= 12


def test_no_sentence_stands_in_two_prompts() -> None:
    said = [example.words.casefold() for module in MODULES for example in brief_of(module).examples]

    assert len(said) == len(set(said))


def test_an_example_names_its_language_and_its_tool() -> None:
    brief = parsed_brief("billing", f"{BODY}- [es] ¿Cuánto debo? -> balance\n")

    assert (brief.examples[0].language, brief.examples[0].tool, brief.examples[0].words) == ("es", "balance", "¿Cuánto debo?")


def test_a_prompt_without_a_heading_is_refused_by_name() -> None:
    with pytest.raises(PromptMalformed, match="You hand over"):
        parsed_brief("billing", BODY.replace("## You hand over", ""))


def test_a_prompt_that_uses_what_it_does_not_declare_is_refused() -> None:
    with pytest.raises(PromptMalformed, match="customer_name"):
        parsed_brief("billing", f"{BODY}Hello {{{{customer_name}}}}")


def test_the_house_style_is_told_the_day_and_to_whom_it_speaks() -> None:
    told = house_style().told({"today": "Monday 23 November 2026", "audience": "customer", "language": "de"})

    assert "Monday 23 November 2026" in told
    assert "{{" not in told
