"""deploy/kubernetes: the manifests name one another rightly, and their pods fit the image and the job file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.project.deploy_files import (
    KUBERNETES,
    ROOT,
    documents,
    instructions,
    job,
    kubernetes,
    of_kind,
    pods,
    variables,
)

PODS = pytest.mark.parametrize("pod", pods(), ids=lambda pod: " ".join(pod["containers"][0]["args"]))


def _only(kind: str) -> Mapping[str, Any]:
    [document] = of_kind(kind)
    return document


def _secrets() -> Mapping[str, str]:
    secrets: Mapping[str, str] = _only("Secret")["stringData"]
    return secrets


def _job_files() -> Mapping[str, str]:
    files: Mapping[str, str] = _only("ConfigMap")["data"]
    return files


def test_every_manifest_is_whole_and_in_whatever_namespace_it_is_applied() -> None:
    assert {path.suffix for path in KUBERNETES.iterdir()} == {".yaml"}
    for document in kubernetes():
        assert {"apiVersion", "kind", "metadata"} <= document.keys()
        assert "namespace" not in document["metadata"]
    names = [(document["kind"], document["metadata"]["name"]) for document in kubernetes()]
    assert len(names) == len(set(names))


@PODS
def test_a_pod_finds_its_files_and_secrets(pod: Mapping[str, Any]) -> None:
    [container] = pod["containers"]
    assert [source["secretRef"]["name"] for source in container["envFrom"]] == [_only("Secret")["metadata"]["name"]]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    assert volumes["jobs"]["configMap"]["name"] == _only("ConfigMap")["metadata"]["name"]
    for argument in container["args"]:
        assert not argument.endswith(".yaml") or argument in _job_files()


@PODS
def test_a_pod_fits_the_image(pod: Mapping[str, Any]) -> None:
    image = {each.name: each for each in instructions(ROOT / "Dockerfile")}
    [container] = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"jobs": image["WORKDIR"].words, "journal": image["VOLUME"].array[0]}
    rights = pod["securityContext"]
    assert f"{rights['runAsUser']}:{rights['runAsGroup']}" == image["USER"].words
    assert rights["fsGroup"] == rights["runAsGroup"]  # the journal's folder can be written to
    assert rights["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert not pod["automountServiceAccountToken"]


@PODS
def test_a_pod_has_longer_than_its_last_requests(pod: Mapping[str, Any], tmp_path: Path) -> None:
    for name, text in _job_files().items():
        (tmp_path / name).write_text(text)
        assert pod["terminationGracePeriodSeconds"] > job(tmp_path / name).delivery.timeout.total


def test_the_job_file_asks_for_nothing_but_what_the_secret_holds() -> None:
    for text in _job_files().values():
        assert variables(text) == _secrets().keys() - {"PENSTOCK_BROKER"}


def test_the_job_file_serves_more_than_one_machine(tmp_path: Path) -> None:
    for name, text in _job_files().items():
        (tmp_path / name).write_text(text)
        assert not job(tmp_path / name).ledger.url.get_secret_value().startswith("sqlite")


def test_selectors_find_the_workers_and_nobody_else() -> None:
    labels = _only("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert _only("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert _only("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    for each in of_kind("Job"):
        assert each["spec"]["template"]["metadata"]["labels"] != labels


def test_keda_scales_the_workers_by_the_queue_of_their_job() -> None:
    scaled = _only("ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == _only("Deployment")["metadata"]["name"]
    assert "replicas" not in _only("Deployment")["spec"]
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (0, 20)
    [trigger] = scaled["triggers"]
    assert (trigger["type"], trigger["metadata"]["mode"]) == ("rabbitmq", "QueueLength")
    assert all(isinstance(value, str) for value in trigger["metadata"].values())  # KEDA takes no numbers here
    [worker] = _only("Deployment")["spec"]["template"]["spec"]["containers"]
    assert trigger["metadata"]["queueName"].split(".")[:2] == ["penstock", Path(worker["args"][-1]).stem]
    [broker] = _only("TriggerAuthentication")["spec"]["secretTargetRef"]
    assert trigger["authenticationRef"]["name"] == _only("TriggerAuthentication")["metadata"]["name"]
    assert broker["name"] == _only("Secret")["metadata"]["name"]
    assert broker["key"] in _secrets()


@pytest.mark.parametrize(("name", "hopeless"), [("prepare", [2]), ("run", [1, 2])])
def test_a_job_is_not_tried_again_where_a_person_must_act(name: str, hopeless: list[int]) -> None:
    [document] = documents(KUBERNETES / f"{name}.yaml")
    rules = document["spec"]["podFailurePolicy"]["rules"]
    [rule] = [rule["onExitCodes"] for rule in rules if rule["action"] == "FailJob"]
    assert (rule["operator"], rule["values"]) == ("In", hopeless)
    assert rule["containerName"] == document["spec"]["template"]["spec"]["containers"][0]["name"]
    assert document["spec"]["template"]["spec"]["restartPolicy"] == "Never"  # else the policy is refused
