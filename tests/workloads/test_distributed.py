"""A training's place in its cluster, and what several processes learn together."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal import processes
from tests.workloads.torch_environment import PYTHON, needs_torch
from workloads.toolkit import distributed
from workloads.toolkit.distributed import Cluster

COMPARE = """
import json, sys, torch
states = [torch.load(path) for path in sys.argv[1:]]
print(json.dumps([max((one[name] - states[0][name]).abs().max().item() for name in one) for one in states]))
"""


def variables(host: str, hosts: list[str], **more: str) -> dict[str, str]:
    return {"SM_HOSTS": json.dumps(hosts), "SM_CURRENT_HOST": host, **more}


def test_the_first_host_is_the_address_of_all(tmp_path: Path) -> None:
    found = distributed.cluster(tmp_path, variables("algo-2", ["algo-2", "algo-1"], SM_NETWORK_INTERFACE_NAME="eth0"))
    assert found == Cluster(rank=1, size=2, address="algo-1", port=7777, interface="eth0")


def test_a_cluster_is_read_from_the_resource_configuration_where_no_variables_are_set(tmp_path: Path) -> None:
    (tmp_path / "input/config").mkdir(parents=True)
    said = {"current_host": "algo-1", "hosts": ["algo-1", "algo-2"], "network_interface_name": "eth1"}
    (tmp_path / "input/config/resourceconfig.json").write_text(json.dumps(said))
    assert distributed.cluster(tmp_path, {}) == Cluster(0, 2, "algo-1", 7777, "eth1")


def test_alone_without_a_word_and_by_torchrun_where_it_starts_the_script(tmp_path: Path) -> None:
    assert distributed.cluster(tmp_path, {})[:2] == (0, 1)
    launched = {"RANK": "3", "WORLD_SIZE": "4", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}
    assert distributed.cluster(tmp_path, {**launched, **variables("algo-1", ["algo-1"])})[:4] == (
        3,
        4,
        "10.0.0.1",
        29500,
    )


def test_a_host_that_is_not_of_the_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this host is 'algo-3', which is not one of the job's: algo-1, algo-2"):
        distributed.cluster(tmp_path, variables("algo-3", ["algo-1", "algo-2"]))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_shares_are_of_one_size_and_make_up_the_batches_of_one_process(size: int) -> None:
    alone = list(distributed.batches(100, 12, Cluster(0, 1, "", 0, None), seed=3))
    shares = [list(distributed.batches(100, 12, Cluster(rank, size, "", 0, None), seed=3)) for rank in range(size)]
    assert {len(rows) for share in shares for rows in share} == {12 // size}
    together = [sorted(row for rows in parts for row in rows) for parts in zip(*shares, strict=True)]
    assert together == [sorted(rows) for rows in alone]
    assert len({row for rows in alone for row in rows}) == 96


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 9 rows cannot be shared evenly by 2 processes"):
        next(distributed.batches(100, 9, Cluster(0, 2, "", 0, None), seed=0))


def start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    command: list[Any] = [PYTHON, Path(__file__).with_name("train_torch.py"), "--job", folder]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env={**os.environ, **environment}, **pipes)


@needs_torch
@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_the_same_batches(tmp_path: Path) -> None:
    hosts = ["algo-1", "algo-2"]
    ports = json.dumps({host: processes.free_port() for host in hosts})
    more = {"SLUICE_PEERS": ports, "SM_NETWORK_INTERFACE_NAME": "lo"}
    started = [start(tmp_path / host, variables(host, hosts, **more)) for host in hosts]
    started.append(start(tmp_path / "alone", {}))
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    weights = [
        tmp_path / name for name in ("algo-1/model/rank-0.pt", "algo-2/model/rank-1.pt", "alone/model/rank-0.pt")
    ]
    done = subprocess.run([PYTHON, "-c", COMPARE, *weights], capture_output=True, text=True, check=True, timeout=60)
    _, of_the_other, of_one_alone = json.loads(done.stdout)
    assert of_the_other == 0
    # The sums are taken in another order.
    assert of_one_alone < 1e-5
    assert (tmp_path / "algo-1/output/data/inside/report.html").is_file()
    assert not (tmp_path / "algo-2/output").exists()
