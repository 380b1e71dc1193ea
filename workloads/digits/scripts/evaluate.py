"""Measures how well the clusters of a K-means model separate the digits, and whether better than the champion's do."""

# pyright: reportMissingImports=false

import argparse
import tarfile
from pathlib import Path

import numpy as np
from ndarray import read_ndarrays
from toolkit.verdict import NO_CHAMPION, conclude

MODEL_MEMBER = "model_algo-1"
METRIC = "purity"


def main(argv=None):
    """Reads one or two model.tar.gz and the test set, writes evaluation.json.

    {"metrics": {"purity": {"value": 0 to 1}}, "champion": null or {"version", "metrics"}, "better": whether the model
    is to be registered, "reason": why, "clusters": and "images": how many}
    """
    options = parse(argv)
    centroids = read_centroids(options.model)
    features = np.loadtxt(options.test / "features.csv", delimiter=",", ndmin=2)
    labels = np.loadtxt(options.test / "labels.csv", dtype=np.int64, ndmin=1)
    values = {METRIC: measure(centroids, features, labels)}
    counts = {"clusters": len(centroids), "images": len(labels)}
    print(f"{len(centroids)} clusters, measured on {len(labels)} images")
    conclude(
        options.output,
        METRIC,
        values,
        options,
        lambda: {METRIC: measure(read_centroids(options.champion), features, labels)},
        **counts,
    )


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz of the training job")
    parser.add_argument("--champion", type=Path, help="model.tar.gz of the approved model; not read without a version")
    parser.add_argument("--champion-version", default=NO_CHAMPION, help="its version; 0 where none is approved")
    parser.add_argument("--test", type=Path, required=True, help="folder with features.csv and labels.csv")
    parser.add_argument("--metric", choices=[METRIC], default=METRIC, help="the one metric that there is")
    parser.add_argument("--direction", choices=["maximize"], default="maximize", help="a higher purity is better")
    parser.add_argument("--worst", type=float, help="a lower purity is not good enough, champion or not")
    parser.add_argument("--output", type=Path, required=True, help="folder for evaluation.json")
    options = parser.parse_args(argv)
    if options.champion_version != NO_CHAMPION and options.champion is None:
        parser.error(f"--champion-version is {options.champion_version}: say where that model lies, with --champion")
    return options


def measure(centroids, features, labels):
    """The purity of the clusters of `features`; raises ValueError when they are not what the model was trained on."""
    if features.shape[1] != centroids.shape[1]:
        raise ValueError(f"the model has {centroids.shape[1]} features and the test set {features.shape[1]}")
    return purity(nearest(features, centroids), labels)


def read_centroids(path):
    """The centroids in a model.tar.gz, one a row; raises ValueError when it holds anything but one matrix."""
    with tarfile.open(path) as archive:
        members = [member for member in archive if Path(member.name).name == MODEL_MEMBER]
        if len(members) != 1:
            raise ValueError(f"{path} holds {len(members)} files named {MODEL_MEMBER}; one is expected")
        content = archive.extractfile(members[0])
        if content is None:
            raise ValueError(f"{MODEL_MEMBER} in {path} is not a regular file")
        arrays = read_ndarrays(content.read())
    if len(arrays) != 1 or arrays[0].ndim != 2:
        raise ValueError(f"{MODEL_MEMBER} holds arrays of shapes {[a.shape for a in arrays]}; one matrix is expected")
    return arrays[0]


def nearest(features, centroids):
    """The index of the nearest centroid (Euclidean) of each row."""
    distances = ((features[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2)
    return distances.argmin(axis=1)


def purity(clusters, labels):
    """The share of rows (0 to 1) that carry the most frequent label of their cluster."""
    majorities = (np.unique(labels[clusters == c], return_counts=True)[1].max() for c in np.unique(clusters))
    return float(sum(majorities) / len(labels))


if __name__ == "__main__":
    main()
