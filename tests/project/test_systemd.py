"""The unit of systemd: a worker that ends softly, comes back where that may help, and writes to its own folder alone."""

from __future__ import annotations

from tests.project.deploy_files import service_says, unit

from penstock.spec.delivery_part import Timeout


def test_it_has_longer_than_its_last_requests() -> None:
    assert service_says("KillSignal") == "SIGTERM"
    assert int(service_says("TimeoutStopSec")) > Timeout().total


def test_it_comes_back_unless_a_person_must_act() -> None:
    assert service_says("Restart") == "on-failure"
    assert service_says("RestartPreventExitStatus") == "2"
    assert service_says("RestartForceExitStatus") == service_says("SuccessExitStatus") == "3"
    assert ("Unit", "StartLimitIntervalSec", "0") in unit()


def test_the_journal_is_in_the_folder_that_it_is_given() -> None:
    assert f"{service_says('Environment')}/penstock" == f"XDG_STATE_HOME=/var/lib/{service_says('StateDirectory')}"
    assert service_says("ProtectSystem") == "strict"


def test_it_may_look_into_proc_to_tell_which_workers_are_dead() -> None:
    assert not {"ProcSubset", "PrivatePIDs"} & {key for _, key, _ in unit()}


def test_it_works_on_the_job_file_that_its_name_says() -> None:
    assert service_says("ExecStart").split()[-1] == "%i.yaml"
    assert service_says("User") != "root"
    assert service_says("CapabilityBoundingSet") == ""
    assert service_says("NoNewPrivileges") == "yes"
