"""The glass: cables, their coloured strands, what is spliced to what, and which lines the light of a strand reaches."""

from dataclasses import dataclass
from datetime import datetime

from atlas.identity import CustomerId, SubscriberId


@dataclass(frozen=True)
class Cable:
    """A cable as it lies between two places. Strands count from 1 through its tubes."""

    name: str
    kind: str
    from_site: str
    to_site: str
    tubes: int
    strands_per_tube: int
    conduit: str | None = None
    length_m: int | None = None

    @property
    def strands(self) -> int:
        return self.tubes * self.strands_per_tube


@dataclass(frozen=True)
class CableInUse(Cable):
    """A cable, and how many of its strands are spliced at one end at least."""

    spliced: int = 0


@dataclass(frozen=True)
class PlannedCable(Cable):
    """A cable out of a file. Where the place at its far end is new: the area it lies in, and where."""

    to_area: str | None = None
    to_latitude: float | None = None
    to_longitude: float | None = None


@dataclass(frozen=True)
class SpliceEnd:
    """One of the two that a splice joins: a strand at an end of its cable (`from` or `to`), or a port of a device."""

    cable: str | None = None
    strand: int | None = None
    cable_end: str | None = None
    device: str | None = None
    port: str | None = None

    def __str__(self) -> str:
        """As people write it: `F-01/3@to`, or `spl-01#leg 7`."""
        return f"{self.cable}/{self.strand}@{self.cable_end}" if self.cable else f"{self.device}#{self.port}"


@dataclass(frozen=True)
class Splice:
    """A splice as it is, or was until `removed_at`."""

    splice_id: int
    one: str
    other: str
    made_at: datetime
    removed_at: datetime | None
    by: str


@dataclass(frozen=True)
class Met:
    """A strand or a device that light meets, as Atlas tells it; `entered`: at which end or port."""

    splice_id: int
    cable: str | None
    strand: int | None
    strands_per_tube: int | None
    length_m: int | None
    device: str | None
    kind: str
    entered: str


@dataclass(frozen=True)
class Glass:
    """One stretch of a way: a strand with its colours (`tube` and `strand` are numbers), or a device with the port that is entered.

    `kind`: strand, drop, or what the device is; `splice_id`: the splice by which it was reached from the splitter.
    """

    kind: str
    name: str
    tube: int | None = None
    tube_colour: str = ""
    strand: int | None = None
    colour: str = ""
    port: str = ""
    length_m: int | None = None
    splice_id: int | None = None


@dataclass(frozen=True)
class LineEnd:
    """Where a line ends on glass: its splitter and leg, the OLT that speaks for it, and the box."""

    subscriber_id: SubscriberId
    splitter: str
    kind: str
    leg: int | None
    olt: str
    managed_object: str
    ont: str
    drop_m: int | None


@dataclass(frozen=True)
class FibreWay:
    """The way of one line from the port of its OLT to its ONT, stretch by stretch, as the splices say.

    `is_whole` is false where a splice is not on record: then the way begins at the last strand that is known.
    """

    line: SubscriberId
    olt: str
    olt_port: str
    ont: str
    is_whole: bool
    way: tuple[Glass, ...]


@dataclass(frozen=True)
class StrandEnds:
    """What the two ends of one strand are spliced to, as people write it; None where the end is free."""

    strand: int
    at_from: str | None
    at_to: str | None


@dataclass(frozen=True)
class Strand:
    """One strand of a cable: its colours, what its ends are spliced to (empty: free), and how many live lines its light reaches."""

    strand: int
    tube: int
    tube_colour: str
    colour: str
    at_from: str
    at_to: str
    lines: int


@dataclass(frozen=True)
class LineLit:
    """A live line that the light of a strand reaches."""

    strand: int
    subscriber_id: SubscriberId
    customer_id: CustomerId
    splitter: str
    leg: int | None
    ont: str
    address: str
    is_vulnerable: bool
    has_emergency_line: bool
    is_business: bool
