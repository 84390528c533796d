"""The ten modules of an ISP, written once. Every other list of them is made from this one."""

from typing import Final

MODULES: Final = (
    "catalogue",
    "gis",
    "crm",
    "oms",
    "billing",
    "nms",
    "cmdb",
    "itsm",
    "helpdesk",
    "field_service",
)

# Not modules, but the same four files each: every action ever proposed; who works here; text with vectors; what is kept of people.
SHARED_FOLDERS: Final = ("actions", "staff", "knowledge", "privacy")
