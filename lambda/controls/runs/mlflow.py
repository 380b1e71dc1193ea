"""A client of an MLflow App: the few calls of MLflow's REST API that record and read runs.

Of an app, AWS's plugin `sagemaker-mlflow` says: one host for all apps of a region, the app's ARN in a header, signed
for `sagemaker`, SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT instead of the host. Nobody has called an app of AWS with this yet.
"""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from controls.runs import batches

_ATTEMPTS = 4
_TIMEOUT_SECONDS = 30
_PAGE = 200


class MlflowError(RuntimeError):
    """A call that MLflow, or IAM before it, refused; `status` is that of HTTP."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code = status, code


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as MLflow tells it; of each metric the last value. Times are milliseconds since the epoch."""

    id: str
    status: str
    started: int
    ended: int | None
    artifact_uri: str
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


class Mlflow:
    """The app `arn`, called with `credentials` of botocore. Every method raises MlflowError."""

    def __init__(self, arn: str, credentials: Any) -> None:
        self._arn, self._credentials, self._region = arn, credentials, arn.split(":")[3]
        custom = os.environ.get("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT")
        self._host = custom or f"https://mlflow.sagemaker.{self._region}.app.aws"

    def experiment(self, name: str) -> str | None:
        """Its id, if there is one."""
        try:
            found = self._call("GET", "experiments/get-by-name", {"experiment_name": name})
        except MlflowError as error:
            if error.status == 404:
                return None
            raise
        return found["experiment"]["experiment_id"]

    def make_experiment(self, name: str) -> str:
        """The id of the experiment, which is made if there is none."""
        if (found := self.experiment(name)) is not None:
            return found
        try:
            return self._call("POST", "experiments/create", {"name": name})["experiment_id"]
        except MlflowError as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = self.experiment(name)  # somebody else has just made it
        assert found is not None
        return found

    def runs(self, experiment: str, tags: Mapping[str, str] | None = None, most: int | None = None) -> Iterator[Run]:
        """The runs that have all of `tags`, newest first."""
        asked: dict[str, Any] = {
            "experiment_ids": [experiment],
            "filter": " and ".join(f"tags.`{key}` = '{value}'" for key, value in (tags or {}).items()),
            "max_results": min(most or _PAGE, _PAGE),
            "order_by": ["attributes.start_time DESC"],
        }
        given = 0
        while True:
            answer = self._call("POST", "runs/search", asked)
            for row in answer.get("runs", []):
                yield _run(row)
                given += 1
                if given == most:
                    return
            if not answer.get("next_page_token"):
                return
            asked["page_token"] = answer["next_page_token"]

    def start(self, experiment: str, name: str, started: int, tags: Mapping[str, str]) -> Run:
        asked = {"experiment_id": experiment, "run_name": name, "start_time": started, "tags": batches.tags(tags)}
        return _run(self._call("POST", "runs/create", asked)["run"])

    def log(
        self,
        run: str,
        *,
        at: int = 0,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add these to a run, metrics as of `at`. What is there already with the same value stays as it is.

        Names lose the characters that MLflow does not take, texts what is too long; values that are no number are left
        out.
        """
        for batch in batches.batches(at, params or {}, metrics or {}, tags or {}):
            self._call("POST", "runs/log-batch", {"run_id": run, **batch})

    def end(self, run: str, status: str, ended: int) -> None:
        """`status`: FINISHED | FAILED | KILLED."""
        self._call("POST", "runs/update", {"run_id": run, "status": status, "end_time": ended})

    def delete(self, run: str) -> None:
        self._call("POST", "runs/delete", {"run_id": run})

    def _call(self, method: str, path: str, members: Mapping[str, Any]) -> dict[str, Any]:
        url, body = f"{self._host}/api/2.0/mlflow/{path}", None
        if method == "GET":
            url += "?" + urlencode(members, quote_via=quote)
        else:
            body = json.dumps(members).encode()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(self._signed(method, url, body), timeout=_TIMEOUT_SECONDS) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as refusal:
                if attempt == _ATTEMPTS or (refusal.code != 429 and refusal.code < 500):
                    raise _refused(refusal) from refusal
            except OSError as error:
                if attempt == _ATTEMPTS:
                    raise MlflowError(0, "Unreachable", f"{self._host}: {error}") from error
            time.sleep(2 ** (attempt - 2))
        raise AssertionError(path)

    def _signed(self, method: str, url: str, body: bytes | None) -> urllib.request.Request:
        headers = {"Content-Type": "application/json", "x-sm-mlflow-app-arn": self._arn}
        request = AWSRequest(method=method, url=url, data=body, headers=headers)
        SigV4Auth(self._credentials.get_frozen_credentials(), "sagemaker", self._region).add_auth(request)
        return urllib.request.Request(url, data=body, headers=dict(request.headers.items()), method=method)


def _run(row: dict[str, Any]) -> Run:
    info, data = row["info"], row.get("data", {})
    return Run(
        id=info["run_id"],
        status=info["status"],
        started=int(info["start_time"]),
        ended=int(info["end_time"]) if info.get("end_time") else None,
        artifact_uri=info["artifact_uri"],
        params={each["key"]: each["value"] for each in data.get("params", [])},
        metrics={each["key"]: float(each["value"]) for each in data.get("metrics", [])},
        tags={each["key"]: each["value"] for each in data.get("tags", [])},
    )


def _refused(refusal: urllib.error.HTTPError) -> MlflowError:
    text = refusal.read().decode(errors="replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    code = told.get("error_code") or told.get("__type") or f"HTTP {refusal.code}"
    return MlflowError(refusal.code, code, told.get("message") or told.get("Message") or text[:500])
