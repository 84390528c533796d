"""The caller's phone: a small machine of switches, and what its functions answer. Pure, in memory, the same every time.

Its functions have the names of the dataset's; what they say and how they hang together follows the manual beside the tasks.
"""

import copy
from dataclasses import dataclass, field
from typing import Any, Final

from evals.tasks.task import table_of

# What is on the air where the caller is: the newer, the better.
ON_THE_AIR: Final = {"2G": "poor", "3G": "fair", "4G": "good", "5G": "excellent"}
CONNECTS_BY: Final = {"4g_5g_preferred": "5G", "4g_only": "4G", "3g_only": "3G", "2g_only": "2G"}
# The middle of what each technology gives, in Mbit/s, and what of it is left at each strength of the signal.
MIDDLE_MBPS: Final = {"2G": 0.25, "3G": 3.0, "4G": 55.0, "5G": 275.0, "none": 0.0}
LEFT_AT: Final = {"none": 0.0, "poor": 0.2, "fair": 0.5, "good": 0.8, "excellent": 1.0}
SLOWED_BY_VPN: Final = 0.1
SLOWED_BY_SAVER: Final = 0.2
SPEEDS: Final = ((1.0, "Very Poor"), (5.0, "Poor"), (25.0, "Fair"), (100.0, "Good"))
SIM: Final = {
    "active": "Your SIM card is active and working.",
    "missing": "No SIM card detected: the SIM is missing.",
    "locked_pin": "The SIM card is locked with a PIN code.",
    "locked_puk": "The SIM card is locked with a PUK code.",
}


@dataclass
class Line:
    """What the network lets this phone do; the shop says so."""

    is_active: bool = True
    may_roam: bool = False
    is_used_up: bool = False


