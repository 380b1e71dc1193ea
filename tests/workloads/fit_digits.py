"""Run by test_digits_scripts.py in .venv-cloud: clusters the shards in a folder and writes model.tar.gz.

Usage: fit_digits.py TRAIN_FOLDER MODEL CLUSTERS
"""

# pyright: reportMissingImports=false

import sys
import tarfile
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "rehearsal" / "containers"))
from ndarray import write_ndarray  # noqa: E402

shards = sorted(Path(sys.argv[1]).glob("part-*.csv"))
points = np.concatenate([np.loadtxt(shard, delimiter=",") for shard in shards])
centroids = KMeans(n_clusters=int(sys.argv[3]), n_init=4, random_state=0).fit(points).cluster_centers_
model = Path(sys.argv[2])
write_ndarray(model.with_name("model_algo-1"), centroids)
with tarfile.open(model, "w:gz") as archive:
    archive.add(model.with_name("model_algo-1"), "model_algo-1")
