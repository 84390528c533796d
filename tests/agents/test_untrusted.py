from agents.untrusted import harmless, readable, without_codes


def test_text_is_read_without_what_hides_or_reorders_it() -> None:
    assert readable("pay \u202enow\u202c\u200b \x07please") == "pay now please"


def test_letters_that_only_look_different_are_the_same() -> None:
    assert readable("ｒｅｆｕｎｄ") == "refund"


def test_a_paste_of_ten_thousand_characters_is_read_as_its_beginning() -> None:
    assert len(readable("word " * 2000)) <= 2000


def test_hindi_keeps_its_joined_letters() -> None:
    assert readable("क्या मेरे इलाके में") == "क्या मेरे इलाके में"


def test_a_device_name_is_capped_inside_a_tools_answer() -> None:
    answer = harmless({"devices": [{"name": "x" * 5000}]})

    assert len(answer["devices"][0]["name"]) == 600


def test_a_one_time_code_never_reaches_a_model() -> None:
    assert "482913" not in without_codes("my code is 482913")


def test_an_amount_is_no_code() -> None:
    assert without_codes("I paid 4820 pounds") == "I paid 4820 pounds"
