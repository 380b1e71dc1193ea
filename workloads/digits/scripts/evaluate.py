"""Measures how well the clusters of a K-means model separate the digits."""

# pyright: reportMissingImports=false

import argparse
import json
import tarfile
from pathlib import Path

import numpy as np
from ndarray import read_ndarrays

MODEL_MEMBER = "model_algo-1"


def main(argv=None):
    """Reads model.tar.gz and the test set, writes evaluation.json: purity (0 to 1), clusters and images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz of the training job")
    parser.add_argument("--test", type=Path, required=True, help="folder with features.csv and labels.csv")
    parser.add_argument("--output", type=Path, required=True, help="folder for evaluation.json")
    options = parser.parse_args(argv)
    centroids = read_centroids(options.model)
    features = np.loadtxt(options.test / "features.csv", delimiter=",", ndmin=2)
    labels = np.loadtxt(options.test / "labels.csv", dtype=np.int64, ndmin=1)
    if features.shape[1] != centroids.shape[1]:
        raise ValueError(f"the model has {centroids.shape[1]} features and the test set {features.shape[1]}")
    value = purity(nearest(features, centroids), labels)
    report = {"clustering": {"purity": {"value": value}, "clusters": len(centroids), "images": len(labels)}}
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "evaluation.json").write_text(json.dumps(report) + "\n")
    print(f"purity {value:.3f} of {len(centroids)} clusters on {len(labels)} images")


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
