"""What an agent may ask of money that comes in, debts that are chased, charges in dispute, and leaks. No answer is about anybody else."""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal

from atlas.billing.reads import dunning, leaks, money_in
from atlas.billing.reads.bills import balance
from atlas.billing.records.dunning import Dispute, WhySuspended
from atlas.billing.records.leaks import Leak, LeakTotal
from atlas.billing.records.money_in import MoneyParked, PaymentHeld, PaymentRequest, RefundNotMade
from atlas.billing.rules.dunning import checked_promise, possible_promise
from atlas.billing.rules.money_in import checked_counter_payment
from atlas.errors import NotFound
from atlas.identity import CustomerId
from atlas.money import Money
from atlas.principal import Assurance
from forge.actions.billing.dunning import CloseDispute, OpenDispute, TakePromiseToPay
from forge.actions.billing.late_fees import waiver
from forge.actions.billing.money_in import MatchPayment, RecordPayment, RecordRefundByHand, RefundPayment, RequestPaymentLink
from forge.leaks import correction
from forge.propose import Proposed
from governance.dunning import operators_ladder
from tools.turn import Turn, needs

NOT_SAID: Final = "the customer does not accept it"


@needs(Assurance.VERIFIED)
async def why_suspended(turn: Turn) -> WhySuspended:
    """Why the customer's line is slowed or cut off, what is overdue, what was sent before, and a promise that stands. Reads only."""
    return await dunning.why_suspended(turn.conn, turn.customer_id, turn.now.date())


async def why_suspended_of(turn: Turn, customer_id: CustomerId) -> WhySuspended:
    """Why this customer's line is slowed or cut off, what is overdue, what was sent before, and a promise that stands. For staff."""
    turn.for_staff_only()
    return await dunning.why_suspended(turn.conn, customer_id, turn.now.date())


@needs(Assurance.VERIFIED)
async def promise_to_pay(turn: Turn, due_on: date) -> Proposed:
    """Takes the customer's promise to pay all that is overdue by a day within two weeks; nobody chases the debt until then.

    One promise at a time; after several that were not kept a colleague has to agree. A line that is cut off stays so until the money came.
    """
    today = turn.now.date()
    made = await dunning.promises(turn.conn, turn.customer_id, today)
    overdue = (await balance(turn.conn, turn.customer_id, today)).overdue
    checked_promise(operators_ladder(), made, overdue, due_on, today)
    return await turn.propose(TakePromiseToPay(turn.customer_id, overdue, due_on), "the customer promises to pay by a day")


async def promise_to_pay_for(turn: Turn, customer_id: CustomerId, due_on: date) -> Proposed:
    """Takes this customer's promise to pay all that is overdue by a day within a month. For staff."""
    turn.for_staff_only()
    today = turn.now.date()
    overdue = (await balance(turn.conn, customer_id, today)).overdue
    possible_promise(await dunning.promises(turn.conn, customer_id, today), overdue, due_on, today)
    return await turn.propose(TakePromiseToPay(customer_id, overdue, due_on), "a member of staff takes a promise to pay")


@needs(Assurance.VERIFIED)
async def request_payment_link(turn: Turn) -> Proposed:
    """Asks for a page of the payment provider's on which the customer can pay all that they owe; my_payment_links then has its address."""
    action = await RequestPaymentLink.of(turn.conn, turn.customer_id, f"conversation:{turn.correlation_id}", turn.now)
    return await turn.propose(action, "the customer wishes to pay by card")


@needs(Assurance.VERIFIED)
async def my_payment_links(turn: Turn) -> list[PaymentRequest]:
    """The customer's last links to pay: how much, the address where it is there yet, and whether it was paid."""
    return await money_in.payment_requests(turn.conn, turn.customer_id)


@needs(Assurance.VERIFIED)
async def dispute_charge(turn: Turn, label: str) -> Proposed:
    """Puts one charge of the customer's bills in dispute, named as the bill names it; only its amount is not chased until it is settled."""
    action = await OpenDispute.of(turn.conn, turn.customer_id, label, NOT_SAID, turn.now)
    return await turn.propose(action, "the customer does not accept a charge")


async def dispute_charge_of(turn: Turn, customer_id: CustomerId, label: str, reason: str) -> Proposed:
    """Puts one charge of this customer's bills in dispute, with the reason they gave. For staff."""
    turn.for_staff_only()
    return await turn.propose(await OpenDispute.of(turn.conn, customer_id, label, reason, turn.now), "a member of staff takes a dispute")


async def disputes_of(turn: Turn, customer_id: CustomerId) -> list[Dispute]:
    """This customer's disputes, the latest first: the charge, how much, why, and how it ended. For staff."""
    turn.for_staff_only()
    return await dunning.disputes_of(turn.conn, customer_id)