@dataclass
class Phone:
    """One phone as it leaves `user_db.toml`. `asked_to_pay`: the bill and the sum of a payment request, where there is one."""

    device: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(table_of("user_db.toml")["device"]))
    line: Line = field(default_factory=Line)
    name: str = ""
    number: str = ""
    is_abroad: bool = False
    is_reset_at_reboot: bool = False
    is_vpn_slow: bool = False
    asked_to_pay: tuple[str, float] | None = None
    has_paid: bool = False

    # Who holds it and where.

    def set_user_info(self, name: str, phone_number: str) -> str:
        self.name, self.number = name, phone_number
        return f"{name}, {phone_number}"

    def set_user_location(self, abroad: bool) -> str:
        self.is_abroad = abroad
        return "abroad" if abroad else "at home"

    # The network.

    @property
    def sim(self) -> str:
        return "missing" if self.device["sim_card_missing"] else str(self.device["sim_card_status"])

    def simulate_network_search(self) -> str:
        """Looks for a network again: what most changes end in."""
        apn = self.device["active_apn_settings"]
        is_found = self.sim == "active" and not self.device["airplane_mode"] and apn["apn_name"] != "broken" and self.line.is_active
        technology = CONNECTS_BY[self.device["network_mode_preference"]] if is_found else "none"
        self.device["network_technology_connected"] = technology
        self.device["network_signal_strength"] = ON_THE_AIR.get(technology, "none")
        self.device["network_connection_status"] = "connected" if is_found else "no_service"
        return self.check_status_bar()

    def check_status_bar(self) -> str:
        device = self.device
        if device["airplane_mode"]:
            shown = ["Airplane Mode"]
        else:
            strength, technology = device["network_signal_strength"], device["network_technology_connected"]
            shown = ["No Signal" if strength == "none" else strength.capitalize()]
            shown += [technology] if technology != "none" else []
            shown += ["Data Enabled" if device["data_enabled"] and technology != "none" else "Data Disabled"]
            shown += ["Data Saver"] if device["data_saver_mode"] and device["data_enabled"] and technology != "none" else []
        shown += ["VPN Connected"] if device["vpn_connected"] else []
        return f"Status bar: {' | '.join(shown)} | Battery {device['battery_level']}%"

    def check_network_status(self) -> str:
        device = self.device
        return (
            f"Airplane Mode is {_on(device['airplane_mode'])}; SIM card {self.sim}; cellular {device['network_connection_status']}; "
            f"signal {device['network_signal_strength']}; network type {device['network_technology_connected']}; "
            f"mobile data is {_on(device['data_enabled'])}; Data Roaming is {_on(device['roaming_enabled'])}; "
            f"Wi-Fi is {_on(device['wifi_enabled'])}."
        )

    def check_network_mode_preference(self) -> str:
        return f"Network mode preference: {self.device['network_mode_preference']}."

    def set_network_mode_preference(self, mode: str) -> str:
        if mode not in CONNECTS_BY:
            return f"{mode} is no network mode; there are {', '.join(CONNECTS_BY)}."
        return self._set("network_mode_preference", mode, f"Preferred network mode set to {mode}.")

    def _set(self, name: str, value: Any, said: str) -> str:
        self.device[name] = value
        return f"{said} {self.simulate_network_search()}"

    def _turned(self, name: str, is_on: bool, label: str) -> str:
        return self._set(name, is_on, f"{label} is now {_on(is_on)}.")

    # Airplane mode and the SIM card.

    def toggle_airplane_mode(self) -> str:
        self.device["vpn_connected"] = self.device["vpn_connected"] and self.device["airplane_mode"]
        return self._turned("airplane_mode", not self.device["airplane_mode"], "Airplane Mode")

    def turn_airplane_mode_on(self) -> str:
        return self.check_status_bar() if self.device["airplane_mode"] else self.toggle_airplane_mode()

    def check_sim_status(self) -> str:
        return SIM[self.sim]

    def reseat_sim_card(self) -> str:
        return self._set("sim_card_missing", False, "SIM card re-seated.")

    def unseat_sim_card(self) -> str:
        return self._set("sim_card_missing", True, "SIM card un-seated.")

    def lock_sim_card(self, mode: str) -> str:
        return self._set("sim_card_status", f"locked_{mode}", f"SIM card locked by {mode}.")

    # Mobile data and roaming.

    def toggle_data(self) -> str:
        return self._turned("data_enabled", not self.device["data_enabled"], "Mobile Data")

    def turn_data_off(self) -> str:
        return self._turned("data_enabled", False, "Mobile Data")

    def toggle_roaming(self) -> str:
        return self._turned("roaming_enabled", not self.device["roaming_enabled"], "Data Roaming")

    def turn_roaming_on(self) -> str:
        return self._turned("roaming_enabled", True, "Data Roaming")

    def turn_roaming_off(self) -> str:
        return self._turned("roaming_enabled", False, "Data Roaming")

    def check_data_restriction_status(self) -> str:
        return f"Data Saver mode is {_on(self.device['data_saver_mode'])}."

    def toggle_data_saver_mode(self) -> str:
        return self._turned("data_saver_mode", not self.device["data_saver_mode"], "Data Saver mode")

    def turn_data_saver_mode_on(self) -> str:
        return self._turned("data_saver_mode", True, "Data Saver mode")

    @property
    def is_data_working(self) -> bool:
        may_be_here = not self.is_abroad or (self.device["roaming_enabled"] and self.line.may_roam)
        is_connected = self.device["network_connection_status"] == "connected"
        return bool(is_connected and may_be_here and self.device["data_enabled"] and not self.line.is_used_up)

    @property
    def speed_mbps(self) -> float:
        """Nought where mobile data does not work."""
        if not self.is_data_working:
            return 0.0
        speed = MIDDLE_MBPS[self.device["network_technology_connected"]] * LEFT_AT[self.device["network_signal_strength"]]
        speed *= SLOWED_BY_VPN if self.device["vpn_connected"] and self.is_vpn_slow else 1.0
        speed *= SLOWED_BY_SAVER if self.device["data_saver_mode"] else 1.0
        return round(speed, 2)

    def run_speed_test(self) -> str:
        if not self.is_data_working:
            return "Speed test failed: no connection."
        return f"Speed test result: {self.speed_mbps:.2f} Mbps ({speed_in_words(self.speed_mbps)})."

    # Access points.

    def check_apn_settings(self) -> str:
        apn = self.device["active_apn_settings"]
        name = "Incorrect" if apn["apn_name"] == "broken" else apn["apn_name"]
        return f"APN name: {name}; MMSC URL for picture messages: {apn['mmsc_url'] or 'not set'}."

    def set_apn_settings(self, apn_settings: dict[str, str]) -> str:
        return self._set("active_apn_settings", dict(apn_settings), "APN settings set.")

    def reset_apn_settings(self) -> str:
        self.is_reset_at_reboot = True
        return "APN settings will be reset when the phone restarts."

    def break_apn_settings(self) -> str:
        self.device["active_apn_settings"]["apn_name"] = "broken"
        return self.simulate_network_search()

    def break_apn_mms_setting(self) -> str:
        self.device["active_apn_settings"]["mmsc_url"] = ""
        return self.check_apn_settings()

    # Wi-Fi and VPN.

    def check_wifi_status(self) -> str:
        return f"Wi-Fi is {_on(self.device['wifi_enabled'])}, and not connected to any network."

    def toggle_wifi(self) -> str:
        return self._turned("wifi_enabled", not self.device["wifi_enabled"], "Wi-Fi")

    def check_wifi_calling_status(self) -> str:
        return f"Wi-Fi Calling is {_on(self.device['wifi_calling_enabled'])}."

    def toggle_wifi_calling(self) -> str:
        return self._turned("wifi_calling_enabled", not self.device["wifi_calling_enabled"], "Wi-Fi Calling")

    def set_wifi_calling(self, enabled: bool, mms_over_wifi: bool = False) -> str:
        self.device["wifi_calling_mms_over_wifi"] = mms_over_wifi
        return self._turned("wifi_calling_enabled", enabled, "Wi-Fi Calling")

    def check_vpn_status(self) -> str:
        if not self.device["vpn_connected"]:
            return "VPN is OFF."
        return f"VPN is ON and connected; its performance is {'poor' if self.is_vpn_slow else 'excellent'}."

    def connect_vpn(self) -> str:
        self.is_vpn_slow = False
        self.device["vpn_connected"] = True
        return "VPN connected."

    def disconnect_vpn(self) -> str:
        self.device["vpn_connected"] = False
        return f"VPN disconnected. {self.check_status_bar()}"

    def break_vpn(self) -> str:
        self.connect_vpn()
        self.is_vpn_slow = True
        return self.check_vpn_status()

    # Applications and picture messages.

    def check_installed_apps(self) -> str:
        return f"Installed apps: {', '.join(self.device['app_statuses'])}."

    def check_app_status(self, app_name: str) -> str:
        return self.check_app_permissions(app_name)

    def check_app_permissions(self, app_name: str) -> str:
        app = self.device["app_statuses"].get(app_name)
        if app is None:
            return f"There is no app {app_name} on this phone."
        granted = [name for name, is_granted in app["permissions"].items() if is_granted]
        return f"The app {app_name} has permission for: {', '.join(granted) or 'nothing'}."

    def grant_app_permission(self, app_name: str, permission: str) -> str:
        return self._permit(app_name, permission, is_granted=True)

    def remove_app_permission(self, app_name: str, permission: str) -> str:
        return self._permit(app_name, permission, is_granted=False)

    def _permit(self, app_name: str, permission: str, *, is_granted: bool) -> str:
        app = self.device["app_statuses"].get(app_name)
        if app is None or permission not in app["permissions"]:
            return f"The app {app_name} has no permission {permission}."
        app["permissions"][permission] = is_granted
        return self.check_app_permissions(app_name)

    @property
    def is_mms_working(self) -> bool:
        device, permissions = self.device, self.device["app_statuses"]["messaging"]["permissions"]
        return bool(
            self.is_data_working
            and device["network_technology_connected"] != "2G"
            and not (device["wifi_calling_enabled"] and device["wifi_calling_mms_over_wifi"])
            and device["active_apn_settings"]["mmsc_url"]
            and permissions["storage"]
            and permissions["sms"]
        )

    def can_send_mms(self) -> str:
        return f"The messaging app {'can' if self.is_mms_working else 'cannot'} send MMS messages."

    # The whole of it, and money.

    def reboot_device(self) -> str:
        if self.is_reset_at_reboot:
            self.device["active_apn_settings"] = copy.deepcopy(table_of("user_db.toml")["device"]["active_apn_settings"])
            self.is_reset_at_reboot = False
        return f"The phone was restarted. {self.simulate_network_search()}"

    def check_payment_request(self) -> str:
        if self.asked_to_pay is None:
            return "There is no payment request."
        return "There is a payment request for bill {} of {:.2f} USD.".format(*self.asked_to_pay)

    def make_payment(self) -> str:
        if self.asked_to_pay is None:
            return "There is no payment request."
        self.has_paid = True
        return "The payment of bill {} was made: {:.2f} USD.".format(*self.asked_to_pay)

    # What must hold in the end.

    def assert_service_status(self, expected_status: str) -> bool:
        return bool(self.device["network_connection_status"] == expected_status)

    def assert_mobile_data_status(self, expected_status: bool) -> bool:
        return self.is_data_working == expected_status

    def assert_internet_speed(self, expected_speed: float, expected_desc: str) -> bool:
        return self.speed_mbps >= expected_speed and speed_in_words(self.speed_mbps).casefold() == expected_desc.casefold()

    def assert_can_send_mms(self, expected_status: bool) -> bool:
        return self.is_mms_working == expected_status


# What a person does with their phone, by the manual's list; everything else on a Phone is done to it.
BY_HAND: Final = (
    *(name for name in vars(Phone) if name.startswith(("check_", "toggle_", "run_", "can_", "reseat_", "reset_", "reboot_", "grant_"))),
    *("set_network_mode_preference", "set_apn_settings", "connect_vpn", "disconnect_vpn", "make_payment"),
)


def speed_in_words(mbps: float) -> str:
    return next((words for below, words in SPEEDS if mbps < below), "Excellent")


def _on(is_on: Any) -> str:
    return "ON" if is_on else "OFF"
