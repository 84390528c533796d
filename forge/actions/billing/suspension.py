"""Cutting off for debt."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.billing.reads.debts import overdue_invoices, overdue_invoices_of
from atlas.billing.reads.dunning import told_to_be_cut_off
from atlas.billing.records.debts import Debt
from atlas.billing.rules.amounts import total
from atlas.billing.rules.debts import PaymentArrived, ProtectedFromDisconnection, debts_of, is_due_for_suspension, is_protected
from atlas.billing.rules.dunning import NotTold
from atlas.crm.writes import suspend_subscribers
from atlas.identity import CustomerId
from atlas.money import ZERO
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from forge.sessions import order_disconnects
from governance.facts import Facts


@dataclass(frozen=True)
class SuspendForNonPayment(Action):
    """Cut off customers for debts that were asked for and not paid."""

    name: ClassVar[str] = "suspend_for_non_payment"

    debts: tuple[Debt, ...]

    @classmethod
    async def due(cls, conn: Connection, now: datetime) -> Self:
        """Everybody whose debt is old and large enough, whom nothing protects and who was told; `debts` is empty where there is nobody."""
        debts = [debt for debt in debts_of(await overdue_invoices(conn, now.date())) if is_due_for_suspension(debt, now.date())]
        told = await told_to_be_cut_off(conn, now.date(), [debt.customer_id for debt in debts])
        return cls(tuple(debt for debt in debts if debt.customer_id in told and not is_protected(debt)))

    @property
    def operation_key(self) -> str:
        # Until the oldest debt is paid it is one and the same cutting off.
        return f"{self.name}:{short(f'{debt.customer_id}@{debt.oldest_due_on}' for debt in self.debts)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(debt.customer_id for debt in self.debts)

    def facts(self) -> Facts:
        return Facts(
            self.name,
            money=total(debt.owed for debt in self.debts),
            money_each=max((debt.owed for debt in self.debts), default=ZERO),
            customers=len(self.debts),
            is_disconnection=True,
            touches_vulnerable=any(debt.is_vulnerable for debt in self.debts),
            touches_emergency_line=any(debt.has_emergency_line for debt in self.debts),
            is_disputed=any(debt.is_disputed for debt in self.debts),
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        """Whoever paid, or pays late but not yet late enough, or was not told for this very debt, is no longer among them."""
        owing = debts_of(await overdue_invoices_of(conn, self.touched_customers, now.date()))
        told = await told_to_be_cut_off(conn, now.date(), self.touched_customers)
        still = (debt for debt in owing if debt.customer_id in told and is_due_for_suspension(debt, now.date()))
        return replace(self, debts=tuple(still))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PaymentArrived, ProtectedFromDisconnection or NotTold, and then nobody is cut off."""
        stopped = await suspend_subscribers(conn, self.touched_customers)
        # Asked again behind the locks of the lines: a payment that came in since the approval counts.
        present = {debt.customer_id: debt for debt in debts_of(await overdue_invoices_of(conn, self.touched_customers, now.date()))}
        told = await told_to_be_cut_off(conn, now.date(), self.touched_customers)
        for debt in self.debts:
            still = present.get(debt.customer_id)
            if still is None or not is_due_for_suspension(still, now.date()):
                raise PaymentArrived(debt.customer_id, still.owed if still else ZERO)
            if is_protected(still):
                raise ProtectedFromDisconnection(debt.customer_id)
            if debt.customer_id not in told:
                raise NotTold(debt.customer_id)
        await order_disconnects(conn, stopped, self.operation_key)
        return {"customers": len(self.debts), "lines_suspended": len(stopped), "owed": str(total(debt.owed for debt in self.debts))}


ACTIONS: tuple[type[Action], ...] = (SuspendForNonPayment,)
