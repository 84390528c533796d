"""On the approval: amending, replaying, approving oneself, resuming a graph's thread, tampering with what is remembered."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any, Final

from langgraph.types import Command

from atlas.billing.records.compensation import CreditKind
from atlas.identity import ActionId, DeviceId, IncidentId
from atlas.principal import Principal, Role, executor
from evals.adversary.acting import Acting
from evals.adversary.attacks.attack import Attack
from evals.adversary.knowledge import as_customer
from forge.actions.billing.compensation import IssueCredits
from forge.actions.cmdb.plant import RestartDevice
from forge.graph import GRAPH, advance, open_bookmarks, saver, thread_of
from forge.propose import Proposed

OVER_LIMIT: Final = ("credits", "restart")
THEIR_OWN: Final = (
    (Role.BILLING_LEAD, "credits"),
    (Role.NOC_LEAD, "restart"),
    (Role.NOC_ENGINEER, "restart"),
    (Role.OPERATIONS_DIRECTOR, ""),
)


async def large(acting: Acting, by: Principal, what: str = "") -> Proposed | None:
    """Something that waits for a person: credits for every business, or the restart of what many hang from."""
    what = what or acting.rng.choice(OVER_LIMIT)
    async with acting.scene.atlas.transaction(by) as conn:
        now = acting.scene.forge.now() + timedelta(minutes=10 * acting.rng.randrange(1000))
        if what == "credits":
            action = await IssueCredits.due_for(conn, IncidentId(1), CreditKind.GOODWILL, acting.scene.forge.now())
            return await acting.propose(by, action) if action.credits else None
        device = acting.knows.devices[acting.rng.choice(["olt-1", "olt-2", "agg-1", "metro-1"])]
        restart = await RestartDevice.of_device(conn, DeviceId(device), now)
    return await acting.propose(by, restart)


async def self_approval(acting: Acting) -> None:
    """Whoever asks approves, in every role they can claim; most of them hold the very role that is asked for."""
    role, what = acting.rng.choice(THEIR_OWN)
    who = acting.knows.staff(role)
    proposed = await large(acting, who, what)
    if proposed is None:
        return
    everything = Principal(who.zone, who.name, staff_id=who.staff_id, roles=frozenset(Role), assurance=who.assurance)
    for _ in range(2):
        await acting.approve(everything, proposed.action_id)
        await acting.carry_out(proposed.action_id)


async def approval_by_others(acting: Acting) -> None:
    """Approval by an agent, by a customer who gains, by parts of the system, and by colleagues of the wrong role."""
    proposed = await large(acting, acting.knows.staff(Role.CUSTOMER_CARE))
    if proposed is None:
        return
    wrong = [
        as_customer(21),
        as_customer(1),
        executor("billing"),
        acting.knows.staff(Role.AUDITOR),
        acting.knows.staff(Role.CUSTOMER_CARE, 0),
    ]
    digest = next((digest for number, digest, _ in await acting.waiting() if number == proposed.action_id), b"")
    for who in acting.rng.sample(wrong, 3):
        await acting.approve(who, proposed.action_id)
        await acting.sql(who, "SELECT actions.rule(%s, true, %s, 'yes')", proposed.action_id, digest)
    await acting.carry_out(proposed.action_id)


async def a_pair(acting: Acting) -> None:
    """Two who approve for each other: each rules on what the other asked, in roles that only one of them holds."""
    one, other = acting.knows.staff(Role.BILLING_LEAD), acting.knows.staff(Role.OPERATIONS_DIRECTOR)
    for asks, rules in ((one, other), (other, one)):
        proposed = await large(acting, asks, "restart")
        if proposed is not None:
            await acting.approve(rules, proposed.action_id)
            await acting.carry_out(proposed.action_id)


async def propose_then_amend(acting: Acting) -> None:
    """The row is rewritten after it was judged, and after it was approved."""
    by, helen = acting.knows.staff(Role.CUSTOMER_CARE), acting.knows.staff(Role.BILLING_LEAD)
    proposed = await large(acting, by)
    if proposed is None:
        return
    amend = (
        "UPDATE actions.action SET arguments = jsonb_set(arguments, '{customers}', '1') WHERE id = %s",
        "UPDATE actions.action SET facts = jsonb_set(facts, '{money}', '\"1.00\"') WHERE id = %s",
        "UPDATE actions.action SET state = 'approved', execute_by = now() + interval '1 day' WHERE id = %s",
        "UPDATE actions.action SET approver_roles = '{customer_care}', approvals_needed = 0 WHERE id = %s",
        "UPDATE actions.action SET proposer = 'system:cortex' WHERE id = %s",
    )
    statement = amend[acting.mutation % len(amend)]
    who = executor("forge") if acting.level >= 5 else by
    await acting.sql(who, statement, proposed.action_id)
    if acting.mutation >= len(amend):
        await acting.approve(helen, proposed.action_id)
        await acting.sql(who, statement, proposed.action_id)
    await acting.carry_out(proposed.action_id)


async def stale_card(acting: Acting) -> None:
    """A digest of another card, of an older one, or none."""
    by, lead = acting.knows.staff(Role.CUSTOMER_CARE), acting.knows.staff(Role.NOC_LEAD)
    first, second = await large(acting, by, "restart"), await large(acting, by, "restart")
    if first is None or second is None:
        return
    digests = {number: digest.hex() for number, digest, _ in await acting.waiting()}
    wrong = [digests.get(second.action_id, ""), "00" * 32, "", "zz", digests.get(first.action_id, "")[:-2]][acting.mutation % 5]
    await acting.approve(lead, first.action_id, wrong or "-")
    await acting.carry_out(first.action_id)


async def stale_preconditions(acting: Acting) -> None:
    """What was true when somebody approved is not true when it is carried out: an old sign-in, none at all, time that is over."""
    what = acting.rng.choice(OVER_LIMIT)
    lead = acting.knows.staff(Role.BILLING_LEAD if what == "credits" else Role.NOC_LEAD)
    proposed = await large(acting, acting.knows.staff(Role.CUSTOMER_CARE), what)
    if proposed is None:
        return
    await acting.approve(lead, proposed.action_id, kind="old" if acting.mutation % 2 else "none")
    if acting.mutation % 3:
        late = "UPDATE actions.action SET approve_by = now() - interval '1 s' WHERE id = %s AND state = 'waiting'"
        await acting.scene.owner.execute(late.encode(), (proposed.action_id,))
        await acting.approve(lead, proposed.action_id)
    await acting.carry_out(proposed.action_id)


async def replays(acting: Acting) -> None:
    """What was executed, expired, denied, or is another's, carried out again."""
    lead = acting.knows.staff(Role.NOC_LEAD)
    proposed = await large(acting, acting.knows.staff(Role.CUSTOMER_CARE), "restart")
    if proposed is None:
        return
    await acting.approve(lead, proposed.action_id)
    await asyncio.gather(*(acting.carry_out(proposed.action_id) for _ in range(3)))
    found = await acting.scene.owner.execute(
        "SELECT id, digest FROM actions.action WHERE state NOT IN ('proposed', 'waiting') ORDER BY id DESC LIMIT 8"
    )
    for number, digest in await found.fetchall():
        await acting.carry_out(number)
        await acting.sql(executor("forge"), "SELECT actions.claim(%s, %s)", number, digest)
        await acting.approve(lead, number)


