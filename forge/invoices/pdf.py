"""An issued bill as a PDF: one page or more, A4, the same bytes for the same bill. Pure."""

import re
from importlib import resources
from io import BytesIO
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import ShapedStr, TTFont, shapeStr
from reportlab.pdfgen.canvas import Canvas

from atlas.billing.records.documents import Paper, PaperLine
from atlas.money import Money
from forge.invoices.words import InvoiceWords, invoice_words

FONT: Final = "NotoSans"
INK, QUIET, RULE, TINT = HexColor("#16242e"), HexColor("#5c6b76"), HexColor("#c9d2d8"), HexColor("#0b5d7a")
MM: Final = float(mm)
WIDTH, HEIGHT = (float(side) for side in A4)
LEFT, RIGHT, TOP, FOOT = 22 * MM, WIDTH - 22 * MM, HEIGHT - 24 * MM, 34 * MM
NET, TAX, GROSS = RIGHT - 62 * MM, RIGHT - 31 * MM, RIGHT
LINE_HEIGHT: Final = 7.2 * MM
# Letters that join, stack and change places by what stands beside them, with the joiners between; everything else is drawn as it is read.
DEVANAGARI: Final = re.compile(r"([\u0900-\u097f\u200c\u200d]+)")


def load_font() -> None:
    """The letters of all five languages. Anew for each bill: a font remembers what it joined, and a bill is the same bytes each time."""
    file = next(one for one in resources.files("fontpkg_noto_sans").joinpath("files").iterdir() if "Italic" not in one.name)
    pdfmetrics.registerFont(TTFont(FONT, str(file), shapable=True))


