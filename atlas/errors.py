"""The few errors that every module shares. Each module adds its own beside its rules, named for what happened."""


class AtlasError(Exception):
    """Something that can happen, said plainly: the message names the thing and the field, and is safe to show."""


class NotFound(AtlasError):
    """Nothing with this id that the caller may see."""

    def __init__(self, kind: str, identifier: object) -> None:
        super().__init__(f"there is no {kind} {identifier} that you may see")
        self.kind = kind
        self.identifier = identifier


class InvalidField(AtlasError):
    """A value that cannot be taken, with the field it stood in."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Conflict(AtlasError):
    """Someone else changed it first; nothing of this change was kept."""


class NotPermitted(AtlasError):
    """The principal may not do this."""
