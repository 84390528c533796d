"""What this build is made of is said whole, and each package by the very files that may be installed."""

import re

import pytest

from api.bill_of_materials import ROOT, bill_of_materials, locked, of_this_build

LOCK = """\
wheel-one==1.2.3 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
Other.Two[extra]==4 ; sys_platform == 'win32' \\
    --hash=sha256:{c}
""".format(a="a" * 64, b="b" * 64, c="c" * 64)
PROJECT = {"name": "bedrock-isp", "version": "0.1.0", "dependencies": ["wheel_one>=1"]}


def test_every_package_of_the_lock_is_in_the_bill_with_its_hashes() -> None:
    bill = of_this_build()

    pinned = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert [each["name"] for each in bill["components"]] == sorted(pinned, key=lambda name: re.sub(r"[-_.]+", "-", name).lower())
    assert all(each["hashes"] for each in bill["components"])


def test_a_package_is_named_as_scanners_look_it_up() -> None:
    one, two = sorted(bill_of_materials(LOCK, PROJECT)["components"], key=lambda each: str(each["name"]), reverse=True)

    assert (one["purl"], [each["content"] for each in one["hashes"]]) == ("pkg:pypi/wheel-one@1.2.3", ["a" * 64, "b" * 64])
    assert (two["purl"], two["properties"][0]["value"]) == ("pkg:pypi/other-two@4", "sys_platform == 'win32'")


def test_what_the_project_itself_asks_for_hangs_from_it() -> None:
    assert bill_of_materials(LOCK, PROJECT)["dependencies"] == [
        {"ref": "pkg:pypi/bedrock-isp@0.1.0", "dependsOn": ["pkg:pypi/wheel-one@1.2.3"]}
    ]


def test_the_same_lock_gives_the_same_bill_and_another_lock_another() -> None:
    assert bill_of_materials(LOCK, PROJECT) == bill_of_materials(LOCK, PROJECT)
    assert bill_of_materials(LOCK, PROJECT)["serialNumber"] != bill_of_materials(LOCK.replace("1.2.3", "1.2.4"), PROJECT)["serialNumber"]


@pytest.mark.parametrize("line", ["wheel-one==1.2.3", "wheel-one>=1 --hash=sha256:" + "a" * 64, "https://example.com/wheel.whl"])
def test_a_package_that_is_not_pinned_by_its_hash_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a package pinned with its hash"):
        list(locked(line))
