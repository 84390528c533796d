"""The OpenAPI document is the truth: whatever is asked of an operation, by whomever, breaks nothing and is answered as written."""

from evals.openapi.callers import callers
from evals.openapi.campaign import judged
from tests import given
from tests.web.browsing import Site, hired

# A handful of each; `bedrock eval api` makes thousands.
EACH = 2


async def test_whatever_is_asked_nothing_breaks_and_every_answer_is_as_the_document_says(here: Site, owner: given.Owner) -> None:
    await hired(owner, "Omar Reyes", "operations_director", "noc_lead")
    await given.customer(owner)
    await given.action(owner)

    found = await judged(here.app, here.atlas, await callers(here.atlas, here.room), EACH, number=1)

    assert found.failures == []
    assert len(found.operations) > 35
