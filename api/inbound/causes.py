"""The many names that senders give to one probable cause."""

import re
from functools import lru_cache
from typing import Final

from atlas.nms.records import ProbableCause

LETTERS_ONLY: Final = re.compile(r"[^a-z]+")

# X.733, M.3100 and RFC 3877 (IANAItuProbableCause) names, and the field's own, by their letters.
ALIASES: Final = {
    "los": ProbableCause.LOSS_OF_SIGNAL,
    "losi": ProbableCause.LOSS_OF_SIGNAL,
    "losofsignal": ProbableCause.LOSS_OF_SIGNAL,
    "aislossofsignal": ProbableCause.LOSS_OF_SIGNAL,
    "lof": ProbableCause.LOSS_OF_FRAME,
    "lofi": ProbableCause.LOSS_OF_FRAME,
    "lossofmultiframe": ProbableCause.LOSS_OF_FRAME,
    "interfacedown": ProbableCause.LINK_DOWN,
    "portdown": ProbableCause.LINK_DOWN,
    "linkfailure": ProbableCause.LINK_DOWN,
    "transmissionerror": ProbableCause.DEGRADED_SIGNAL,
    "signaldegraded": ProbableCause.DEGRADED_SIGNAL,
    "signaldegrade": ProbableCause.DEGRADED_SIGNAL,
    "sdi": ProbableCause.DEGRADED_SIGNAL,
    "excessiveber": ProbableCause.DEGRADED_SIGNAL,
    "bandwidthreduced": ProbableCause.DEGRADED_SIGNAL,
    "adjacencylost": ProbableCause.ADJACENCY_LOST,
    "routingfailure": ProbableCause.ADJACENCY_LOST,
    "bgppeerdown": ProbableCause.ADJACENCY_LOST,
    "lossofconnectivity": ProbableCause.UNREACHABLE,
    "connectionestablishmenterror": ProbableCause.UNREACHABLE,
    "communicationsprotocolerror": ProbableCause.UNREACHABLE,
    "communicationssubsystemfailure": ProbableCause.UNREACHABLE,
    "nodedown": ProbableCause.UNREACHABLE,
    "devicedown": ProbableCause.UNREACHABLE,
    "hostdown": ProbableCause.UNREACHABLE,
    "unreachabledevice": ProbableCause.UNREACHABLE,
    "dgi": ProbableCause.DYING_GASP,
    "lastgasp": ProbableCause.DYING_GASP,
    "powerfailure": ProbableCause.POWER_PROBLEM,
    "powersupplyfailure": ProbableCause.POWER_PROBLEM,
    "powersupply": ProbableCause.POWER_PROBLEM,
    "mainsfailure": ProbableCause.POWER_PROBLEM,
    "commercialpowerfailure": ProbableCause.POWER_PROBLEM,
    "batterydischarging": ProbableCause.ON_BATTERY,
    "equipmentfailure": ProbableCause.EQUIPMENT_MALFUNCTION,
    "fanfailure": ProbableCause.EQUIPMENT_MALFUNCTION,
    "coolingfanfailure": ProbableCause.EQUIPMENT_MALFUNCTION,
    "replaceableunitproblem": ProbableCause.LINE_CARD_PROBLEM,
    "replaceableunitmissing": ProbableCause.LINE_CARD_PROBLEM,
    "linecardfailure": ProbableCause.LINE_CARD_PROBLEM,
    "ioDeviceError".lower(): ProbableCause.LINE_CARD_PROBLEM,
    "reboot": ProbableCause.RESTARTED,
    "systemreboot": ProbableCause.RESTARTED,
    "temperature": ProbableCause.TEMPERATURE,
    "hightemperature": ProbableCause.TEMPERATURE,
    "overtemperature": ProbableCause.TEMPERATURE,
    "heatingventcoolingsystemproblem": ProbableCause.TEMPERATURE,
    "highcpu": ProbableCause.CPU_LIMIT,
    "systemresourcesoverload": ProbableCause.CPU_LIMIT,
    "congestion": ProbableCause.THRESHOLD_CROSSED,
    "storagefull": ProbableCause.STORAGE_LIMIT,
    "filesystemfull": ProbableCause.STORAGE_LIMIT,
    "diskfull": ProbableCause.STORAGE_LIMIT,
    "outofmemory": ProbableCause.STORAGE_LIMIT,
    "softwareprogramerror": ProbableCause.SOFTWARE_ERROR,
    "softwareprogramabnormallyterminated": ProbableCause.SOFTWARE_ERROR,
    "softwareenvironmentproblem": ProbableCause.SOFTWARE_ERROR,
    "applicationsubsystemfailure": ProbableCause.SOFTWARE_ERROR,
    "configurationerror": ProbableCause.CONFIGURATION,
    "configurationorcustomisationerror": ProbableCause.CONFIGURATION,
    "responsetimeexcessive": ProbableCause.THRESHOLD_CROSSED,
    "performancedegraded": ProbableCause.THRESHOLD_CROSSED,
    "queuesizeexceeded": ProbableCause.THRESHOLD_CROSSED,
    "authenticationfailure": ProbableCause.SECURITY,
    "breachofconfidentiality": ProbableCause.SECURITY,
    "intrusiondetection": ProbableCause.SECURITY,
}
BY_LETTERS: Final = {cause.value.lower(): cause for cause in ProbableCause} | ALIASES


# Senders repeat the same few names for ever.
@lru_cache(maxsize=4096)
def cause_named(name: str) -> ProbableCause | None:
    """The probable cause of this name, however it is spelt (`Loss of Signal`, `loss_of_signal`, `LOS`); None where it is nobody's."""
    return BY_LETTERS.get(LETTERS_ONLY.sub("", name.lower()))