async def close_dispute(turn: Turn, dispute_id: int, outcome: str) -> Proposed:
    """Ends a dispute: `upheld`, and a credit note is to follow, or `rejected`, and the charge is chased again. For staff."""
    turn.for_staff_only()
    return await turn.propose(await CloseDispute.of(turn.conn, dispute_id, outcome), "a member of staff settles a dispute")


async def payments_of(turn: Turn, customer_id: CustomerId) -> list[PaymentHeld]:
    """This customer's last ten payments, and what of each no debt has used: only that can be given back. For staff."""
    turn.for_staff_only()
    return await money_in.payments_held(turn.conn, customer_id)


async def refund_payment(turn: Turn, customer_id: CustomerId, to_give_back: Money) -> Proposed:
    """Asks that so much of this customer's latest payment be given back. For staff. Refused beyond what no debt has used of it."""
    turn.for_staff_only()
    held = await money_in.payments_held(turn.conn, customer_id)
    if not held:
        raise NotFound("payment of customer", customer_id)
    action = await RefundPayment.of(turn.conn, customer_id, held[0].reference, to_give_back, "asked for by a member of staff")
    return await turn.propose(action, "a member of staff gives unused money back")


async def record_payment(
    turn: Turn,
    customer_id: CustomerId,
    amount: Money,
    method: Literal["cheque", "cash", "bank_transfer"],
    number: str,
    received_on: date | None = None,
) -> Proposed:
    """Keeps money of this customer's that came in by no provider. For staff. `method`: cheque, cash or bank_transfer.

    `number` is what stands on it, the cheque's or the transfer's: the same one again is the same money. Received today if no day is said.
    """
    turn.for_staff_only()
    today = turn.now.date()
    checked_counter_payment(amount, method, number, received_on or today, today)
    action = RecordPayment(customer_id, amount, method, number.strip(), received_on or today)
    return await turn.propose(action, "a member of staff received it")


async def refunds_not_made(turn: Turn) -> list[RefundNotMade]:
    """Refunds that the provider refused for good, and why: the customer has no money yet, and somebody must transfer it. For staff."""
    turn.for_staff_only()
    return await money_in.refunds_not_made(turn.conn)


async def record_refund_by_hand(turn: Turn, refund_id: int, number: str, paid_on: date | None = None) -> Proposed:
    """Keeps that a refund which the provider refused was transferred by hand. For staff. `number` is what the transfer is found by.

    `refund_id` as refunds_not_made names it. Today if no day is said.
    """
    turn.for_staff_only()
    order = await RecordRefundByHand.of(turn.conn, refund_id, number, paid_on or turn.now.date(), turn.now)
    return await turn.propose(order, "a member of staff transferred it")


async def waive_late_fee(turn: Turn, customer_id: CustomerId, bill_id: int, reason: str) -> Proposed:
    """Takes back the late fee charged for this customer's bill, named by its number, with the reason. For staff.

    Before it is billed it goes as if it had never been; after that a credit note gives it back.
    """
    turn.for_staff_only()
    return await turn.propose(await waiver(turn.conn, customer_id, bill_id, reason), "a member of staff waives a late fee")


async def money_parked(turn: Turn) -> list[MoneyParked]:
    """Money that a person has to look at: a wrong amount or currency, nobody named, or an event without its payment. For staff."""
    turn.for_staff_only()
    return await money_in.money_parked(turn.conn)


async def match_payment(turn: Turn, customer_id: CustomerId, reference: str, reason: str) -> Proposed:
    """Says whose a payment in suspense is, by its reference, and how that is known. For staff."""
    turn.for_staff_only()
    parked = next((one for one in await money_in.money_parked(turn.conn) if one.reference == reference and one.is_in_suspense), None)
    if parked is None:
        raise NotFound("payment in suspense", reference)
    return await turn.propose(MatchPayment(customer_id, reference, parked.amount, reason), "a member of staff knows whose money it is")


async def leak_totals(turn: Turn) -> Sequence[LeakTotal]:
    """How many leaks of each kind stand between billing, provisioning, sessions and inventory, and what they cost a month. For staff."""
    turn.for_staff_only()
    return await leaks.leak_totals(turn.conn)


async def show_leaks(turn: Turn) -> Sequence[Leak]:
    """The twenty dearest leaks: whose line, what does not agree, since when, and what it costs a month. For staff."""
    turn.for_staff_only()
    return await leaks.leaks(turn.conn, most=20)


async def fix_leak(turn: Turn, leak_id: int) -> Proposed:
    """Asks for what would put this leak right: charge the line, set its speed, renew its session, free what it holds, call. For staff."""
    turn.for_staff_only()
    leak = await leaks.leak(turn.conn, leak_id)
    return await turn.propose(await correction(turn.conn, leak, turn.now), f"leak {leak_id}: {leak.kind.value.replace('_', ' ')}")
