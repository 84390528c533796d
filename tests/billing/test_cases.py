"""The cases of two other billing systems, billed by ours: what is supported is exact, what is not is refused by name."""

import pytest

from evals.benchmarks.billing_cases import DATA, all_judged
from tests.given import Owner

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="shared/data/billing is not there: none of its cases is billed")


async def test_every_case_that_is_supported_is_exact_to_the_cent_and_nine_in_ten_are(owner: Owner) -> None:
    judged = await all_judged(owner)

    supported = [one for one in judged if not one.refused]
    assert [one for one in supported if not one.is_right] == []
    assert len(supported) >= 0.9 * len(judged)
    assert {one.id for one in judged if one.refused} == {"kb-tree-05", "kb-e2e-05", "kb-e2e-18", "lg-07", "lg-13", "lg-use-01"}