def invoice_pdf(paper: Paper, operator: str) -> bytes:
    """The whole document. Times and names of the machine are left out, so that the same bill is the same bytes."""
    load_font()
    words = invoice_words(paper.head.language, paper.head.currency)
    made = BytesIO()
    canvas = Canvas(made, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(f"{words.title(paper)} {paper.head.number}")
    canvas.setAuthor(operator)
    y = _head(canvas, paper, words, operator)
    for line in paper.lines:
        if y < FOOT + 4 * LINE_HEIGHT:
            y = _next_page(canvas, words)
        y = _line(canvas, line, words, y)
    _totals(canvas, paper, words, y if y > FOOT + 52 * MM else _next_page(canvas, words))
    _foot(canvas, words)
    canvas.save()
    return made.getvalue()


def write(canvas: Canvas, x: float, y: float, text: str, size: float = 9.5, colour: HexColor = INK, *, to_the_left: bool = False) -> None:
    canvas.setFont(FONT, size)
    canvas.setFillColor(colour)
    runs = [(run, _width(run, size)) for run in _shaped(text, size)]
    at = x - sum(width for _, width in runs) if to_the_left else x
    for run, width in runs:
        canvas.drawString(at, y, run)
        at += width


def _shaped(text: str, size: float) -> list[str]:
    """The text in runs of one script each; one of Devanagari as its letters look beside each other."""
    return [shapeStr(run, FONT, size) if DEVANAGARI.fullmatch(run) else run for run in DEVANAGARI.split(text) if run]


def _width(run: str, size: float) -> float:
    if isinstance(run, ShapedStr):
        return float(sum(letter.x_advance for letter in run.__shapeData__) * size / 1000)
    return float(pdfmetrics.stringWidth(run, FONT, size))


def _head(canvas: Canvas, paper: Paper, words: InvoiceWords, operator: str) -> float:
    head = paper.head
    write(canvas, LEFT, TOP, operator, 15, TINT)
    write(canvas, RIGHT, TOP, words.title(paper), 22, to_the_left=True)
    canvas.setStrokeColor(TINT)
    canvas.setLineWidth(1.4)
    canvas.line(LEFT, TOP - 6 * MM, RIGHT, TOP - 6 * MM)
    for place, text in enumerate((head.name, *head.address)):
        write(canvas, LEFT, TOP - 20 * MM - place * 5 * MM, text, 10.5)
    facts = (
        (words["number"], str(head.number)),
        (words["customer"], f"C-{head.customer_id}"),
        (words["issued"], words.day(head.issued_at.date())),
        (words["period"], f"{words.day(head.period_from)} – {words.day(head.last_day)}"),
        *([(words["due"], words.day(head.due_on))] if paper.total > Money(0) else []),
    )
    for place, (name, value) in enumerate(facts):
        y = TOP - 20 * MM - place * 5.4 * MM
        write(canvas, RIGHT - 80 * MM, y, name, 9, QUIET)
        write(canvas, RIGHT, y, value, 9.5, to_the_left=True)
    return _columns(canvas, words, TOP - 62 * MM)


def _columns(canvas: Canvas, words: InvoiceWords, y: float) -> float:
    write(canvas, LEFT, y, words["line"], 8.5, QUIET)
    for x, name in ((NET, "net"), (TAX, "tax"), (GROSS, "gross")):
        write(canvas, x, y, words[name], 8.5, QUIET, to_the_left=True)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.line(LEFT, y - 2.4 * MM, RIGHT, y - 2.4 * MM)
    return y - LINE_HEIGHT - 1.2 * MM


def _line(canvas: Canvas, line: PaperLine, words: InvoiceWords, y: float) -> float:
    pieces = simpleSplit(line.label, FONT, 9.5, NET - LEFT - 26 * MM) or [""]
    for place, piece in enumerate(pieces):
        write(canvas, LEFT, y - place * 4.6 * MM, piece)
    for x, amount in ((NET, line.net), (TAX, line.tax), (GROSS, line.gross)):
        write(canvas, x, y, words.money(amount), to_the_left=True)
    return y - LINE_HEIGHT - (len(pieces) - 1) * 4.6 * MM


def _totals(canvas: Canvas, paper: Paper, words: InvoiceWords, y: float) -> None:
    canvas.setStrokeColor(RULE)
    canvas.line(LEFT, y + 3.4 * MM, RIGHT, y + 3.4 * MM)
    for name, amount in (("total_net", paper.net), ("total_tax", paper.tax)):
        write(canvas, TAX, y - 2 * MM, words[name], 9.5, QUIET, to_the_left=True)
        write(canvas, GROSS, y - 2 * MM, words.money(amount), to_the_left=True)
        y -= 6 * MM
    canvas.setFillColor(HexColor("#eaf2f5"))
    canvas.rect(LEFT, y - 9.5 * MM, RIGHT - LEFT, 11 * MM, stroke=0, fill=1)
    write(canvas, LEFT + 3 * MM, y - 5.6 * MM, words["total"], 12)
    write(canvas, RIGHT - 3 * MM, y - 5.6 * MM, words.money(paper.total), 14, TINT, to_the_left=True)
    for place, piece in enumerate(simpleSplit(words.to_pay(paper), FONT, 10, RIGHT - LEFT)):
        write(canvas, LEFT, y - 19 * MM - place * 5 * MM, piece, 10)


def _foot(canvas: Canvas, words: InvoiceWords) -> None:
    canvas.setStrokeColor(RULE)
    canvas.line(LEFT, 25 * MM, RIGHT, 25 * MM)
    for place, piece in enumerate(simpleSplit(words["questions"], FONT, 8.5, RIGHT - LEFT - 24 * MM)):
        write(canvas, LEFT, 20 * MM - place * 4.2 * MM, piece, 8.5, QUIET)
    write(canvas, RIGHT, 20 * MM, words["page"].format(page=canvas.getPageNumber()), 8.5, QUIET, to_the_left=True)


def _next_page(canvas: Canvas, words: InvoiceWords) -> float:
    _foot(canvas, words)
    canvas.showPage()
    return _columns(canvas, words, TOP)
