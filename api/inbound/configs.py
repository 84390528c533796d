"""Configurations of devices out of a folder, as Oxidized and RANCID leave them: a file for each device, named as it is."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from atlas.cmdb.writes import keep_config
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.principal import executor

IMPORTER: Final = executor("import")
LARGEST: Final = 4_000_000
SUFFIXES: Final = (".cfg", ".conf", ".txt")


@dataclass(frozen=True)
class ConfigRead:
    """One file: the device that its name says, and what stands in it; `wrong` where it cannot be read."""

    device: str
    words: str
    wrong: str = ""


@dataclass(frozen=True)
class ConfigTaken:
    """What became of a file: kept (it is another than before), same, or wrong."""

    device: str
    became: str
    why: str = ""


def configs_read(folder: Path) -> list[ConfigRead]:
    """Every file of the folder, by name; what begins with a dot is left out. Raises InvalidField where it is no folder."""
    if not folder.is_dir():
        raise InvalidField("folder", f"{folder.name} is no folder")
    return [_read(file) for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]


def _read(file: Path) -> ConfigRead:
    device = file.stem if file.suffix.lower() in SUFFIXES else file.name
    if file.stat().st_size > LARGEST:
        return ConfigRead(device, "", f"more than {LARGEST:,} octets are no configuration")
    try:
        words = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return ConfigRead(device, "", f"it cannot be read: {error}"[:200])
    if not words.strip() or "\x00" in words:
        return ConfigRead(device, "", "it is empty, or no text")
    return ConfigRead(device, words)


async def import_configs(atlas: Atlas, files: list[ConfigRead], now: datetime) -> list[ConfigTaken]:
    """Takes each file by itself: one that is wrong holds up no other."""
    return [await _taken(atlas, file, now) for file in files]


async def _taken(atlas: Atlas, file: ConfigRead, now: datetime) -> ConfigTaken:
    if file.wrong:
        return ConfigTaken(file.device, "wrong", file.wrong)
    async with atlas.transaction(IMPORTER) as conn:
        kept = await keep_config(conn, file.device, file.words, now)
    if kept is None:
        return ConfigTaken(file.device, "wrong", "there is no device of this name")
    return ConfigTaken(file.device, "kept" if kept else "same")
