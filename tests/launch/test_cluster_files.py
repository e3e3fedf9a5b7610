"""The files of `launch/cluster`: they parse, follow their schemas where these can be had, and the SLURM script runs."""

from __future__ import annotations

import copy
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.stacks import read_rows

from .conftest import ROOT, SPACE, environment
from .processes import TIMEOUT

CLUSTER = ROOT / "launch" / "cluster"
PAGE = ROOT / "docs" / "cluster.md"


def test_the_shell_script_parses():
    subprocess.run(["bash", "-n", CLUSTER / "slurm.sh"], check=True)


@pytest.mark.system
@pytest.mark.parametrize("script", [CLUSTER / "slurm.sh", ROOT / ".ci" / "run", ROOT / ".ci" / "full"])
def test_shellcheck_has_nothing_to_say(script):
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck")
    subprocess.run(["shellcheck", script], check=True)


def test_sbatch_options_stand_before_the_first_command():
    """SLURM reads no #SBATCH line after it."""
    lines = (CLUSTER / "slurm.sh").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    assert not [line for line in lines[first:] if line.startswith("#SBATCH")]
    given = dict(re.match(r"#SBATCH --([\w-]+)=?(.*)", line).groups() for line in lines if line.startswith("#SBATCH"))
    assert given["signal"] == "B:USR1@120"
    assert {"requeue", "exclusive", "nodes", "time"} <= set(given)


def test_ray_up_follows_rays_schema():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((CLUSTER / "ray_up.yaml").read_text())
    whole = prepare_config(copy.deepcopy(config))
    validate_config(whole)
    for command in (whole["head_start_ray_commands"][-1], whole["worker_start_ray_commands"][-1]):
        assert "RAY_AUTH_MODE=token" in command
    assert "--dashboard-host=127.0.0.1" in whole["head_start_ray_commands"][-1]
    for kind in whole["available_node_types"].values():
        # Without groups of the user's own, Ray opens port 22 to the world.
        assert kind["node_config"]["SecurityGroupIds"]
        assert all(disk["Ebs"]["Encrypted"] for disk in kind["node_config"]["BlockDeviceMappings"])
    # EFS is mounted through TLS, by a process on this machine.
    mounts = [each for each in config["setup_commands"] if " mount -t " in each]
    assert len(mounts) == 1
    assert "127.0.0.1:/ /results" in mounts[0]
    assert any("verifyChain = yes" in each and "checkHost = $EFS" in each for each in config["setup_commands"])
    for path in config["file_mounts"].values():
        assert path.startswith("~") or (ROOT / path).exists()