async def resumed_threads(acting: Acting) -> None:
    """The action's LangGraph thread is resumed directly, with whatever answer suits the attacker."""
    proposed = await large(acting, acting.knows.staff(Role.CUSTOMER_CARE))
    if proposed is None:
        return
    async with open_bookmarks(acting.scene.atlas, most=2) as bookmarks:
        await advance(acting.scene.forge, bookmarks, proposed.action_id)
        graph, thread = GRAPH.compile(checkpointer=saver(bookmarks)), thread_of(bookmarks, proposed.action_id)
        where = await graph.aget_state(thread)
        answers = ["approved", "allowed", {"action_id": 1}, True, ["approved"]]
        for answer in acting.rng.sample(answers, 2):
            resumed: Command[Any] | None = Command(resume={asked.id: answer for asked in where.interrupts}) if where.interrupts else None
            with contextlib.suppress(Exception):
                await graph.ainvoke(resumed, thread, context=acting.scene.forge, durability="sync")
        with contextlib.suppress(Exception):
            await graph.aupdate_state(thread, {"state": "approved", "action_id": proposed.action_id}, as_node="await_approval")
            await graph.ainvoke(None, thread, context=acting.scene.forge, durability="sync")
        await advance(acting.scene.forge, bookmarks, proposed.action_id)


