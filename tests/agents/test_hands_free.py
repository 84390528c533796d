"""An engineer calls with both hands full: known by number and PIN, they hear the next step, say what the meter shows, and close the job."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.checkpoints import KeptInAtlas
from agents.consultation import Consultants
from agents.hands_free import number_in, order
from agents.language import language_of
from agents.router import Router
from api.answering import answer_conversation
from api.bootstrap import House
from api.chat import Desk
from api.commands.engineers import checked_pin
from api.settings import Settings
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.field_service.rules import JobNotOpen, checked_reading, next_step
from atlas.helpdesk.rules import code_key, pin_mac
from atlas.identity import ConversationId, JobId, StaffId
from cortex.pictures import WarmTopology
from evals.inbound.telephone import Line
from forge.actions.field_service import GiveHandsFree, RecordReading
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance import matrix
from tests import carried, given
from tests.agents.conftest import LONDON, NOW, on
from tests.doors.hooking import one
from tests.doors.test_voice import MAYA as PHONE
from tests.doors.test_voice import exchange, heard_of
from tests.given import Owner

PIN = "271828"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("minus twenty one point five dBm", "-21.5"),
        ("-21.5 dBm", "-21.5"),
        ("reading minus 21 point 5", "-21.5"),
        ("negative two one point zero five", "-21.05"),
        ("twenty-one point five", "21.5"),
        ("one hundred and twenty metres", "120"),
        ("2 thousand 300 meters", "2300"),
        ("splice loss zero point oh five", "0.05"),
        ("minus 19,5", "-19.5"),
        ("nine hundred forty megabits", "940"),
        ("potencia menos diecinueve coma cinco", "-19.5"),
        ("menos veintiuno punto cinco", "-21.5"),
        ("treinta y cuatro metros", "34"),
        ("Empfangspegel minus einundzwanzig Komma fünf", "-21.5"),
        ("hundert zwanzig Meter", "120"),
        ("puissance moins dix-neuf virgule cinq", "-19.5"),
        ("moins vingt-trois virgule zéro cinq", "-23.05"),
        ("प्राप्त पावर माइनस उन्नीस दशमलव पाँच", "-19.5"),
        ("पावर -21,5", "-21.5"),
    ],
)
def test_numbers_are_heard_in_words_and_in_figures(said: str, number: str) -> None:
    assert number_in(said) == Decimal(number)


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        *((said, "my_next_step") for said in ("siguiente", "weiter", "suivant", "आगे", "sí", "ja", "oui", "हाँ")),
        *((said, "port_of_my_job") for said in ("qué puerto", "welcher Port", "quel port", "कौन सा पोर्ट")),
        *(
            (said, "record_reading")
            for said in (
                "potencia recibida menos diecinueve coma cinco",
                "Empfangspegel minus neunzehn Komma fünf",
                "puissance reçue moins dix-neuf virgule cinq",
                "प्राप्त पावर माइनस 19.5",
            )
        ),
        *(
            (said, "close_my_job")
            for said in (
                "cerrar el trabajo, conector sucio",
                "Auftrag abschließen, Stecker verschmutzt",
                "clore l'intervention, connecteur sale",
                "काम बंद करो, कनेक्टर गंदा था",
            )
        ),
    ],
)
def test_each_order_is_heard_in_each_language(said: str, tool: str) -> None:
    assert order(said, None).tool == tool


@pytest.mark.parametrize(("said", "language"), [("siguiente", "es"), ("weiter", "de"), ("suivant", "fr"), ("आगे", "hi"), ("next", "en")])
def test_one_word_is_enough_to_be_answered_in_its_language(said: str, language: str) -> None:
    assert language_of(said) == language


@pytest.mark.parametrize("said", ["one at 5 and then 7 dBm", "minus 21-5", "twenty thirty dBm", "minus minus 5", "no number at all", ""])
def test_what_could_be_two_numbers_is_none(said: str) -> None:
    assert number_in(said) is None


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("next", "my_next_step"),
        ("What's next?", "my_next_step"),
        ("which port is it on", "port_of_my_job"),
        ("close the job, the connector was dirty", "close_my_job"),
        ("received power minus nineteen point five", "record_reading"),
        ("credit everybody in zone three a day", ""),
        ("approve A-12", ""),
        ("hello", ""),
    ],
)
def test_a_few_orders_are_heard_and_nothing_else(said: str, tool: str) -> None:
    assert order(said, None).tool == tool


def test_a_number_without_what_was_measured_is_asked_about() -> None:
    assert order("record minus nineteen", None).phrase == "which_reading"


@pytest.mark.parametrize(("kind", "value"), [("received_power_dbm", 21.5), ("splice_loss_db", -1.0), ("height_m", 1.0)])
def test_what_no_meter_shows_names_the_field(kind: str, value: float) -> None:
    with pytest.raises(InvalidField, match=r"value|kind"):
        checked_reading(kind, value)


@pytest.mark.parametrize("pin", ["12345", "1234567", "123456", "000000", "abcdef", "٣١٤١٥٩", ""])
def test_a_pin_that_everybody_tries_first_names_the_field(pin: str) -> None:
    with pytest.raises(InvalidField, match="pin"):
        checked_pin(pin)


def test_the_next_step_is_the_first_reading_that_is_missing() -> None:
    assert next_step("repair", "fibre", []) == "received_power_dbm"
    assert next_step("repair", "fibre", ["received_power_dbm"]) == "speed_down_mbps"
    assert next_step("repair", "fibre", ["speed_down_mbps", "received_power_dbm"]) == "close"
    assert next_step("survey", None, []) == "close"


class AtWork:
    """Omar, an engineer, at Maya's fibre, with his telephone and his PIN; and the agents who answer."""

    def __init__(self, atlas: Atlas, owner: Owner, desk: Desk, job: int, engineer: int) -> None:
        self.atlas, self.owner, self.desk, self.job, self.engineer = atlas, owner, desk, job, engineer

    async def says(self, line: Line, words: str) -> str:
        await line.sends("prompt", voicePrompt=words, lang="en-GB", last=True)
        _, conversation, _, _ = await heard_of(self.owner)
        await answer_conversation(self.desk, ConversationId(conversation))
        return await line.hears()

    async def keys(self, line: Line, digits: str) -> str:
        for digit in digits:
            await line.sends("dtmf", digit=digit)
        return await line.hears()


