"""How the tests read the files that penstock is deployed by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from penstock.spec.loader import load
from penstock.spec.models import Job

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose.yaml"
KUBERNETES = ROOT / "deploy" / "kubernetes"
SYSTEMD = ROOT / "deploy" / "systemd" / "penstock-work@.service"
SHOP_JOBS = ROOT / "examples" / "shop" / "jobs"

_SECONDS = re.compile(r"(\d+)s")
_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::[-?][^}]*)?\}")


class Instruction(NamedTuple):
    name: str
    words: str

    @property
    def array(self) -> list[str]:
        """Of the form that starts no shell. Raises ValueError for another."""
        words = json.loads(self.words)
        assert isinstance(words, list)
        return words


def instructions(dockerfile: Path) -> list[Instruction]:
    """Without comments, each on one line."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def documents(path: Path) -> list[Mapping[str, Any]]:
    """Of a YAML file; a key that stands there twice is an error."""
    return list(YAML(typ="safe", pure=True).load_all(path.read_text()))


def compose() -> Mapping[str, Any]:
    [document] = documents(COMPOSE)
    return document


def kubernetes() -> Iterator[Mapping[str, Any]]:
    for path in sorted(KUBERNETES.glob("*.yaml")):
        yield from documents(path)


def of_kind(kind: str) -> list[Mapping[str, Any]]:
    return [document for document in kubernetes() if document["kind"] == kind]


def pods() -> list[Mapping[str, Any]]:
    """The specifications of all pods that the manifests make."""
    return [document["spec"]["template"]["spec"] for kind in ("Job", "Deployment") for document in of_kind(kind)]


def unit() -> list[tuple[str, str, str]]:
    """Of the unit of systemd: section, key, value. A key may come more than once."""
    found, section = [], ""
    for line in SYSTEMD.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


def service_says(key: str) -> str:
    [value] = [value for section, name, value in unit() if (section, name) == ("Service", key)]
    return value


def seconds(words: str) -> int:
    found = _SECONDS.fullmatch(words)
    assert found, words
    return int(found[1])


def variables(text: str) -> set[str]:
    """Those that `${...}` asks for."""
    return set(_VARIABLE.findall(text))


def job(path: Path) -> Job:
    """Every address that it leaves to the environment is one of this machine, where nothing is called."""
    addresses = {
        "OLD_SHOP": "mysql://shop:x@localhost/old_shop",
        "NEW_SHOP": "mysql://shop:x@localhost/new_shop",
        "NEW_DOCUMENTS": "mongodb://shop:x@localhost/new_shop",
        "SERVICE": "http://localhost:8000",
    }
    others = dict.fromkeys(variables(path.read_text()) - addresses.keys(), "x")
    return load(path, environment={**addresses, **others})
