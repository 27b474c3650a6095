"""deploy/compose.yaml: whatever a service names is there, nothing listens beyond this machine, and nobody is cut off in work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.project.deploy_files import COMPOSE, ROOT, SHOP_JOBS, compose, instructions, job, seconds, variables

SERVICES: Mapping[str, Mapping[str, Any]] = compose()["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "penstock"}
EXAMPLE = dict(
    line.split("=", 1)
    for line in (COMPOSE.parent / "example.env").read_text().splitlines()
    if line and not line.startswith("#")
)


def test_penstock_is_prepared_run_and_helped_by_three_workers() -> None:
    assert OURS.keys() == {"prepare", "run", "work"}
    assert OURS["work"]["deploy"]["replicas"] == 3


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_is_a_service_that_can_be_so(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        match wait["condition"]:
            case "service_healthy":
                assert SERVICES[other]["healthcheck"]["test"][0] == "CMD"
            case "service_completed_successfully":
                assert "restart" not in SERVICES[other]
            case other_condition:
                pytest.fail(f"{name} waits until {other} is {other_condition}")


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_volume_and_config_is_there(name: str) -> None:
    service = SERVICES[name]
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source in compose()["volumes"] or (COMPOSE.parent / source).is_dir(), volume
    for config in service.get("configs", []):
        assert config["source"] in compose()["configs"]
    match service.get("build"):
        case str() as context:
            assert (COMPOSE.parent / context / "Dockerfile").is_file()
        case {"context": context, "dockerfile": dockerfile}:
            assert (COMPOSE.parent / context / dockerfile).is_file()
        case other:
            assert other is None


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_listens_beyond_this_machine(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_volumes_are_where_the_image_expects_them() -> None:
    [volume] = next(each for each in instructions(ROOT / "Dockerfile") if each.name == "VOLUME").array
    for service in OURS.values():
        assert f"journals:{volume}" in service["volumes"]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("path", sorted(SHOP_JOBS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_worker_has_longer_than_its_last_requests(path: Path) -> None:
    for service in OURS.values():
        assert seconds(service["stop_grace_period"]) > job(path).delivery.timeout.total


@pytest.mark.parametrize("path", sorted(SHOP_JOBS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_job_of_the_example_finds_its_variables(path: Path) -> None:
    for service in OURS.values():
        assert variables(path.read_text()) <= service["environment"].keys()


def test_the_example_of_an_env_file_has_a_line_for_each_variable_and_no_secret() -> None:
    assert variables(COMPOSE.read_text()) == EXAMPLE.keys()
    assert {name for name, value in EXAMPLE.items() if value} == {"JOB", "CUSTOMERS", "ORDERS"}
    assert (SHOP_JOBS / f"{EXAMPLE['JOB']}.yaml").is_file()


def test_the_env_file_itself_cannot_be_committed() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
