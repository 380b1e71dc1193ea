"""Data-parallel PyTorch on the instances of a SageMaker training job.

    cluster = distributed.start()
    for rows in distributed.batches(len(X), batch=64, cluster=cluster, seed=epoch):
        loss = loss_of(model(X[rows]), y[rows])
        loss.backward()
        distributed.average(model, cluster)     # or torch.nn.parallel.DistributedDataParallel around the model
        optimizer.step()
    distributed.end()

One process an instance: for several GPUs on one machine start the script by torchrun, whose variables win here.
Source: AWS, "How Amazon SageMaker AI Runs Your Training Image" (resourceconfig.json); PyTorch, `torch.distributed`.
"""

# pyright: reportMissingImports=false

import json
import os
import random
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

PORT = 7777  # SageMaker's own launchers use it (SM_MASTER_PORT)
# An instance of the cluster may be minutes later than the others, because each gets its data by itself.
PATIENCE = timedelta(minutes=15)

Cluster = namedtuple("Cluster", "rank size address port interface")


def cluster(job="/opt/ml", environment=None):
    """This process' place among those of the job: of one process where nothing tells of others.

    Read from torchrun's variables, SageMaker's (SM_HOSTS, SM_CURRENT_HOST), or resourceconfig.json below
    `<job>/input/config`. Raises ValueError when the current host is not one of the hosts.
    """
    said = os.environ if environment is None else environment
    if {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= set(said):
        place = int(said["RANK"]), int(said["WORLD_SIZE"]), said["MASTER_ADDR"], int(said["MASTER_PORT"])
        return Cluster(*place, said.get("SM_NETWORK_INTERFACE_NAME"))
    file = Path(job) / "input" / "config" / "resourceconfig.json"
    resources = json.loads(file.read_text()) if file.is_file() else {}
    hosts = json.loads(said["SM_HOSTS"]) if "SM_HOSTS" in said else resources.get("hosts", ["localhost"])
    host = said.get("SM_CURRENT_HOST") or resources.get("current_host", hosts[0])
    if host not in hosts:
        raise ValueError(f"this host is {host!r}, which is not one of the job's: {', '.join(hosts)}")
    hosts = sorted(hosts)
    # In the rehearsal all hosts are one machine, and each has a port of its own there.
    peers = json.loads(said.get("SLUICE_PEERS", "{}"))
    address, port = ("127.0.0.1", peers[hosts[0]]) if peers else (hosts[0], PORT)
    interface = said.get("SM_NETWORK_INTERFACE_NAME") or resources.get("network_interface_name")
    return Cluster(hosts.index(host), len(hosts), address, port, interface)


def start(job="/opt/ml"):
    """Joins the other processes, by NCCL where there are GPUs and Gloo where there are none; gives back the cluster.

    Alone it joins nothing. Raises torch.distributed.DistError when the others do not come in 15 minutes.
    """
    import torch
    from torch import distributed

    found = cluster(job)
    if found.size > 1:
        if found.interface:
            os.environ.setdefault("NCCL_SOCKET_IFNAME", found.interface)
            os.environ.setdefault("GLOO_SOCKET_IFNAME", found.interface)
        distributed.init_process_group(
            "nccl" if torch.cuda.is_available() else "gloo",
            init_method=f"tcp://{found.address}:{found.port}",
            rank=found.rank,
            world_size=found.size,
            timeout=PATIENCE,
        )
    return found


def end():
    """Leaves the others, if there are any."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()


def batches(rows, batch, cluster, seed):
    """This process' share of each global batch, as lists of row numbers.

    Every process shuffles alike, by the seed, and takes every `size`-th row of a batch, so the union of the shares is
    what one process alone would take. `rows` that fill no whole batch are left out, and `batch` is a multiple of the
    number of processes: shares of the same size, so that the mean of their means is the mean of the batch.
    """
    if batch % cluster.size:
        raise ValueError(f"a batch of {batch} rows cannot be shared evenly by {cluster.size} processes")
    order = list(range(rows))
    random.Random(seed).shuffle(order)
    for first in range(0, rows - batch + 1, batch):
        yield order[first + cluster.rank : first + batch : cluster.size]


def average(module, cluster):
    """Makes every process' gradients the mean of all of them. What has no gradient in one must have none in any."""
    from torch import distributed

    if cluster.size > 1:
        for parameter in module.parameters():
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= cluster.size
