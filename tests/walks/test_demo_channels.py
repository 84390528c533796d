"""What the demo of the channels reads off the wire, as whoever watches it sees it."""

from evals.inbound.demo import ASKS_FOR_CODE, CODE, Kept, Talk, as_read, is_needless, table_of

DRAWN = """<li class="theirs" id="m7"><p class="words">Maya said &#34;less &amp; less&#34;
- one</p>
<div class="cards"><a class="tile glance" href="/customers/7"><span><b>Maya  Thompson</b></span><span>owes  0</span></a></div></li>"""


def test_an_answer_of_the_console_is_read_as_words_with_a_line_for_each_card() -> None:
    assert as_read(DRAWN) == 'Maya said "less & less"\n- one\n▸ Maya Thompson owes 0'


def test_a_channel_of_which_atlas_has_nothing_stands_in_the_table_with_nothing() -> None:
    table = table_of([Talk("sms", [0.25, 0.75]), Talk("voice", [0.1])], [Kept("sms", 2, 2, 1, 2, 0)])

    columns = [list(column.cells) for column in table.columns]

    assert columns[0] == ["sms", "voice"]
    assert columns[2] == ["500 ms", "100 ms"]
    assert columns[5] == ["2 of 2", "0 of 0"]


def test_whoever_is_known_already_asks_for_no_code() -> None:
    verify, sent = (
        "Before I speak of that I must be sure that it is you. Write CODE.",
        "I have sent six digits to another address of yours.",
    )

    assert not is_needless(ASKS_FOR_CODE, verify)
    assert not is_needless(CODE, sent)
    assert is_needless(ASKS_FOR_CODE, "Your line itself is well.")
    assert is_needless(CODE, "Your line itself is well.")
