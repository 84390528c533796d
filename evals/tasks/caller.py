"""The caller: a person with a phone, by rule and without any model. They know why they call, and do what they are plainly asked.

A sentence is understood by the words that the manual has for what a phone can do; what is not understood is said so. They tell what
the phone showed, never what they hope, and hang up once it shows what they called for.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from evals.tasks.task import Person

# Does one thing on the phone by hand, and answers what the phone showed.
Hand = Callable[..., str]

CLAUSES: Final = re.compile(r"(?<=[.!?:;])\s+|\n+|,?\s+(?:and|then|or)\s+(?=(?:then |please )?[a-z]+ )", re.IGNORECASE)
CHANGE: Final = re.compile(
    r"(?<!to )\b(?:turn|switch|toggle|disable|enable|activate|deactivate|set|change|disconnect|connect|grant|allow|give|"
    r"re-?seat|re-?insert|remove|take|reset|restart|reboot|make|pay)\b",
    re.IGNORECASE,
)
QUESTION: Final = re.compile(r"^(?:is|are|does|do|has|what|which|whether|check|tell|look|see)\b", re.IGNORECASE)
ASKED: Final = re.compile(r"\?$|\b(?:check|look|tell|see|run|try|send|show|confirm)\b", re.IGNORECASE)
OFF: Final = re.compile(r"\b(?:off|disable|deactivate|disconnect)\b", re.IGNORECASE)
MODE: Final = re.compile(r"\b(4g_5g_preferred|4g_only|3g_only|2g_only)\b")
PERMISSION: Final = re.compile(r"\b(sms|storage|phone|network)\b", re.IGNORECASE)
UNDERSTOOD_NOT: Final = "I am not sure what you want me to do with my phone."
NOT_YET: Final = "That did not help my phone, which is a little frustrating."

# What is switched: the words for it, the switch, where the phone shows it, and how it reads there.
SWITCHES: Final = (
    (re.compile(r"airplane|flight mode", re.IGNORECASE), "toggle_airplane_mode", "check_network_status", "Airplane Mode is"),
    (re.compile(r"wi-?fi.calling", re.IGNORECASE), "toggle_wifi_calling", "check_wifi_calling_status", "Wi-Fi Calling is"),
    (
        re.compile(r"data.saver|data restriction", re.IGNORECASE),
        "toggle_data_saver_mode",
        "check_data_restriction_status",
        "Data Saver mode is",
    ),
    (re.compile(r"roaming", re.IGNORECASE), "toggle_roaming", "check_network_status", "Data Roaming is"),
    (re.compile(r"mobile data|cellular data|toggle_data", re.IGNORECASE), "toggle_data", "check_network_status", "mobile data is"),
)
# What else is changed, and what is looked at: the first words that fit are meant.
CHANGES: Final = (
    (re.compile(r"\bsim\b", re.IGNORECASE), "reseat_sim_card"),
    (re.compile(r"\bapn\b", re.IGNORECASE), "reset_apn_settings"),
    (re.compile(r"restart|reboot", re.IGNORECASE), "reboot_device"),
    (re.compile(r"payment|\bpay\b|bill", re.IGNORECASE), "make_payment"),
)
LOOKS: Final = (
    (re.compile(r"\bsim\b", re.IGNORECASE), "check_sim_status"),
    (re.compile(r"\bapn\b|mmsc", re.IGNORECASE), "check_apn_settings"),
    (re.compile(r"payment request", re.IGNORECASE), "check_payment_request"),
    (re.compile(r"network mode|network preference|preferred network", re.IGNORECASE), "check_network_mode_preference"),
    (re.compile(r"\bvpn\b", re.IGNORECASE), "check_vpn_status"),
    (re.compile(r"speed.?test|internet speed", re.IGNORECASE), "run_speed_test"),
    (re.compile(r"status.bar|signal", re.IGNORECASE), "check_status_bar"),
    (re.compile(r"\bmms\b|picture message", re.IGNORECASE), "can_send_mms"),
    (re.compile(r"network.(?:status|type|technology)|connection status", re.IGNORECASE), "check_network_status"),
)
ABROAD: Final = re.compile(r"abroad|travel|usual (?:service )?area|where are you", re.IGNORECASE)
REFUEL: Final = re.compile(r"refuel|(?:add|more) data|change (?:your|the) plan|another plan", re.IGNORECASE)
WHO: Final = re.compile(r"your (?:full )?name|phone number|who am i", re.IGNORECASE)
BETTER: Final = re.compile(r"work(?:s|ing)? (?:now|again)|resolved|solved|fixed", re.IGNORECASE)

# What they wait to see on their phone, by how they were told to know that it works.
GOALS: Final = (
    (re.compile(r"speed test returns excellent", re.IGNORECASE), "run_speed_test", re.compile(r"\(Excellent\)")),
    (
        re.compile(r"status bar shows that you have signal", re.IGNORECASE),
        "check_status_bar",
        re.compile(r"Status bar: (?:Poor|Fair|Good|Excellent)"),
    ),
    (re.compile(r"", re.IGNORECASE), "can_send_mms", re.compile(r"can send MMS")),
)
# What a talkative person says besides, by how they are (in the words of the task), when their hands have done this.
REMARKS: Final = (
    ("flustered", frozenset({"reboot_device", "reset_apn_settings"}), "Oh dear, will I lose the photos of my grandchildren?"),
    ("flustered", frozenset({"check_vpn_status", "check_apn_settings"}), "I have never heard of that, but I found it."),
    ("flustered", frozenset({"reseat_sim_card"}), "That tiny card nearly fell on the floor!"),
    ("confirm your understanding", frozenset({"check_network_status", "check_sim_status"}), "All right, I have found it in the settings."),
    (
        "confirm your understanding",
        frozenset({"toggle_data", "toggle_roaming"}),
        "Just to be sure that I understood you: I was to switch it on.",
    ),
    ("confirm your understanding", frozenset({"check_payment_request"}), "Yes, I can pay that right away."),
)
# As they would say it of themselves.
OF_THEMSELVES: Final = (
    (r"\bYou are\b", "I am"),
    (r"\bYou mobile\b", "My mobile"),
    (r"\bYour\b", "My"),
    (r"\byour\b", "my"),
    (r"\bYou\b", "I"),
    (r"\byou\b", "I"),
)


def is_change(function: str) -> bool:
    return not function.startswith(("check_", "run_", "can_"))


def in_first_person(told: str) -> str:
    for pattern, said in OF_THEMSELVES:
        told = re.sub(pattern, said, told)
    return told


@dataclass
class Caller:
    """One person on one call. `hand` uses their phone; of the task they know nothing but what a `Person` holds.

    `is_talkative`: they say besides what somebody of their manner says, as to the price, or out of worry.
    """

    person: Person
    hand: Hand
    is_talkative: bool = False
    has_complained: bool = False
    is_content: bool = False
    _did: list[tuple[str, str]] = field(default_factory=list)

    def opens(self) -> str:
        return in_first_person(f"{self.person.reason} {self.person.known}")

    def hears(self, words: str) -> str:
        """Does what `words` ask and says what came of it. `is_content` afterwards: they have what they called for."""
        test, met = next((test, met) for told, test, met in GOALS if told.search(self.person.instructions))
        before = len(self._did)
        said: list[str] = []
        for clause in (clause.strip() for clause in CLAUSES.split(words)):
            said += [one for one in self._does(clause, test) if one not in said]
        did = self._did[before:]
        self.is_content = any(met.search(shown) for _, shown in did)
        return " ".join(self._with_feelings(said, did, test)) or UNDERSTOOD_NOT

    def _with_feelings(self, said: list[str], did: list[tuple[str, str]], test: str) -> list[str]:
        """What they say, with what they feel about it: once, where a change did not help, they say so."""
        functions = {function for function, _ in did}
        is_in_vain = test in functions and not self.is_content and any(is_change(function) for function, _ in self._did)
        if is_in_vain and not self.has_complained:
            self.has_complained = True
            said = [*said, NOT_YET]
        if not self.is_talkative:
            return said
        return [*(remark for manner, on, remark in REMARKS if manner in self.person.manner and on & functions), *said]

    def _does(self, clause: str, test: str) -> Iterator[str]:
        """What they answer to one clause: words of their own, or what the phone shows."""
        yield from self._of_themselves(clause)
        if CHANGE.search(clause) and not QUESTION.match(clause.removeprefix("Please ").removeprefix("please ")):
            yield from self._changes(clause)
        elif ASKED.search(clause):
            yield from self._looks(clause)
        if BETTER.search(clause):
            yield self._on_phone(test)

    def _of_themselves(self, clause: str) -> Iterator[str]:
        if WHO.search(clause):
            yield in_first_person(self.person.known)
        if ABROAD.search(clause):
            where = re.search(r"You are currently[^.]*\.", self.person.known)
            yield in_first_person(where[0]) if where else "I am where I always am."
        if REFUEL.search(clause):
            yield self._on_refuelling()

    def _on_refuelling(self) -> str:
        willing = re.search(r"willing to refuel ([\d.]+) GB", self.person.instructions)
        if willing is None:
            return "I do not want any more data."
        agreed = ", the price is fine" if self.is_talkative else ""
        return f"Please refuel {willing[1]} GB of data on my mobile line{agreed}. I do not want to change my mobile data plan."

    def _changes(self, clause: str) -> Iterator[str]:
        if "permission" in clause:
            for permission in PERMISSION.findall(clause.partition("permission")[2] or clause):
                yield self._on_phone("grant_app_permission", app_name="messaging", permission=permission.lower())
        elif re.search(r"network mode|network preference|preferred network", clause, re.IGNORECASE):
            mode = MODE.search(clause)
            yield self._on_phone("set_network_mode_preference", mode=mode[1] if mode else "4g_5g_preferred")
        elif "VPN" in clause.upper():
            yield self._on_phone("disconnect_vpn" if OFF.search(clause) else "connect_vpn")
        elif switch := next((one for one in SWITCHES if one[0].search(clause)), None):
            yield self._switched(*switch[1:], wanted="OFF" if OFF.search(clause) else "ON")
        elif change := next((function for pattern, function in CHANGES if pattern.search(clause)), None):
            yield self._on_phone(change)

    def _switched(self, toggle: str, check: str, label: str, wanted: str) -> str:
        """A switch that stands as it should is left alone."""
        shown = self.hand(check)
        return shown if f"{label} {wanted}" in shown else self._on_phone(toggle)

    def _looks(self, clause: str) -> Iterator[str]:
        if "permission" in clause:
            yield self._on_phone("check_app_permissions", app_name="messaging")
        elif look := next((function for pattern, function in LOOKS if pattern.search(clause)), None):
            yield self._on_phone(look)
        elif switch := next((one for one in SWITCHES if one[0].search(clause)), None):
            yield self._on_phone(switch[2])

    def _on_phone(self, function: str, **arguments: Any) -> str:
        shown = self.hand(function, **arguments)
        self._did.append((function, shown))
        return shown
