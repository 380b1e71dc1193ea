"""The process in which a model's own code runs, `inference.py` of its archive: `answering ARCHIVE SOCKET`.

Its folder becomes the model's. The first line that comes is the columns' names, and is answered by the model's problem
and classes; each later one is rows, answered by the probabilities of all classes, or the value, of each. Where the
model fails, that is the last answer, {"error"}. `apart.py` is the other end.
"""

# pyright: reportMissingImports=false

import importlib.util
import json
import socket
import sys
import tarfile
from pathlib import Path

# Before 3.10.12 and 3.11.4 Python knows no filters.
SAFELY: dict = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
CODE = Path("code", "inference.py")


def main(words):
    archive, number = words
    with socket.socket(fileno=int(number)) as both, both.makefile("rwb") as lines:
        try:
            for answer in _answers(Path(archive), Path.cwd(), lines):
                _tell(lines, answer)
        # The code is somebody else's and may raise whatever it likes; what else is examined must not end by it.
        except Exception as error:  # noqa: BLE001
            _tell(lines, {"error": f"{type(error).__name__}: {error}"})


def _answers(archive, folder, lines):
    code = _loaded(archive, folder)
    model = code.model_fn(folder)
    classes, problem = model[1].get("classes"), model[1]["problem"]
    columns = json.loads(next(lines))
    yield {"problem": problem, "classes": classes}
    for line in lines:
        told = code.predict_fn([dict(zip(columns, row, strict=True)) for row in json.loads(line)], model)
        if problem == "regression":
            yield [float(answer["value"]) for answer in told]
        else:
            yield [[float(answer["probabilities"][str(name)]) for name in classes] for answer in told]


def _loaded(archive, folder):
    """The module; raises KeyError where the archive brings none."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, **SAFELY)
    if not (folder / CODE).is_file():
        raise KeyError(f"{archive.name} holds no {CODE}")
    spec = importlib.util.spec_from_file_location("served_inference", folder / CODE)
    if spec is None or spec.loader is None:
        raise KeyError(f"{CODE} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _tell(lines, answer):
    # Numbers of numpy are told as Python's.
    lines.write(json.dumps(answer, default=lambda value: value.tolist()).encode() + b"\n")
    lines.flush()
