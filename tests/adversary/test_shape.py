"""The suite grows by itself: an action, a tool, an argument, a route or a column that no attack knows is told by name."""

from atlas.migrate import PERSONAL_MAP
from atlas.privacy.reads import columns
from atlas.privacy.rules import parsed_map, unmapped
from evals.adversary.arguments import GIVEN, TOOLS
from evals.adversary.attacks.all import ATTACKS
from evals.adversary.forged import FORGED
from evals.adversary.ingress import INGRESSES, NOT_THERE_YET, TextColumn, text_columns, unclassified
from evals.adversary.routes import unattacked
from forge.register import Register
from tests import given

# SECURITY.md, "The worst-case suite": each by the words in which it stands there.
LISTED = (
    "foreign ids and handles",
    "unknown and hostile arguments",
    "tools of others",
    "salami below the limit over sessions and agents",
    "split beneficiary",
    "propose then amend, amend between approve and execute",
    "replays",
    "parallel execute",
    "self-approval",
    "approval by agent, beneficiary and others",
    "approval by a pair",
    "resuming a thread directly",
    "tampered checkpoints and edited state",
    "stale preconditions",
    "overlapping audiences",
    "destination smuggling",
    "read-back into tickets",
    "exfiltration by link or argument",
    "poisoned memory",
    "poisoned facts",
    "injection through every text ingress",
    "lying rationale",
    "loops",
    "recursion",
    "token and cost bombs",
    "consent flips",
    "quiet-hours evasion",
    "a policy change disguised as configuration",
    "kill-switch evasion",
)


def test_every_attack_that_was_asked_for_is_made() -> None:
    assert set(LISTED) - {attack.name for attack in ATTACKS} == set()


def test_every_level_has_its_attacks() -> None:
    assert {level for attack in ATTACKS for level in attack.levels} == {0, 1, 2, 3, 4, 5}


def test_every_action_there_is_is_forged() -> None:
    actions = set(Register.of_modules().actions)

    assert actions ^ set(FORGED) == set(), "put it into evals/adversary/forged.py, with arguments that lie"


def test_every_argument_of_every_tool_is_known_to_the_attacker() -> None:
    asked = {
        f"{tool}({name})" for tools in TOOLS.values() for tool, about in tools.items() for name in about["properties"] if name not in GIVEN
    }

    assert asked == set(), "put it into evals/adversary/arguments.py"


def test_every_route_that_takes_words_is_attacked_somewhere() -> None:
    assert unattacked() == [], "put it into evals/adversary/routes.py"


async def test_every_column_of_text_is_an_ingress_or_said_to_be_ours(owner: given.Owner) -> None:
    unknown = unclassified(await text_columns(owner))

    assert unknown == [], "put it into evals/adversary/ingress.py: INGRESSES, or OURS with the reason"


def test_a_new_column_of_text_is_told() -> None:
    assert unclassified([TextColumn("helpdesk.voicemail", "transcript", "text")]) == ["helpdesk.voicemail.transcript"]


async def test_no_ingress_is_a_column_that_is_gone(owner: given.Owner) -> None:
    there = {(one.place, one.name) for one in await text_columns(owner)}

    assert [(one.place, one.column) for one in INGRESSES if (one.place, one.column) not in there] == []


def test_there_are_at_least_as_many_ingresses_as_were_asked_for() -> None:
    assert len({(one.place, one.column) for one in INGRESSES}) >= 28, NOT_THERE_YET


async def test_whatever_can_hold_something_of_a_person_is_in_the_map_of_privacy(owner: given.Owner) -> None:
    assert unmapped(parsed_map(PERSONAL_MAP.read_text()), await columns(owner)) == [], "put it into atlas/privacy/map.yaml"
