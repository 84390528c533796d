"""Pure: what somebody wrote anew, out of a letter that also holds what they answered, their signature and a page's clothes."""

import re
from html.parser import HTMLParser
from typing import Final

# What is longer than this is not read by anybody; a parser that is fed megabytes of open tags takes minutes.
MOST_HTML: Final = 200_000
# Inside these nothing is said to a reader.
UNSPOKEN: Final = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "object"})
QUOTED: Final = frozenset({"blockquote"})
QUOTING_CLASS: Final = re.compile(r"gmail_quote|yahoo_quoted|moz-cite-prefix|protonmail_quote|OutlookMessageHeader", re.IGNORECASE)
HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|mso-hide\s*:\s*all", re.IGNORECASE)
BREAKS: Final = frozenset({"p", "div", "br", "tr", "li", "table", "ul", "ol", "h1", "h2", "h3", "h4", "section", "article", "hr"})
# Tags that have no end: they open nothing.
VOID: Final = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "wbr", "area", "base", "col", "embed", "param", "source", "track", "!doctype"}
)

QUOTE: Final = re.compile(r"^\s*>")
# How programs say that what follows is somebody else's: in five languages, on one line or broken over two.
WROTE: Final = re.compile(
    r"^\s*(?:On .{4,200} wrote|Am .{4,200} schrieb.{0,120}|El .{4,200} escribi[oó]|Le .{4,200} a [eé]crit|"
    r".{4,200} ने लिखा|.{4,200} को .{0,120} लिखा)\s*:?\s*$",
    re.IGNORECASE,
)
ORIGINAL: Final = re.compile(
    r"^\s*[-_*]{2,}\s*(?:original message|original[- ]?nachricht|ursprüngliche nachricht|mensaje original|message d'origine|"
    r"forwarded message|weitergeleitete nachricht|मूल संदेश)\s*[-_*]{2,}\s*$",
    re.IGNORECASE,
)
HEAD: Final = re.compile(r"^\s*\*?(?:From|Von|De|प्रेषक)\s*:\*?\s.{2,}", re.IGNORECASE)
HEAD_GOES_ON: Final = re.compile(
    r"^\s*\*?(?:Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Enviado|Fecha|Para|Asunto|Envoyé|Objet|À)\s*:", re.IGNORECASE
)
RULE: Final = re.compile(r"^_{20,}\s*$")
SIGNATURE: Final = re.compile(r"^-- ?$")
TELEPHONE: Final = re.compile(
    r"^\s*(?:Sent (?:from|with|via) (?:my |Outlook|Yahoo|Proton)|Get Outlook for|Von meinem .{2,30} gesendet|Gesendet (?:von|mit)|"
    r"Enviado desde mi|Envoyé de(?:puis)? mon|मेरे .{2,30} से भेजा गया)",
    re.IGNORECASE,
)
# Somebody who answers below what they quote wrote a sentence there; a footer is not looked for that far.
LONGEST_HEAD: Final = 6


def said_anew(text: str) -> str:
    """The letter without what it quotes and without its signature; the whole letter where nothing else would be left."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = _without_signature(_without_quotes(lines))
    anew = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in kept)).strip()
    return anew or text.strip()


def _without_quotes(lines: list[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if ORIGINAL.match(line) or _is_head(lines, at):
            break
        broken = 2 if at + 1 < len(lines) and not WROTE.match(line) and _is_broken(line, lines[at + 1]) else 1
        if WROTE.match(line) or broken == 2:
            # Whoever answers below the quotation goes on after it; where nothing is marked as quoted, all that follows is.
            after = next((nth for nth in range(at + broken, len(lines)) if lines[nth].strip()), len(lines))
            if after == len(lines) or not QUOTE.match(lines[after]):
                break
            at = after
            continue
        if not QUOTE.match(line):
            kept.append(line)
        at += 1
    return kept


def _is_broken(line: str, following: str) -> bool:
    """An attribution that its program broke in two: "On Monday Harbour <help@" and "isp.example> wrote:"."""
    return bool(re.match(r"^\s*(?:On|Am|El|Le)\s", line)) and len(line) > 20 and bool(WROTE.match(f"{line.strip()} {following.strip()}"))


def _is_head(lines: list[str], at: int) -> bool:
    """The head of the answered letter, as Outlook writes it: From, then Sent, To or Subject below; or a rule of underscores above it."""
    if RULE.match(lines[at]):
        return any(HEAD.match(line) for line in lines[at + 1 : at + 3])
    return bool(HEAD.match(lines[at])) and any(HEAD_GOES_ON.match(line) for line in lines[at + 1 : at + LONGEST_HEAD])


def _without_signature(lines: list[str]) -> list[str]:
    for at, line in enumerate(lines):
        if SIGNATURE.match(line) or TELEPHONE.match(line):
            return lines[:at]
    return lines


def text_of_html(html: str) -> str:
    """What a reader of the page would see; what it quotes, and what is hidden from people, is not said to anybody."""
    page = _Page()
    page.feed(html[:MOST_HTML])
    page.close()
    lines = ("".join(page.said)).replace("\xa0", " ").split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in lines)).strip()


class _Page(HTMLParser):
    """Collects what is said; `_silent` is the path of tags since the one inside which nothing is."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent:
            if tag not in VOID:
                self._silent.append(tag)
        elif _is_silent(tag, dict(attrs)) and tag not in VOID:
            self._silent = [tag]
        elif tag in BREAKS:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            # A page that closes what it never opened ends nothing but what it names.
            if tag in self._silent:
                del self._silent[len(self._silent) - 1 - self._silent[::-1].index(tag) :]
        elif tag in BREAKS:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(re.sub(r"[ \t\r\n]+", " ", data))


def _is_silent(tag: str, attributes: dict[str, str | None]) -> bool:
    return (
        tag in UNSPOKEN | QUOTED
        or "hidden" in attributes
        or bool(HIDDEN.search(attributes.get("style") or ""))
        or bool(QUOTING_CLASS.search(attributes.get("class") or ""))
    )
