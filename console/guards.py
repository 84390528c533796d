"""What a route asks of whoever calls it. A route that declares no guard does not come up: what nobody thought of is shut."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from fastapi import FastAPI
from starlette.routing import BaseRoute, WebSocketRoute

from atlas.errors import AtlasError
from atlas.principal import Role

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SOCKET = "SOCKET"


class Unguarded(AtlasError):
    """Routes that declare no guard, or one that does not keep a write safe; nothing starts with them."""

    def __init__(self, routes: Iterable[str]) -> None:
        self.routes = tuple(routes)
        super().__init__(f"no guard stands at {', '.join(self.routes)}")


@dataclass(frozen=True)
class Guard:
    """Declared as a dependency of the route, and asked before anything of it runs. `who` says in a word who comes in."""

    who: ClassVar[str] = "nobody"
    # Whether somebody else's page cannot make a browser call this: what writes needs such a guard.
    withstands_foreign_pages: ClassVar[bool] = False

    @property
    def roles(self) -> frozenset[Role]:
        """Whoever comes in holds one of these; none: whatever they hold."""
        return frozenset()


@dataclass(frozen=True)
class Anybody(Guard):
    """Shows nothing of anybody, or is itself the way in."""

    who: ClassVar[str] = "anybody"

    async def __call__(self) -> None:
        return None


ANYBODY = Anybody()


@dataclass(frozen=True)
class BySignature(Guard):
    """The caller proves itself by what it sends (a signature, a bearer token), and the route checks that before it reads on."""

    who: ClassVar[str] = "signature"
    withstands_foreign_pages: ClassVar[bool] = True

    async def __call__(self) -> None:
        return None


BY_SIGNATURE = BySignature()


@dataclass(frozen=True)
class Route:
    """One way in: a path, a method, and the guard that stands there."""

    method: str
    path: str
    guard: Guard | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_socket(self) -> bool:
        """A web socket: it is opened, never asked."""
        return self.method == SOCKET

    @property
    def is_safe(self) -> bool:
        """Somebody stands there, and whatever writes cannot be called by a foreign page."""
        return self.guard is not None and (self.method in SAFE or self.guard.withstands_foreign_pages)


def guarded(guard: Guard, endpoint: Any) -> Any:
    """Declares the guard of something that is no FastAPI route: a plain Starlette endpoint or a mounted app."""
    endpoint.guard = guard
    return endpoint


def every_route(app: FastAPI) -> list[Route]:
    """All of them, those of included routers and mounts too, a row for each method."""
    return [Route(method, path, guard) for path, methods, guard in _walked(app.routes, "") for method in sorted(methods)]


def refuse_unguarded(app: FastAPI) -> None:
    """Raises Unguarded where a route has no guard, or writes under one that a foreign page gets past."""
    bare = [route.name for route in every_route(app) if not route.is_safe]
    if bare:
        raise Unguarded(bare)


def _walked(routes: Iterable[BaseRoute], prefix: str) -> Iterator[tuple[str, set[str], Guard | None]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _walked(inner.routes, prefix)
            continue
        path = prefix + getattr(route, "path", "")
        # A mount hands every method on, and its app answers for them.
        methods = {SOCKET} if isinstance(route, WebSocketRoute) else set(getattr(route, "methods", None) or {"GET"}) - {"HEAD"}
        yield path, methods, _guard_of(route)


def _guard_of(route: BaseRoute) -> Guard | None:
    dependant = getattr(route, "dependant", None)
    calls = [dependency.call for dependency in dependant.dependencies] if dependant else []
    declared = [*calls, getattr(getattr(route, "endpoint", None), "guard", None), getattr(getattr(route, "app", None), "guard", None)]
    return next((one for one in declared if isinstance(one, Guard)), None)
