"""What Bedrock is made of, as CycloneDX 1.6: every package of requirements.lock with its hashes. The same lock gives the same bill."""

import re
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
SPEC: Final = "1.6"
PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)\s*(?:;\s*(?P<marker>.*))?$")
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
NAMED: Final = re.compile(r"^[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Package:
    """One pinned package. `marker` says where it is installed; '' is everywhere."""

    name: str
    version: str
    marker: str
    sha256: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{normal(self.name)}@{self.version}"


def normal(name: str) -> str:
    """PEP 503: how an index names it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> Iterator[Package]:
    """Every package of a lock with hashes. Raises ValueError where a line cannot be read or a package has no hash."""
    for entry in re.sub(r"\\\n\s*", " ", lock).splitlines():
        if not entry.strip() or entry.startswith("#"):
            continue
        found = PINNED.match(entry.partition(" --hash=")[0].strip())
        hashes = tuple(HASH.findall(entry))
        if found is None or not hashes:
            raise ValueError(f"requirements.lock: {entry[:80]!r} is not a package pinned with its hash")
        yield Package(found["name"], found["version"], (found["marker"] or "").strip(), hashes)


def bill_of_materials(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The bill of a project (pyproject.toml's `project`) and its lock."""
    packages = sorted(locked(lock), key=lambda package: normal(package.name))
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    wanted = {normal(named[0]) for each in project["dependencies"] if (named := NAMED.match(each))}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + lock)}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": own, "name": project["name"], "version": project["version"], "purl": own}
        },
        "components": [component(package) for package in packages],
        "dependencies": [{"ref": own, "dependsOn": [package.purl for package in packages if normal(package.name) in wanted]}],
    }


def component(package: Package) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.sha256],
    }
    license_ = license_of(package.name)
    if license_:
        told["licenses"] = [{"license": {"name": license_}}]
    if package.marker:
        told["properties"] = [{"name": "bedrock:marker", "value": package.marker}]
    return told


def license_of(name: str) -> str:
    """As the installed package says; '' where it is not installed or does not say."""
    try:
        about = metadata(name).json
    except PackageNotFoundError:
        return ""
    written = str(about.get("license_expression") or about.get("license") or "")
    return written.splitlines()[0].strip() if written.strip() else ""


def of_this_build(root: Path = ROOT) -> dict[str, Any]:
    """The bill of the files this runs from."""
    return bill_of_materials((root / "requirements.lock").read_text(), tomllib.loads((root / "pyproject.toml").read_text())["project"])
