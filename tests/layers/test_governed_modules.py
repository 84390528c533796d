"""What the escalation matrix that ships makes of the actions of catalogue, gis, crm, oms and billing: done at once, waiting, or refused."""

import uuid
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from atlas import principal
from atlas.actions.records import ActionState
from atlas.billing.records.compensation import Credit, CreditKind
from atlas.connection import Atlas
from atlas.crm.records import Channel, Consent, Purpose
from atlas.gis.records import Position
from atlas.identity import CorrelationId, CustomerId, PremiseId, StaffId, SubscriberId
from atlas.money import Money
from atlas.oms.reads import plan_changes
from atlas.principal import Principal, executor
from forge.action import Action
from forge.actions.billing.compensation import IssueCredits, RequestCredit
from forge.actions.billing.suspension import SuspendForNonPayment
from forge.actions.catalogue import RetireOffering
from forge.actions.crm.customers import RecordContactPreference
from forge.actions.gis import CorrectPremisePosition
from forge.actions.oms.plans import RequestPlanChange
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce, Proposed, propose
from forge.register import Register
from governance.matrix import load
from tests import given
from tests.billing.arranged import bill, compensation, customer_with_line, outage, told_from_when
from tests.given import NOW, Owner

SHIPPED = Path(__file__).parents[2] / "governance" / "matrix.yaml"


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def asked(forge: Forge, by: Principal, action: Action) -> Proposed:
    return await propose(forge, by, action, reason="a test", correlation_id=CorrelationId(uuid.uuid4()))


async def credits_for(forge: Forge, owner: Owner, flat_minor: int) -> tuple[CustomerId, IssueCredits]:
    """One customer behind an incident, and the credits due for it."""
    await compensation(owner, flat_minor=flat_minor)
    customer, line = await customer_with_line(owner)
    incident = await outage(owner, line)
    async with forge.atlas.transaction(executor("test")) as conn:
        return customer, await IssueCredits.due_for(conn, incident, CreditKind.GOODWILL, NOW)


async def credited(owner: Owner) -> int:
    found = await (await owner.execute("SELECT coalesce(sum(amount_minor), 0)::int FROM billing.credit")).fetchone()
    return int(found[0]) if found else 0


async def test_small_credits_behind_an_incident_are_given_at_once(forge: Forge, owner: Owner) -> None:
    _, action = await credits_for(forge, owner, flat_minor=500)

    proposed = await asked(forge, executor("outage"), action)

    assert (proposed.state, await credited(owner)) == (ActionState.DONE, 500)


async def test_a_large_credit_waits_for_a_billing_lead_and_nothing_is_given(forge: Forge, owner: Owner) -> None:
    _, action = await credits_for(forge, owner, flat_minor=2600)

    proposed = await asked(forge, executor("outage"), action)

    assert (proposed.state, proposed.approver_roles, await credited(owner)) == (ActionState.WAITING, ("billing_lead",), 0)


async def test_no_customer_begins_the_credits_of_an_incident(forge: Forge, owner: Owner) -> None:
    customer, action = await credits_for(forge, owner, flat_minor=500)

    proposed = await asked(forge, principal.customer(customer, principal.Assurance.VERIFIED), action)

    assert (proposed.state, await credited(owner)) == (ActionState.REFUSED, 0)


async def test_a_customer_who_asks_for_their_credit_has_it_at_once(forge: Forge, owner: Owner) -> None:
    customer, action = await credits_for(forge, owner, flat_minor=500)

    proposed = await asked(
        forge, principal.customer(customer, principal.Assurance.VERIFIED), RequestCredit(customer, action.cause, action.credits)
    )

    assert (proposed.state, await credited(owner)) == (ActionState.DONE, 500)


async def test_a_customer_who_names_an_amount_of_their_own_is_given_nothing(forge: Forge, owner: Owner) -> None:
    customer, action = await credits_for(forge, owner, flat_minor=500)
    more = tuple(Credit(customer, credit.subscriber_id, Money("24.00"), "because I say so") for credit in action.credits)

    await asked(forge, principal.customer(customer, principal.Assurance.VERIFIED), RequestCredit(customer, action.cause, more))

    assert await credited(owner) == 0


