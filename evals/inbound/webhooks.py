"""`bedrock eval webhooks`: no changed call is believed, and no genuine one refused, whatever stands between Twilio and us."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psycopg
from pydantic import SecretStr

from api.app import web_app
from api.bootstrap import House, house
from api.inbound.twilio import parsing
from api.inbound.twilio.signature import Call, Verifier
from api.listening import listening
from api.serve import database
from api.settings import Settings
from atlas.errors import InvalidField
from atlas.principal import Zone
from evals.inbound.mutations import BOUNDARY, mutant
from evals.inbound.twilio import ACCOUNT, Hook, Twilio
from evals.inbound.wire import Head, Target, posted, proxied

KEY: Final = "the account's own key"
DONE: Final = 204
# The signed calls that the changed ones are made of; each is delivered first, as it would have been.
GENUINE_OF_MUTANTS: Final = 200


@dataclass(frozen=True)
class Layout:
    """One way to stand before us. `public` is what Twilio calls (`{port}` is the proxy's), `named` the Host that reaches us."""

    name: str
    public: str
    rewritten: Callable[[Head], Head]
    path: str = "/webhooks/twilio/messages"
    query: str = ""
    host: str = "127.0.0.1"
    is_tls: bool = False


def as_it_came(head: Head) -> Head:
    return head


def named(host: bytes) -> Callable[[Head], Head]:
    return lambda head: [b"Host: " + host if line.lower().startswith(b"host:") else line for line in head]


def with_headers(*more: bytes) -> Callable[[Head], Head]:
    return lambda head: [*named(b"10.0.0.7:8080")(head), *more]


def without_prefix(head: Head) -> Head:
    return [head[0].replace(b"POST /bedrock", b"POST ", 1), *head[1:]]


FORWARDED: Final = (
    b"X-Forwarded-For: 203.0.113.9",
    b"X-Forwarded-Proto: http",
    b"X-Forwarded-Host: elsewhere.example",
    b"Forwarded: host=x",
)
LAYOUTS: Final = (
    Layout("TLS ends at the proxy", "https://isp.example", named(b"127.0.0.1"), is_tls=True),
    Layout("a port in the address and in Host", "https://isp.example:8443", as_it_came),
    Layout("a path before ours, cut by the proxy", "https://isp.example/bedrock", without_prefix),
    Layout("X-Forwarded-* that say otherwise", "https://isp.example", with_headers(*FORWARDED)),
    Layout("a slash at the end", "https://isp.example", as_it_came, path="/webhooks/twilio/messages/"),
    Layout("escaped letters kept", "https://isp.example", as_it_came, path="/webhooks/twilio/m%65ssages", query="t=%7eb%20c%2Fd"),
    Layout("fields of the query in any order", "https://isp.example", as_it_came, query="z=1&a=2&a=1&empty=&b"),
    Layout("IPv6 in the address", "http://[::1]:{port}", as_it_came, host="::1"),
)


@dataclass
class Webhooks:
    """`stopped`: by which wall the changed calls were; `accepted` must be none. `refused`: genuine calls by layout, must be none too."""

    changed: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    genuine: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    over_the_wire: int = 0

    @property
    def holds(self) -> bool:
        return not self.accepted and not self.refused

    def as_rows(self) -> list[tuple[str, str, str]]:
        return [
            ("changed calls accepted", f"{self.accepted.total()} of {self.changed:,}", ", ".join(self.accepted)),
            ("  of them over the wire", f"{self.over_the_wire:,}", ""),
            *((f"  stopped by {wall}", f"{count:,}", "") for wall, count in self.stopped.most_common()),
            ("genuine calls refused", f"{self.refused.total()} of {self.genuine:,}", ", ".join(self.refused)),
        ]


def hooks_of(twilio: Twilio, how_many: int, path: str, query: str = "") -> list[Hook]:
    """Messages of every kind: SMS, WhatsApp, pictures, nothing at all, and now and then as JSON."""
    rng = twilio.rng
    made = []
    for _ in range(how_many):
        sender = rng.choice(("+447700900101", "whatsapp:+447700900102", "whatsapp:+5511987654321", "60123"))
        made.append(replace(twilio.message(sender, path=path), query=query, is_json=rng.random() < 0.15))
    return made


def judged(found: Webhooks, how_many: int, seed: int) -> None:
    """Changed calls against the verifier, the parser and the inbox's key, with no wire between: a hundred thousand take a minute."""
    rng = random.Random(seed)  # noqa: S311 - chance that can be repeated
    twilio = Twilio("https://isp.example", KEY, rng)
    verifier = Verifier(twilio.public_url, (KEY.encode(),))
    hooks = hooks_of(twilio, GENUINE_OF_MUTANTS, "/webhooks/twilio/messages", "tag=%C3%A9&x=1")
    genuine = [(hook, twilio.call(hook)) for hook in hooks]
    seen = {hook.provider_id for hook in hooks}
    for _ in range(how_many):
        hook, call = rng.choice(genuine)
        changed = mutant(rng, twilio, hook, call)
        # Only where Twilio itself signs too little may the inbox be the wall: elsewhere the message is as if it had never come.
        wall = stopped_by(verifier, changed.call, seen if changed.kind == BOUNDARY else set())
        found.changed += 1
        if wall:
            found.stopped[wall] += 1
        else:
            found.accepted[changed.kind] += 1


def stopped_by(verifier: Verifier, call: Call, seen: set[str]) -> str:
    """The wall that stops a call; empty where none does."""
    if not verifier.is_genuine(call):
        return "its signature"
    try:
        heard = parsing.message(call, ACCOUNT)
    except InvalidField:
        return "its shape"
    return "the inbox, where its message is already" if heard.provider_id in seen else ""


async def evaluated(settings: Settings, how_many: int, seed: int, genuine_each: int, changed_each: int) -> Webhooks:
    """The changed calls, and then every layout with a real proxy before the real web app."""
    found = Webhooks()
    judged(found, how_many, seed)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        handed = settings.model_copy(
            update={"database_url": SecretStr(url), "twilio_auth_token": SecretStr(KEY), "twilio_account_sid": ACCOUNT}
        )
        one = await stack.enter_async_context(house(handed, tuple(Zone), most=4))
        owner = await stack.enter_async_context(await psycopg.AsyncConnection.connect(url, autocommit=True))
        for number, layout in enumerate(LAYOUTS):
            rng = random.Random(seed + number)  # noqa: S311 - chance that can be repeated
            await _behind(found, one, owner, layout, rng, genuine_each, changed_each)
    return found


async def _behind(
    found: Webhooks,
    one: House,
    owner: psycopg.AsyncConnection[Any],
    layout: Layout,
    rng: random.Random,
    genuine_each: int,
    changed_each: int,
) -> None:
    """One layout: genuine calls are kept, changed ones leave no row."""
    settings = one.settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    async with AsyncExitStack() as stack:
        # The public address holds the proxy's port, and the proxy wants ours: so the proxy asks for it at each call.
        inside: list[int] = []
        port = await stack.enter_async_context(_proxy(layout, inside))
        public = layout.public.format(port=port)
        app = web_app(replace(one, settings=settings.model_copy(update={"webhook_url": public})))
        inside.append(await stack.enter_async_context(listening(app, "127.0.0.1", 0)))
        target = Target(layout.host, port, public.split("/")[2], layout.is_tls)
        twilio = Twilio(public, KEY, rng)
        prefix = public[len("https://") :].partition("/")[2].encode()
        hooks = hooks_of(twilio, genuine_each, layout.path, layout.query)
        for hook in hooks:
            found.genuine += 1
            if await posted(target, _outside(twilio.call(hook), prefix)) != DONE:
                found.refused[layout.name] += 1
        await _changed(found, owner, twilio, hooks, changed_each, lambda call: posted(target, _outside(call, prefix)))


def _proxy(layout: Layout, inside: Sequence[int]) -> Any:
    return proxied(lambda: inside[0], layout.rewritten, host=layout.host, is_tls=layout.is_tls)


def _outside(call: Call, prefix: bytes) -> Call:
    """The call as it leaves Twilio: with the path that the proxy cuts."""
    return replace(call, path=b"/" + prefix + call.path) if prefix else call


async def _changed(
    found: Webhooks, owner: psycopg.AsyncConnection[Any], twilio: Twilio, hooks: Sequence[Hook], how_many: int, send: Callable[[Call], Any]
) -> None:
    before = await _kept(owner)
    for _ in range(how_many):
        hook = twilio.rng.choice(hooks)
        changed = mutant(twilio.rng, twilio, hook, twilio.call(hook))
        found.changed += 1
        found.over_the_wire += 1
        status = await send(changed.call)
        if (kept := await _kept(owner)) != before:
            found.accepted[changed.kind] += 1
            before = kept
        else:
            found.stopped[f"the web, with {status}"] += 1


async def _kept(owner: psycopg.AsyncConnection[Any]) -> tuple[int, int]:
    row = await (await owner.execute("SELECT (SELECT count(*) FROM helpdesk.inbox), (SELECT count(*) FROM helpdesk.message)")).fetchone()
    assert row is not None
    return row[0], row[1]