# KubeRay's CRD is neither on PyPI nor on npm. This is the part of it that kuberay.yaml uses, written down from the
# operator's Go types (ray-operator/apis/ray/v1, releases 1.5 and 1.6).
POD_TEMPLATE = {
    "type": "object",
    "required": ["spec"],
    "additionalProperties": False,
    "properties": {
        "metadata": {"type": "object"},
        "spec": {"type": "object", "required": ["containers"], "properties": {"containers": {"minItems": 1}}},
    },
}
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 0}
GROUP = {"rayStartParams": STRINGS, "template": POD_TEMPLATE}
RAY_JOB = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "required": ["entrypoint", "rayClusterSpec"],
            "additionalProperties": False,
            "properties": {
                "entrypoint": {"type": "string"},
                "submissionMode": {"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
                "backoffLimit": COUNT,
                "shutdownAfterJobFinishes": {"type": "boolean"},
                "ttlSecondsAfterFinished": COUNT,
                "rayClusterSpec": {
                    "type": "object",
                    "required": ["headGroupSpec"],
                    "additionalProperties": False,
                    "properties": {
                        "rayVersion": {"type": "string"},
                        "authOptions": {"type": "object", "properties": {"mode": {"enum": ["disabled", "token"]}}},
                        "headGroupSpec": {
                            "type": "object",
                            "required": ["rayStartParams", "template"],
                            "additionalProperties": False,
                            "properties": {"serviceType": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]}, **GROUP},
                        },
                        "workerGroupSpecs": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"],
                                "additionalProperties": False,
                                "properties": {
                                    "groupName": {"type": "string"},
                                    **dict.fromkeys(("replicas", "minReplicas", "maxReplicas"), COUNT),
                                    **GROUP,
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_kuberay_follows_the_schema_and_hangs_together():
    volume, policy, job = yaml.safe_load_all((CLUSTER / "kuberay.yaml").read_text())
    assert [each["kind"] for each in (volume, policy, job)] == ["PersistentVolumeClaim", "NetworkPolicy", "RayJob"]
    jsonschema.validate(job, RAY_JOB)
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert cluster["authOptions"] == {"mode": "token"}
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    # Own pods and names.
    assert [rule.get("ports") is not None for rule in policy["spec"]["egress"]] == [False, True]
    assert policy["spec"]["egress"][0]["to"] == policy["spec"]["ingress"][0]["from"]
    gpus = 0
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        template = group["template"]
        assert template["metadata"]["labels"].items() >= policy["spec"]["podSelector"]["matchLabels"].items()
        (container,) = template["spec"]["containers"]
        assert template["spec"]["automountServiceAccountToken"] is False
        allowed = template["spec"]["securityContext"]
        assert (allowed["runAsNonRoot"], allowed["runAsUser"]) == (True, 1000)
        assert allowed["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        (mount,) = container["volumeMounts"]
        (source,) = template["spec"]["volumes"]
        assert source["name"] == mount["name"]
        assert source["persistentVolumeClaim"]["claimName"] == volume["metadata"]["name"]
        gpus += group.get("replicas", 0) * int(container["resources"]["limits"].get("nvidia.com/gpu", 0))
        assert f"--output {mount['mountPath']}/" in job["spec"]["entrypoint"]
    assert f"--gpus {gpus} " in job["spec"]["entrypoint"]
    installed = re.search(r"rayproject/ray:([\d.]+)", (CLUSTER / "Dockerfile").read_text())[1]
    assert cluster["rayVersion"] == installed
    assert f"'ray[default]=={installed}'" in (CLUSTER / "ray_up.yaml").read_text()
    for path in re.findall(r"/opt/paretofair/(\S+)", job["spec"]["entrypoint"]):
        assert (ROOT / path).exists()


def test_the_image_is_pinned_and_has_no_way_to_root():
    text = (CLUSTER / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2
    assert all(base.endswith("@${RAY_DIGEST}") for base in bases)
    # Without a default: a build that names no digest is refused.
    assert re.search(r"^ARG RAY_DIGEST$", text, re.MULTILINE)
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "1000:100"
    assert not re.search(r"^RUN.*sudo (?!&&)(?!-)", text.replace("purge -y sudo", ""), re.MULTILINE)
    for source in re.findall(r"^COPY (?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())


@pytest.mark.parametrize("made_by", ["nobody", "a link", "another", "open", "this user"])
def test_the_folder_of_a_job_is_its_users_alone(tmp_path, made_by):
    """What `start_ray` does before it becomes Ray."""
    folder, other = tmp_path / "paretofair-7", tmp_path / "other"
    other.mkdir(0o700)
    if made_by == "a link":
        folder.symlink_to(other)
    elif made_by != "nobody":
        folder.mkdir(0o700)
    if made_by == "open":
        folder.chmod(0o777)
    if made_by == "another":
        if os.geteuid():
            pytest.skip("needs root, to make a folder of another user")
        os.chown(folder, 65534, 65534)
    script = (CLUSTER / "slurm.sh").read_text()
    body = script[script.index("start_ray() {") : script.index("export -f")]
    command = f"set -euo pipefail\n{body}\nstart_ray 127.0.0.1 --temp-dir=$folder/r"
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment(folder=str(folder), PARETOFAIR_PYTHON=shutil.which("echo")),
        capture_output=True,
        text=True,
    )
    if made_by in ("nobody", "this user"):
        assert done.returncode == 0, done.stderr
        assert folder.stat().st_mode & 0o777 == 0o700
    else:
        assert done.returncode == 1
        assert f"{folder} on " in done.stderr
        assert "is not a folder of yours alone" in done.stderr


def test_the_page_names_files_that_exist():
    for path in re.findall(r"\b(?:launch|search_spaces)/[\w/]+\.(?:py|sh|yaml)\b", PAGE.read_text()):
        assert (ROOT / path).exists(), path


def gather(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `launch/cluster/gather.py` where there is no cluster."""
    command = [sys.executable, CLUSTER / "gather.py", *arguments]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=TIMEOUT)


def test_gather_gives_up_where_nothing_listens():
    done = gather("--address", "127.0.0.1:1", "--gpus", "2", "--timeout", "0", "--", "touch", "never")
    assert done.returncode == 1
    assert "127.0.0.1:1 cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    done = gather("--gpus", "two")
    assert done.returncode == 2
    assert "expected a whole number" in done.stderr


# What the script asks of SLURM, on this machine alone: a step is a process that its srun becomes.
STUBS = {
    "srun": 'while [[ ${1:-} == --* ]]; do shift; done\nexec "$@"\n',
    "scontrol": 'case $1 in\n    show) printf "%s\\n" $FAKE_NODES ;;\n    *) echo "$@" >>"$FAKE_CALLS" ;;\nesac\n',
    # Both nodes of a pair have the loopback address.
    "ip": 'echo "1: lo    inet 127.0.0.1/8 scope host lo"\n',
}
TRAINED = ["--trials", "12", "--seeds", "0", "--methods", "vanilla", "--set", "data.source=simulated"]
TRAINED += ["--set", "parameters.epochs=20", "--set", "resources={cpus: 1, pack: 4, stack: 2, compile: false}"]
TRAINED += ["--set", "stages.baselines={runs: 2, parameters: {learning_rate: 0.08, epochs: 2}}"]
TRAINED += ["--set", "stages.confirm=null"]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for Ray: the paths of its sockets may have 107 characters. Nothing that uses it outlives the test."""
    folder = Path(tempfile.mkdtemp(prefix="pf-"))
    yield folder
    for process in of(folder):
        os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sbatch(tmp_path: Path, short: Path) -> Iterator[Callable[[str, int], subprocess.Popen[str]]]:
    """Starts the SLURM script as job 7 on the given nodes, for the given time."""
    for name, text in STUBS.items():
        stub = tmp_path / "bin" / name
        stub.parent.mkdir(exist_ok=True)
        stub.write_text("#!/usr/bin/env bash\n" + text)
        stub.chmod(0o755)
    started = []

    def start(nodes: str, restart: int) -> subprocess.Popen[str]:
        slurm = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "any", "SLURM_SUBMIT_DIR": str(ROOT)}
        slurm |= {"SLURM_CPUS_PER_TASK": "1", "SLURM_RESTART_COUNT": str(restart), "HOME": str(tmp_path)}
        own = {"PARETOFAIR_PYTHON": sys.executable, "PARETOFAIR_INTERFACE": "lo", "PARETOFAIR_TMP": str(short)}
        fake = {"FAKE_NODES": nodes, "FAKE_CALLS": str(tmp_path / "calls")}
        fake["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        started.append(
            subprocess.Popen(
                [CLUSTER / "slurm.sh", "--space", SPACE, *TRAINED, "--output", tmp_path / "out"],
                env=environment(**slurm, **own, **fake),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()


def of(folder: Path) -> list[int]:
    """Process ids of the Rays that keep their files in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() + b"/" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.ray
def test_a_slurm_job_stops_at_its_time_limit_and_goes_on(tmp_path, short, sbatch):
    """Two nodes: SLURM's warning stops the sweep, Ray ends, the job is queued again. One node: the rest is trained."""
    out = tmp_path / "out"
    process = sbatch("a b", 0)
    deadline = time.monotonic() + TIMEOUT
    while len(list(out.glob("trials/sweep-*.parquet"))) < 2:
        assert time.monotonic() < deadline, "no trial finished"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    token = tmp_path / ".ray" / "paretofair-7.token"
    assert token.stat().st_mode & 0o777 == 0o600
    process.send_signal(signal.SIGUSR1)
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, output
    print(output)
    assert "2 of 2 nodes" in output
    assert (tmp_path / "calls").read_text() == "requeue 7\n"
    assert not token.exists()
    assert not of(short)
    before = {path: path.stat().st_mtime_ns for path in out.glob("trials/*.parquet")}
    assert 0 < len(read_rows(before)) < 17

    process = sbatch("a", 1)
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, output
    print(output)
    assert "Ray at 127.0.0.1:" in output
    assert (tmp_path / "calls").read_text() == "requeue 7\n"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    trials = read_rows(out.glob("trials/*.parquet"))
    assert trials["trial_id"].is_unique
    assert trials.groupby("stage").size().to_dict() == {"baselines": 4, "points": 1, "sweep": 12}
    assert (out / "frontiers" / "all.csv").exists()


def test_a_slurm_job_says_what_is_wrong(tmp_path):
    """Outside of SLURM, and where there is no Python."""
    for changes, message in (
        ({"SLURM_JOB_ID": ""}, "run me with sbatch"),
        ({"SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": str(tmp_path)}, "root of the repository"),
        ({"SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": str(ROOT), "PARETOFAIR_PYTHON": "/none"}, "PARETOFAIR_PYTHON=/none"),
    ):
        done = subprocess.run([CLUSTER / "slurm.sh"], env=environment(**changes), capture_output=True, text=True)
        assert done.returncode == 2
        assert message in done.stderr
