"""One type per identifier, so that an invoice is never handed over as a customer."""

from typing import NewType
from uuid import UUID

# Parties and what they hold
CustomerId = NewType("CustomerId", int)
SubscriberId = NewType("SubscriberId", int)
ContactId = NewType("ContactId", int)
PremiseId = NewType("PremiseId", int)
AreaId = NewType("AreaId", int)
OfferingVersionId = NewType("OfferingVersionId", int)
OrderId = NewType("OrderId", int)
QuoteId = NewType("QuoteId", int)

# Money
AccountId = NewType("AccountId", int)
InvoiceId = NewType("InvoiceId", int)
CreditId = NewType("CreditId", int)
ChargeId = NewType("ChargeId", int)

# The network
DeviceId = NewType("DeviceId", int)
ConfigId = NewType("ConfigId", int)
LinkId = NewType("LinkId", int)
AlarmId = NewType("AlarmId", int)

# Work
IncidentId = NewType("IncidentId", int)
JobId = NewType("JobId", int)
ConversationId = NewType("ConversationId", int)
NoticeId = NewType("NoticeId", int)
StaffId = NewType("StaffId", int)

# What was asked of Forge, and the thread that everything caused by one event shares
ActionId = NewType("ActionId", int)
CorrelationId = NewType("CorrelationId", UUID)