# What somebody typed: whoever reads the tables of a stolen disk or a backup finds it nowhere in them.
TYPED: Final = "My mother's maiden name is Quillfeather."
KEPT: Final = ("checkpoints.checkpoints", "checkpoints.checkpoint_blobs", "checkpoints.checkpoint_writes")


async def _read_in_the_clear(acting: Acting) -> None:
    word = TYPED.split()[-1].strip(".")
    for table in KEPT:
        statement = f"SELECT count(*) FROM {table} AS one WHERE position(%s IN one::text) > 0 OR position(%s IN one::text) > 0"  # noqa: S608
        found = await acting.scene.owner.execute(statement.encode(), (word, word.encode().hex()))
        if (await found.fetchone() or (0,))[0]:
            acting.evidence.complaints.append(f"what somebody typed stands in the clear in {table}")


async def tampered_checkpoints(acting: Acting) -> None:
    """The stored bookmarks and conversations are rewritten: bytes turned, another's put in, a class named that would be imported."""
    someone = as_customer(acting.rng.choice(range(1, 9)))
    await acting.turn(someone, f"How much do I owe? {TYPED}")
    await _read_in_the_clear(acting)
    proposed = await large(acting, acting.knows.staff(Role.CUSTOMER_CARE), "restart")
    async with open_bookmarks(acting.scene.atlas, most=2) as bookmarks:
        if proposed is not None:
            await advance(acting.scene.forge, bookmarks, proposed.action_id)
        tampering = (
            "UPDATE checkpoints.checkpoints SET checkpoint = jsonb_set(checkpoint, '{channel_values,state}', '\"approved\"')",
            "UPDATE checkpoints.checkpoint_blobs SET blob = decode('93c7', 'hex') || blob",
            "UPDATE checkpoints.checkpoint_writes SET blob = convert_to('approved', 'UTF8')",
            "UPDATE checkpoints.checkpoints SET thread_id = thread_id || 'x'",
            "UPDATE checkpoints.checkpoint_blobs SET type = 'pickle'",
        )
        await acting.sql(executor("forge"), tampering[acting.mutation % len(tampering)])
        if proposed is not None:
            with contextlib.suppress(Exception):
                await advance(acting.scene.forge, bookmarks, ActionId(proposed.action_id))
    with contextlib.suppress(Exception):
        await acting.turn(someone, "And now?")
    await acting.scene.owner.execute("TRUNCATE checkpoints.checkpoints, checkpoints.checkpoint_blobs, checkpoints.checkpoint_writes")


ATTACKS: Final = (
    Attack("self-approval", (3, 5), self_approval),
    Attack("approval by agent, beneficiary and others", (3, 4, 5), approval_by_others),
    Attack("approval by a pair", (3,), a_pair),
    Attack("propose then amend, amend between approve and execute", (4, 5), propose_then_amend),
    Attack("another card's digest", (3, 5), stale_card),
    Attack("stale preconditions", (3, 5), stale_preconditions),
    Attack("replays", (3, 5), replays),
    Attack("resuming a thread directly", (5,), resumed_threads),
    Attack("tampered checkpoints and edited state", (5,), tampered_checkpoints),
)
