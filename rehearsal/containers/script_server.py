"""A stand-in for the serving side of the framework images: a user's model_fn, input_fn, predict_fn and output_fn.

Source: AWS, "Use Scikit-learn with the SageMaker Python SDK", and the defaults of aws/sagemaker-scikit-learn-container
and aws/sagemaker-inference-toolkit. JSON, CSV, NPY and NPZ (a sparse matrix) are read; JSON, CSV and NPY are written.
"""

# pyright: reportMissingImports=false
# numpy and scipy live in .venv-cloud only.
import importlib
import io
import json
import os
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

MODEL = Path(os.environ["SLUICE_ML"]) / "model"
JSON, CSV, NPY, NPZ = "application/json", "text/csv", "application/x-npy", "application/x-npz"


class UnsupportedError(Exception):
    """A content type that cannot be read (415) or written (406)."""

    def __init__(self, status: int, kind: str) -> None:
        super().__init__(f"{kind} is not supported by the default functions")
        self.status = status


def default_model_fn(folder: str) -> Any:
    raise NotImplementedError("Please provide a model_fn implementation.")


def default_input_fn(body: bytes, kind: str) -> Any:
    if kind == JSON:
        return np.array(json.loads(body))
    if kind == CSV:
        return np.genfromtxt(io.StringIO(body.decode()), delimiter=",")
    if kind == NPY:
        return np.load(io.BytesIO(body)).astype(np.float32)
    if kind == NPZ:
        return scipy.sparse.load_npz(io.BytesIO(body))
    raise UnsupportedError(415, kind)


def default_predict_fn(data: Any, model: Any) -> Any:
    return model.predict(data)


def default_output_fn(prediction: Any, accept: str) -> Any:
    stream = io.BytesIO()
    if accept == JSON:
        return json.dumps(np.asarray(prediction).tolist())
    if accept == CSV:
        np.savetxt(stream, np.asarray(prediction), delimiter=",", fmt="%s")
        return stream.getvalue()
    if accept == NPY:
        np.save(stream, np.asarray(prediction))
        return stream.getvalue()
    raise UnsupportedError(406, accept)


class Script:
    """The user's functions, with the image's own where there is none."""

    def __init__(self) -> None:
        folder = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", str(MODEL / "code")).removeprefix("file://")
        sys.path.insert(0, folder)
        module = importlib.import_module(os.environ.get("SAGEMAKER_PROGRAM", "inference.py").removesuffix(".py"))
        self._input = getattr(module, "input_fn", default_input_fn)
        self._predict = getattr(module, "predict_fn", default_predict_fn)
        self._output = getattr(module, "output_fn", default_output_fn)
        self._transform = getattr(module, "transform_fn", None)
        self._model = getattr(module, "model_fn", default_model_fn)(str(MODEL))

    def answer(self, body: bytes, kind: str, accept: str) -> tuple[bytes, str]:
        """(content, content type). An output_fn gives the content alone, or both."""
        text: Any = body if kind in (NPY, NPZ) or self._input is default_input_fn else body.decode()
        if self._transform:
            made = self._transform(self._model, text, kind, accept)
        else:
            made = self._output(self._predict(self._input(text, kind), self._model), accept)
        content, told = made if isinstance(made, tuple) else (made, accept)
        return content.encode() if isinstance(content, str) else content, told


class Handler(BaseHTTPRequestHandler):
    """`/ping` and `/invocations`."""

    script: Script

    def do_GET(self) -> None:
        self._send(200 if self.path == "/ping" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = (self.headers.get("Content-Type") or JSON).split(";")[0]
        accept = self.headers.get("Accept") or JSON
        try:
            content, told = self.script.answer(body, kind, JSON if accept == "*/*" else accept)
        except UnsupportedError as error:
            return self._send(error.status, str(error).encode(), "text/plain")
        except Exception as error:  # noqa: BLE001 - what a user's function raises is answered, as the images do
            traceback.print_exc()
            return self._send(500, str(error).encode(), "text/plain")
        return self._send(200, content, told)

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Handler.script = Script()
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
