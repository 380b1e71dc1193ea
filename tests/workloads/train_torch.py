"""Trains a small network on the digits, with as many processes as the job has; rank 0 saves it with a look inside."""

# pyright: reportMissingImports=false

import argparse
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).parents[2] / "workloads"))
from toolkit import distributed
from toolkit.inside import Inside
from toolkit.inside.pytorch import watch_module


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", type=Path, required=True, help="the folder that stands for /opt/ml")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    cluster = distributed.start(options.job)
    X, y = (torch.tensor(part) for part in load_digits(return_X_y=True))  # noqa: N806
    X = X.float() / 16  # noqa: N806
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    watched = watch_module(Inside(options.job / "output/data"), model) if cluster.rank == 0 else None
    step = 0
    for epoch in range(options.epochs):
        for rows in distributed.batches(len(X), batch=64, cluster=cluster, seed=epoch):
            optimizer.zero_grad()
            loss = cross_entropy(model(X[rows]), y[rows])
            loss.backward()
            distributed.average(model, cluster)
            if watched:
                watched.record(step, train=loss.item())
            optimizer.step()
            step += 1
    if watched:
        watched.inside.report()
    options.job.joinpath("model").mkdir(exist_ok=True, parents=True)
    torch.save(model.state_dict(), options.job / "model" / f"rank-{cluster.rank}.pt")
    distributed.end()
    sys.stdout.write(f"rank {cluster.rank} of {cluster.size}: {step} steps\n")


if __name__ == "__main__":
    main()
