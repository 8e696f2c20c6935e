"""An image and a cluster: the container file works in a folder of what it copies, and Kubernetes takes the rest."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from deploying import DEPLOY, ROOT, instructions, settings

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; it comes with tallybook[test]")
KUBERNETES = "1.33"


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "cronjob.yaml").read_text(encoding="utf-8")))


def copied() -> list[tuple[list[str], str]]:
    """Return what the container file copies from the checkout, and where to."""
    words = [rest.split() for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    return [(sources, place) for *sources, place in words]


def test_each_source_of_a_copy_is_there_and_is_no_result_and_no_secret() -> None:
    sources = [source for each, _ in copied() for source in each]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert not {source for source in sources if re.match(r"data/(lake|invoices|received|key-secret)?$|\.$|\*", source)}


def test_the_base_image_is_an_argument_without_a_default_and_no_image_has_an_address() -> None:
    said = instructions()
    assert said[0] == ("ARG", "BASE_IMAGE")
    assert {rest.split()[0] for name, rest in said if name == "FROM"} == {"${BASE_IMAGE}"}
    for path in (DEPLOY / "Containerfile", DEPLOY / "cronjob.yaml", DEPLOY / "README.md"):
        assert not re.search(r"\b(docker|ghcr|quay|gcr|ecr|mcr)\.\w+|https?://", path.read_text(encoding="utf-8")), path


def test_the_image_runs_as_a_user_of_its_own_and_knows_where_the_books_are(documents: list[dict[str, Any]]) -> None:
    last = dict(instructions())
    pod = documents[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert last["USER"] == "{runAsUser}:{runAsGroup}".format(**pod["securityContext"])
    variables = set(last["ENV"].split())
    assert variables == set(settings("tallybook.service")["Service", "Environment"])
    (container,) = pod["containers"]
    assert {f"{each['name']}={each['value']}" for each in container["env"] if "value" in each} == variables
    assert json.loads(last["ENTRYPOINT"])[0] == settings("tallybook.service")["Service", "ExecStart"][0].split()[0]


@pytest.mark.slow
def test_what_is_copied_is_enough_to_install_and_to_run_a_night(tmp_path: Path) -> None:
    """Each RUN of the container file, in a folder of what it copies; what it needs comes from this environment."""
    source, program = tmp_path / "source", tmp_path / "opt/tallybook"
    for sources, place in copied():
        target = source / place
        target.mkdir(parents=True, exist_ok=True)
        for each in sources:
            subprocess.run(["cp", "-r", str(ROOT / each) + ("/." if each.endswith("/") else ""), target], check=True)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "EXTRAS": re.findall(
            r"^ARG EXTRAS=(.*)$", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE
        )[0],
        "PIP_NO_INDEX": "1",
    }
    runs = [rest.replace("/opt/tallybook", str(program)) for name, rest in instructions() if name == "RUN"]
    assert len(runs) == 3
    for command in runs:
        offline = command.replace("pip install", "pip install --no-deps --no-build-isolation")
        done = subprocess.run(
            ["/bin/sh", "-ec", offline], cwd=source, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{offline}: {done.stderr}"
    (entry,) = json.loads(dict(instructions())["ENTRYPOINT"])
    called = [entry.replace("/opt/tallybook", str(program)), "-w", str(tmp_path / "books")]
    for words, code in ((["init", str(tmp_path / "books")], 0), (["nightly", "--strict"], 3), (["verify"], 0)):
        done = subprocess.run(
            [*called, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr


@pytest.mark.long
def test_kubernetes_takes_every_document(documents: list[dict[str, Any]]) -> None:
    if importlib.util.find_spec("kubernetes_validate") is None:
        pytest.skip("kubernetes-validate is not installed; it comes with tallybook[test]")
    import kubernetes_validate  # noqa: PLC0415

    assert [document["kind"] for document in documents] == ["CronJob", "PersistentVolumeClaim"]
    for document in documents:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    misspelt = {**documents[0], "spec": {**documents[0]["spec"], "concurencyPolicy": "Forbid"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(misspelt, KUBERNETES, strict=True)


def test_a_night_runs_alone_once_and_is_not_tried_again(documents: list[dict[str, Any]]) -> None:
    spec = documents[0]["spec"]
    job = spec["jobTemplate"]["spec"]
    assert (spec["concurrencyPolicy"], spec["schedule"], spec["timeZone"]) == ("Forbid", "15 3 * * *", "Etc/UTC")
    assert (job["backoffLimit"], job["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert documents[1]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_a_pod_has_no_right_and_no_place_to_write_that_a_night_does_not_need(documents: list[dict[str, Any]]) -> None:
    pod = documents[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]}
    assert [name for name, mount in mounts.items() if not mount.get("readOnly")] == ["books", "tmp"]
    claims = [each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"] if "persistentVolumeClaim" in each]
    assert documents[1]["metadata"]["name"] in claims
    assert Path(container["args"][-1]).is_relative_to(mounts["books"]["mountPath"])
    (secret,) = (each["valueFrom"]["secretKeyRef"] for each in container["env"] if "valueFrom" in each)
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert f"kubectl create secret generic --from-file={secret['key']}=FILE {secret['name']}`" in page
