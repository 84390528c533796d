"""A letter on paper, ready to be printed and posted: A4, its address where a window envelope shows it, the same bytes each time. Pure."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final

import yaml
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from forge.invoices.pdf import FONT, FOOT, HEIGHT, LEFT, MM, QUIET, RIGHT, TINT, TOP, load_font, write
from forge.wording import LANGUAGES, day_in_numbers

# DIN 5008, form B: the window begins 45 mm below the upper edge, and holds nine lines at the most.
WINDOW: Final = HEIGHT - 52 * MM
WORDS_FROM: Final = HEIGHT - 118 * MM
LINE: Final = 5.6 * MM
SIZE: Final = 10.5


@dataclass(frozen=True)
class Sheet:
    """What stands on a letter: to whom, about what, in which words, and of which day it is."""

    address: tuple[str, ...]
    language: str
    subject: str
    words: str
    reference: str
    day: date


def letter_pdf(sheet: Sheet, operator: str) -> tuple[bytes, int]:
    """The whole letter, and on how many pages it is."""
    load_font()
    around = _around(sheet.language if sheet.language in LANGUAGES else "en")
    made = BytesIO()
    canvas = Canvas(made, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(sheet.subject)
    canvas.setAuthor(operator)
    write(canvas, LEFT, TOP, operator, 15, TINT)
    for place, line in enumerate(sheet.address):
        write(canvas, LEFT, WINDOW - place * LINE, line, SIZE)
    write(canvas, RIGHT, WINDOW, day_in_numbers(sheet.day, sheet.language), SIZE, to_the_left=True)
    write(canvas, RIGHT, WINDOW - LINE, f"{around['reference']}: {sheet.reference}", 9, QUIET, to_the_left=True)
    write(canvas, LEFT, WORDS_FROM + 2 * LINE, sheet.subject, 12, TINT)
    y = WORDS_FROM
    for paragraph in (sheet.words, around["why"], around["closes"], operator):
        for line in simpleSplit(paragraph, FONT, SIZE, RIGHT - LEFT):
            if y < FOOT:
                canvas.showPage()
                y = TOP
            write(canvas, LEFT, y, line, SIZE)
            y -= LINE
        y -= LINE / 2
    pages = canvas.getPageNumber()
    canvas.save()
    return made.getvalue(), pages


@cache
def _around(language: str) -> dict[str, str]:
    text = resources.files("prompts.documents").joinpath(f"letter.{language}.yaml").read_text(encoding="utf-8")
    said: dict[str, str] = yaml.safe_load(text)
    return said
