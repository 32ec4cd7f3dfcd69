"""The software bill of materials: every pinned package with its hashes, as CycloneDX."""

from __future__ import annotations

import json
import tomllib
import uuid
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cadnet.provenance import PACKAGE_ROOT, file_digest, write_json
from cadnet.records.facts import citation

LOCK = PACKAGE_ROOT / "requirements" / "lock.txt"
_HASH = "--hash=sha256:"


def pins(lock: str) -> list[tuple[Requirement, list[str]]]:
    """The entries of a lock, each with the sha256 of all its files."""
    entries = lock.replace("\\\n", " ").splitlines()
    found = []
    for entry in filter(None, map(str.strip, entries)):
        pin, *hashes = entry.split(_HASH)
        found.append((Requirement(pin.strip()), sorted(h.strip() for h in hashes)))
    return found


def direct() -> set[str]:
    """The packages that ``pyproject.toml`` names as needed, as the lock spells them."""
    project = tomllib.loads(PACKAGE_ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    named = (Requirement(text).name for text in project["project"]["dependencies"])
    return {canonicalize_name(name) for name in named}


def write(path: Path, lock: Path = LOCK) -> int:
    """Write the bill; returns how many packages it has. The same lock gives the same bytes: its
    serial number is made of the lock's digest, and it states no time."""
    from cyclonedx.model import (
        ExternalReference,
        ExternalReferenceType,
        HashAlgorithm,
        HashType,
        Property,
        XsUri,
    )
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    about = citation()
    root = Component(
        name="cadnet", version=str(about["version"]), type=ComponentType.APPLICATION,
        bom_ref="cadnet", description=about["title"],
    )  # fmt: skip
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{file_digest(lock)}"))
    bom.metadata.component = root
    listed = []
    for pin, hashes in pins(lock.read_text(encoding="utf-8")):
        version = str(pin.specifier).removeprefix("==")
        url = PackageURL("pypi", name=pin.name, version=version)
        files = [HashType(alg=HashAlgorithm.SHA_256, content=content) for content in hashes]
        # A package has many files, one of which is installed: each with its hash.
        listed.append(Component(
            name=pin.name, version=version, type=ComponentType.LIBRARY, purl=url,
            bom_ref=f"{url}#{pin.marker}" if pin.marker else str(url),
            external_references=[ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(url)), hashes=files,
            )],
            properties=[Property(name="cadnet:marker", value=str(pin.marker))]
            if pin.marker else [],
        ))  # fmt: skip
    bom.components.update(listed)
    wanted = direct()
    bom.register_dependency(root, [c for c in listed if c.name in wanted])
    tree = json.loads(JsonV1Dot6(bom).output_as_string())
    del tree["metadata"]["timestamp"]
    # Which package wants which the lock does not say, and an entry without any says that none is.
    tree["dependencies"] = [entry for entry in tree["dependencies"] if entry["ref"] == "cadnet"]
    write_json(path, tree)
    return len(listed)
