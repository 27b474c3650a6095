import os
import subprocess
import sys

from penstock.engine.owner import is_dead, new_owner


def owner_of_a_child_that_has_ended() -> str:
    code = "from penstock.engine.owner import new_owner; print(new_owner())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_name_is_never_used_twice_and_fits_the_ledgers_column() -> None:
    assert new_owner() != new_owner()
    assert len(new_owner()) <= 120


def test_a_living_process_is_not_dead() -> None:
    assert not is_dead(new_owner())


def test_a_process_that_has_ended_is_dead() -> None:
    assert is_dead(owner_of_a_child_that_has_ended())


def test_a_pid_that_was_given_to_another_process_is_dead() -> None:
    boot, namespace, _, _, random = new_owner().split(":")
    assert is_dead(":".join((boot, namespace, str(os.getpid()), "1", random)))


def test_nothing_is_proven_about_another_machine_or_another_container() -> None:
    boot, namespace, pid, started, random = owner_of_a_child_that_has_ended().split(":")
    assert not is_dead(":".join(("another-boot", namespace, pid, started, random)))
    assert not is_dead(":".join((boot, "1", pid, started, random)))


def test_a_name_that_is_none_proves_nothing() -> None:
    assert not is_dead("")
    assert not is_dead("somebody")