async def test_a_customer_cannot_be_credited_for_the_line_of_somebody_else(forge: Forge, owner: Owner) -> None:
    _, action = await credits_for(forge, owner, flat_minor=500)
    omar, _ = await customer_with_line(owner, "Omar Haddad")
    theirs = tuple(Credit(omar, SubscriberId(credit.subscriber_id), credit.amount, credit.formula) for credit in action.credits)

    await asked(forge, principal.customer(omar, principal.Assurance.VERIFIED), RequestCredit(omar, action.cause, theirs))

    assert await credited(owner) == 0


async def test_every_disconnection_waits_for_a_person(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(year=2025, day=1), {"Fibre 100": 3000})
    await told_from_when(owner, customer, date(2025, 3, 15))
    async with forge.atlas.transaction(executor("test")) as conn:
        action = await SuspendForNonPayment.due(conn, NOW)

    proposed = await asked(forge, executor("dunning"), action)

    assert (proposed.state, proposed.approver_roles) == (ActionState.WAITING, ("billing_lead",))


async def test_a_customer_who_says_stop_is_opted_out_at_once(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    stop = RecordContactPreference(customer, "message:1", consents=(Consent(Purpose.SERVICE, Channel.SMS, False),))

    proposed = await asked(forge, principal.customer(customer, principal.Assurance.VERIFIED), stop)

    said = await (await owner.execute("SELECT is_given FROM crm.consent")).fetchall()
    assert (proposed.state, said) == (ActionState.DONE, [(False,)])


async def wanted(forge: Forge, owner: Owner, monthly_minor: int) -> tuple[CustomerId, RequestPlanChange]:
    customer, _ = await customer_with_line(owner)
    await given.offering(owner, "fibre-900", monthly_minor)
    async with forge.atlas.transaction(executor("test")) as conn:
        (change,) = await plan_changes(conn, customer, "fibre-900", NOW.date())
    return customer, RequestPlanChange.of(change, NOW.date())


@pytest.mark.parametrize(("monthly_minor", "state"), [(4500, ActionState.DONE), (8100, ActionState.WAITING)])
async def test_a_plan_that_is_dearer_by_more_than_fifty_waits(forge: Forge, owner: Owner, monthly_minor: int, state: ActionState) -> None:
    customer, action = await wanted(forge, owner, monthly_minor)

    proposed = await asked(forge, principal.customer(customer, principal.Assurance.VERIFIED), action)

    assert proposed.state is state


async def test_the_same_plan_wished_twice_is_ordered_once(forge: Forge, owner: Owner) -> None:
    customer, action = await wanted(forge, owner, 4500)
    first = await asked(forge, principal.customer(customer, principal.Assurance.VERIFIED), action)

    second = await asked(forge, principal.customer(customer, principal.Assurance.VERIFIED), action)

    assert second.action_id == first.action_id


async def test_taking_an_offering_off_sale_waits_for_the_director(forge: Forge, owner: Owner) -> None:
    version = await given.offering(owner)
    found = await (await owner.execute("SELECT offering_id FROM catalogue.offering_version WHERE id = %s", (version,))).fetchone()
    assert found is not None

    proposed = await asked(forge, executor("test"), RetireOffering(found[0], "fibre-100", 0))

    assert (proposed.state, proposed.approver_roles) == (ActionState.WAITING, ("operations_director",))


async def test_a_member_of_staff_corrects_one_position_at_once(forge: Forge, owner: Owner) -> None:
    await customer_with_line(owner)
    found = await (await owner.execute("SELECT id FROM gis.premise")).fetchone()
    assert found is not None
    finn = principal.staff(StaffId(await given.member(owner, "Finn Field", "field_engineer")), "Finn Field", frozenset())
    action = CorrectPremisePosition(PremiseId(found[0]), Position(50.7, -3.5), Position(50.701, -3.5), 1)

    proposed = await asked(forge, finn, action)

    assert proposed.state is ActionState.DONE
