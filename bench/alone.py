"""A handler imported as Lambda does it: in a bare interpreter, with the package and what the runtime brings along."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from bench.figure import BenchError

# What the Lambda runtime brings along: boto3 and what it needs.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")
# Runs without site-packages: beside the standard library only the package and, by name, the runtime's modules.
_ALONE = """
import importlib, importlib.machinery, json, sys, time
package, site, runtime, module = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4]
class Runtime:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None and name in runtime:
            return importlib.machinery.PathFinder.find_spec(name, [site])
sys.path.insert(0, package)
sys.meta_path.append(Runtime)
import boto3
began = time.perf_counter()
assert callable(importlib.import_module(module).handler)
seconds = time.perf_counter() - began
files = [m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
print(json.dumps({"seconds": seconds, "files": [f for f in files if f.startswith(site)]}))
"""


class Import(NamedTuple):
    """`seconds` beyond boto3's own; `others`: top-level modules of site-packages, the runtime's among them."""

    seconds: float
    others: set[str]


def imported(package: Path, verb: str) -> Import:
    """The handler `controls.<verb>` of the unzipped `package`. Raises BenchError with what the interpreter says."""
    site, runtime = sysconfig.get_path("purelib"), ",".join(RUNTIME)
    command = [sys.executable, "-I", "-S", "-B", "-c", _ALONE, str(package), site, runtime, f"controls.{verb}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise BenchError(f"controls.{verb} does not import alone:\n{run.stderr}")
    found = json.loads(run.stdout)
    return Import(found["seconds"], {Path(f).relative_to(site).parts[0].removesuffix(".py") for f in found["files"]})
