"""Where the link in a letter leads: a page with one button; and what a mail program presses by itself (RFC 8058).

Looking changes nothing, for scanners follow every link. Nobody signs in: the link is the proof, and it says nothing that could be read.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import structlog
import yaml
from fastapi import APIRouter, Depends, Form
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.bootstrap import House
from api.inbound.unsubscribe.stopping import Reader, reader_of, stopped
from atlas.crm.records import Purpose
from console.app import ANSWERS
from console.guards import BY_SIGNATURE
from forge.outside.stop_links import LinkForged, Stop, StopLinks
from forge.wording import LANGUAGES

log = structlog.get_logger()

HERE: Final = Path(__file__).parent
Token = Annotated[str, InPath(max_length=200)]
# What the standard has a mail program send; our own button sends the same.
Pressed = Annotated[Literal["One-Click"], Form(alias="List-Unsubscribe")]


def router(house: House) -> APIRouter:
    """There whether or not letters carry such links just now: those that were sent are good for as long as the secret is."""
    routes = APIRouter(tags=["letters"], dependencies=[Depends(BY_SIGNATURE)])
    links = StopLinks.of(house.atlas.secret)

    def opened(token: Token) -> Stop:
        """Before anything else of the call is looked at. Raises LinkForged."""
        try:
            return links.opened(token)
        except LinkForged:
            log.warning("unsubscribe_link_refused", length=len(token))
            raise

    @routes.get("/unsubscribe/{token}", response_class=HTMLResponse, responses={status: ANSWERS[status] for status in (403, 422)})
    async def asks(stop: Stop = Depends(opened)) -> HTMLResponse:
        """What the link would stop, and a button. Nothing is stopped by looking."""
        return page(house, await reader_of(house, links, stop), stop, asks=True)

    @routes.post("/unsubscribe/{token}", response_class=HTMLResponse, responses={status: ANSWERS[status] for status in (403, 409, 422)})
    async def pressed(pressed: Pressed, stop: Stop = Depends(opened)) -> HTMLResponse:
        """Letters of this kind go to this address no more."""
        del pressed
        return page(house, await stopped(house, links, stop), stop, asks=False)

    return routes


def page(house: House, reader: Reader, stop: Stop, *, asks: bool) -> HTMLResponse:
    """In the customer's language; without a name or an address, for letters are passed on."""
    language = reader.language if reader.language in LANGUAGES else "en"
    words = said_in(language)
    is_known = bool(reader.owners)
    said = words["asks" if asks else "done"] if is_known else words["gone"]
    return HTMLResponse(
        _pages()
        .get_template("page.html")
        .render(
            language=language,
            operator=house.settings.operator,
            words=words,
            said=said.format(about=about(words, stop.purpose)),
            asks=asks and is_known,
            can_come_back=is_known,
        )
    )


def about(words: dict[str, Any], purpose: Purpose) -> str:
    return str(words["about"][purpose.value])


@cache
def said_in(language: str) -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load((HERE / "words.yaml").read_text())[language]
    return words


@cache
def _pages() -> Environment:
    return Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
