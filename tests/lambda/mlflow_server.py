"""MLflow's REST API in memory, over HTTP: the calls that the function makes, with MLflow's own limits."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = "s3://artifacts/mlflow"


class Refusal(Exception):  # noqa: N818 - an answer of MLflow
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Server:
    """What is stored, and who called: (path, headers) of every request."""

    def __init__(self) -> None:
        self.experiments: dict[str, str] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.failures: list[int] = []  # statuses that the next requests are answered with
        self.meanwhile: dict[str, Any] = {}

    def answer(self, path: str, asked: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        self.calls.append((path, headers))
        self.meanwhile.pop(path, lambda: None)()
        if self.failures:
            raise Refusal(self.failures.pop(0), "TEMPORARILY_UNAVAILABLE")
        return getattr(self, path.replace("/", "_").replace("-", "_"))(**asked) or {}

    def experiments_get_by_name(self, experiment_name: str) -> dict[str, Any]:
        if experiment_name not in self.experiments:
            raise Refusal(404, "RESOURCE_DOES_NOT_EXIST")
        return {"experiment": {"experiment_id": self.experiments[experiment_name]}}

    def experiments_create(self, name: str) -> dict[str, Any]:
        if name in self.experiments:
            raise Refusal(400, "RESOURCE_ALREADY_EXISTS")
        self.experiments[name] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[name]}

    def runs_create(self, experiment_id: str, run_name: str, start_time: int, tags: list[Any]) -> dict[str, Any]:
        run = f"run{len(self.runs)}"
        info = {"run_id": run, "experiment_id": experiment_id, "status": "RUNNING", "start_time": start_time}
        info["artifact_uri"] = f"{ROOT}/{experiment_id}/{run}/artifacts"
        self.runs[run] = {"info": info, "params": {}, "metrics": {}, "tags": {"mlflow.runName": run_name}}
        self.runs[run]["tags"] |= {tag["key"]: tag["value"] for tag in tags}
        return {"run": self._told(run)}

    def runs_search(self, experiment_ids: list[str], filter: str, max_results: int, **more: Any) -> dict[str, Any]:
        wanted = dict(re.findall(r"tags\.`([^`]+)` = '([^']*)'", filter))
        found = [r for r, run in self.runs.items() if wanted.items() <= run["tags"].items() and "gone" not in run]
        found = [r for r in found if self.runs[r]["info"]["experiment_id"] in experiment_ids]
        begin = int(more.get("page_token", 0))
        rest = {"next_page_token": str(begin + 2)} if len(found) > begin + 2 else {}
        return {"runs": [self._told(run) for run in found[begin : begin + 2]], **rest}

    def runs_log_batch(self, run_id: str, params: list[Any], metrics: list[Any], tags: list[Any]) -> None:
        run = self.runs[run_id]
        assert len(params) <= 100 and len(tags) <= 100 and len(params) + len(tags) + len(metrics) <= 1000
        for param in params:
            if run["params"].get(param["key"], param["value"]) != param["value"]:
                raise Refusal(400, "INVALID_PARAMETER_VALUE")
            assert len(param["key"]) <= 250 and len(param["value"]) <= 6000
        for kind, rows in (("params", params), ("metrics", metrics), ("tags", tags)):
            run[kind] |= {row["key"]: row["value"] for row in rows}

    def runs_update(self, run_id: str, status: str, end_time: int) -> None:
        self.runs[run_id]["info"] |= {"status": status, "end_time": end_time}

    def runs_delete(self, run_id: str) -> None:
        self.runs[run_id]["gone"] = True

    def _told(self, run: str) -> dict[str, Any]:
        held = self.runs[run]
        data = {k: [{"key": n, "value": v} for n, v in held[k].items()] for k in ("params", "metrics", "tags")}
        return {"info": held["info"], "data": data}


@contextmanager
def serving(server: Server) -> Iterator[str]:
    """Serves it on loopback; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, asked: dict[str, Any]) -> None:
            path = urlsplit(self.path).path.removeprefix("/api/2.0/mlflow/")
            try:
                status, told = 200, server.answer(path, asked, dict(self.headers.items()))
            except Refusal as refusal:
                status, told = refusal.status, {"error_code": refusal.code, "message": "as told"}
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
