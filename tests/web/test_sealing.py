"""What Atlas keeps without being able to read it."""

import pytest

from forge.sign_in.sealing import SealBroken, opened, seal

SECRET, ANOTHER = b"s" * 32, b"t" * 32


def test_what_was_sealed_is_opened_by_the_same_house_for_the_same_purpose() -> None:
    assert opened(SECRET, "passkey", seal(SECRET, "passkey", b"challenge")) == b"challenge"


def test_what_was_sealed_for_one_purpose_opens_for_no_other() -> None:
    with pytest.raises(SealBroken):
        opened(SECRET, "authenticator app", seal(SECRET, "passkey", b"challenge"))


def test_another_house_opens_nothing() -> None:
    with pytest.raises(SealBroken):
        opened(ANOTHER, "passkey", seal(SECRET, "passkey", b"challenge"))


@pytest.mark.parametrize("place", range(0, 37, 4))
def test_a_changed_octet_is_noticed(place: int) -> None:
    sealed = bytearray(seal(SECRET, "passkey", b"challenge"))
    sealed[place] ^= 1

    with pytest.raises(SealBroken):
        opened(SECRET, "passkey", bytes(sealed))


def test_the_same_sealed_twice_looks_different() -> None:
    assert seal(SECRET, "passkey", b"challenge") != seal(SECRET, "passkey", b"challenge")
