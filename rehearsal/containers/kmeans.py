"""A stand-in for SageMaker's built-in K-means image: `train` and `serve` under the container contract.

As AWS documents the algorithm, each instance reduces its own shard to more centres than wanted, and the centres of all
instances are then reduced to k. The first step and the last are scikit-learn's; instances talk over loopback.
"""

# pyright: reportMissingImports=false
# numpy and scikit-learn live in .venv-cloud only.
import json
import os
import pickle
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

if __package__ is None or __package__ == "":
    sys.path.insert(0, str(Path(__file__).parent))
from ndarray import read_ndarray, write_ndarray

ML = Path(os.environ["SLUICE_ML"])
MODEL = ML / "model" / "model_algo-1"
PATIENCE_SECONDS = 60


def train() -> None:
    parameters = json.loads((ML / "input/config/hyperparameters.json").read_text())
    cluster = json.loads((ML / "input/config/resourceconfig.json").read_text())
    hosts, host = cluster["hosts"], cluster["current_host"]
    k, factor = int(parameters["k"]), 10
    points = np.concatenate(
        [np.loadtxt(p, delimiter=",", ndmin=2) for p in sorted((ML / "input/data/train").iterdir())]
    )
    if points.shape[1] != int(parameters["feature_dim"]):
        raise SystemExit(f"feature_dim is {parameters['feature_dim']}, the data have {points.shape[1]} columns")
    print(f"{host}: {len(points)} points, {len(hosts)} hosts, stand-in: scikit-learn KMeans", flush=True)
    local = KMeans(n_clusters=min(k * factor, len(points)), n_init=1, random_state=0).fit(points)
    centres, weights = local.cluster_centers_, np.bincount(local.labels_, minlength=local.n_clusters)
    if host != hosts[0]:
        _send(int(json.loads(os.environ["SLUICE_PEERS"])[hosts[0]]), (centres, weights))
        return
    parts = [(centres, weights), *_receive(int(json.loads(os.environ["SLUICE_PEERS"])[host]), len(hosts) - 1)]
    pooled, mass = (np.concatenate(column) for column in zip(*parts, strict=True))
    final = KMeans(n_clusters=k, n_init=10, random_state=0).fit(pooled, sample_weight=mass)
    write_ndarray(MODEL, final.cluster_centers_.astype(np.float32))
    print(f"#quality_metric: host={host}, train msd <loss>={final.inertia_ / mass.sum():.6f}", flush=True)


def _receive(port: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    parts = []
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(PATIENCE_SECONDS)
        for _ in range(count):
            connection, _address = server.accept()
            with connection, connection.makefile("rb") as stream:
                parts.append(pickle.load(stream))
    return sorted(parts, key=lambda part: part[0].tobytes())


def _send(port: int, part: tuple[np.ndarray, np.ndarray]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("wb") as stream:
                pickle.dump(part, stream)
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Predictions(BaseHTTPRequestHandler):
    """`/ping` and `/invocations`: CSV rows in, the nearest cluster of each row out."""

    centres: np.ndarray

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.headers.get("Content-Type", "").split(";")[0] != "text/csv":
            return self._answer(415, b"only text/csv is served here")
        try:
            points = np.loadtxt(body.splitlines(), delimiter=",", ndmin=2)
        except ValueError as error:
            return self._answer(400, str(error).encode())
        if points.shape[1] != self.centres.shape[1]:
            return self._answer(400, f"expected {self.centres.shape[1]} columns, got {points.shape[1]}".encode())
        distances = np.linalg.norm(points[:, None, :] - self.centres[None], axis=2)
        rows = [{"closest_cluster": float(d.argmin()), "distance_to_cluster": float(d.min())} for d in distances]
        return self._answer(200, json.dumps({"predictions": rows}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve() -> None:
    Predictions.centres = read_ndarray(MODEL)
    HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Predictions).serve_forever()


if __name__ == "__main__":
    {"train": train, "serve": serve}[sys.argv[1]]()
