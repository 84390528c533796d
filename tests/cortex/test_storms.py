import pytest

from cortex.correlate import correlate
from cortex.topology import Topology
from evals.benchmarks.storm import ALARMS, score, storm


@pytest.mark.parametrize("hard", [False, True])
def test_the_same_seed_gives_the_same_storm(hard: bool) -> None:
    assert storm(5, hard).alarms == storm(5, hard).alarms


def test_a_storm_has_10000_alarms_20_roots_and_one_in_twenty_is_noise() -> None:
    one = storm(7, hard=False)
    noise = [alarm for alarm, group in one.truth.groups.items() if group >= len(one.truth.roots)]

    assert (len(one.alarms), len(one.truth.roots), len(noise)) == (ALARMS, 20, ALARMS // 20)


def test_a_hard_storms_records_differ_from_the_plant() -> None:
    easy, hard = storm(7, hard=False), storm(7, hard=True)

    assert hard.network.link_id.size < easy.network.link_id.size


def test_all_20_roots_of_a_storm_are_named_and_its_alarms_grouped() -> None:
    one = storm(501, hard=False)

    result = score(one.truth, correlate(Topology.build(one.network, one.lines), one.alarms, now=one.now))

    assert result.found == 20
    assert result.f1 >= 0.99


def test_a_storm_over_wrong_records_is_still_grouped() -> None:
    one = storm(501, hard=True)

    result = score(one.truth, correlate(Topology.build(one.network, one.lines), one.alarms, now=one.now))

    assert result.f1 >= 0.92


def test_nothing_found_scores_nothing() -> None:
    one = storm(501, hard=False)

    assert score(one.truth, []).found == 0
    assert score(one.truth, []).f1 == 0.0