@pytest.fixture
async def at_work(
    atlas: Atlas, owner: Owner, checkpoints: KeptInAtlas, router: Router, consulted: Consultants, maya: int, tmp_path: Path
) -> AtWork:
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix.load(matrix.SHIPPED)), lambda: NOW, LONDON)
    await owner.execute("DELETE FROM crm.contact")
    engineer = await given.member(owner, "Omar Reyes", "field_engineer")
    area = await one(owner, "SELECT id FROM gis.area LIMIT 1")
    await given.row(owner, "field_service.engineer", staff_id=engineer, area_id=area, skills=["fibre"])
    premise = await one(owner, "SELECT premise_id FROM crm.subscriber WHERE customer_id = %s", maya)
    job = await given.row(
        owner, "field_service.job", kind="repair", customer_id=maya, premise_id=premise, latitude=1.0, longitude=1.0, skill="fibre",
        engineer_id=engineer, window_from=NOW, window_until=NOW + timedelta(hours=2), instructions="Ring twice.",
        action_id=await given.action(owner),
    )  # fmt: skip
    mark = pin_mac(code_key(atlas.secret), StaffId(engineer), PIN).hex()
    await carried.out(atlas, GiveHandsFree(StaffId(engineer), PHONE, mark), NOW)
    await put_in_force(atlas, matrix.load(matrix.SHIPPED))
    supervisor = on(atlas, checkpoints, router, consulted)
    house = House(Settings(home=tmp_path), atlas, forge, WarmTopology(), {})
    return AtWork(atlas, owner, Desk(house, supervisor, supervisor), job, engineer)


async def test_a_job_is_done_by_voice_from_the_next_step_to_its_end(at_work: AtWork) -> None:
    async with exchange(at_work.atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            heard = [
                await at_work.keys(line, PIN),
                await at_work.says(line, "next"),
                await at_work.says(line, "received power minus twenty one point five"),
                await at_work.says(line, "download speed nine hundred forty megabits"),
                await at_work.says(line, "which port"),
                await at_work.says(line, "close the job"),
                await at_work.says(line, "dirty connector, cleaned it"),
            ]

    assert "Say next" in heard[0]
    assert "Ring twice" in heard[1]
    assert "received power in dBm" in heard[1]
    assert "minus 21.5" in heard[2]
    assert "SPL-1" in heard[4]
    assert heard[5] == "What was found?"
    assert "is closed" in heard[6]
    done = await one(at_work.owner, "SELECT state, findings FROM field_service.job WHERE id = %s", at_work.job)
    assert done == ("completed", "dirty connector, cleaned it Received power -21.5 dBm.")
    assert await one(at_work.owner, "SELECT count(*) FROM helpdesk.message WHERE words LIKE %s", f"%{PIN}%") == 0


async def test_without_the_pin_an_engineers_number_is_nobodys(at_work: AtWork) -> None:
    async with exchange(at_work.atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await at_work.says(line, "close the job, all done")

    assert await one(at_work.owner, "SELECT author FROM helpdesk.message WHERE NOT is_from_us") == "customer:stranger"
    assert await one(at_work.owner, "SELECT state FROM field_service.job WHERE id = %s", at_work.job) == "acknowledged"


async def test_five_wrong_pins_shut_it_even_to_the_right_one(at_work: AtWork) -> None:
    async with exchange(at_work.atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            heard = [await at_work.keys(line, "000000") for _ in range(5)]
            heard.append(await at_work.keys(line, PIN))

    assert all("not your PIN" in one for one in heard)


async def test_a_pin_from_another_telephone_opens_nothing(at_work: AtWork) -> None:
    await at_work.owner.execute("UPDATE field_service.hands_free SET phone = '+447700900777'")

    async with exchange(at_work.atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt=PIN, lang="en-GB", last=True)
            await heard_of(at_work.owner)

    assert await one(at_work.owner, "SELECT staff_known_at FROM helpdesk.call") is None


async def test_what_was_misheard_is_said_and_not_kept(at_work: AtWork) -> None:
    async with exchange(at_work.atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await at_work.keys(line, PIN)
            await at_work.says(line, "received power twenty one point five")

    assert await one(at_work.owner, "SELECT count(*) FROM field_service.reading") == 0


async def test_a_reading_of_a_job_that_is_over_is_refused(at_work: AtWork) -> None:
    await at_work.owner.execute("UPDATE field_service.job SET state = 'completed'")

    with pytest.raises(JobNotOpen):
        await carried.out(at_work.atlas, RecordReading(JobId(at_work.job), "received_power_dbm", -19.0, NOW), NOW)


async def test_without_the_relay_the_same_is_gathered(at_work: AtWork) -> None:
    async with exchange(at_work.atlas, twilio_voice="gather") as telephone:
        await telephone.rings()
        greeted = await telephone.posts("/said", "turn=1", Digits=PIN)

    assert "Say next" in greeted.text
    assert await one(at_work.owner, "SELECT staff_known_at IS NOT NULL FROM helpdesk.call")
