"""Under which name this house is known to browsers and to other houses: the one public address, never what a request claims."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from atlas.errors import InvalidField


@dataclass(frozen=True)
class RelyingParty:
    """`origin` as browsers send it, `host` as passkeys are bound to it, `name` as people read it."""

    origin: str
    name: str

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def is_https(self) -> bool:
        return self.origin.startswith("https://")


def relying_party(public_url: str, name: str) -> RelyingParty:
    """Raises InvalidField where the address is not that of a site: https, or plain http on this very machine."""
    parts = urlsplit(public_url)
    is_here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or not (parts.scheme == "https" or is_here) or parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidField("public_url", f"{public_url} is not https://host[:port], nor plain http on loopback")
    return RelyingParty(f"{parts.scheme}://{parts.netloc}", name)
