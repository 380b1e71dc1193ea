"""InvokeEndpoint: what is refused, what reaches the container, what comes of its answer."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.sagemaker import invocation
from tests.rehearsal.serving import Serving, refusal


def test_a_request_sends_a_zero_or_a_one_to_each_error_metric() -> None:
    table = {200: (0, 0, 0), 404: (1, 0, 1), 500: (0, 1, 1), 0: (0, 0, 1)}
    for status, expected in table.items():
        sent = {n: (v, u) for n, v, u in invocation.metrics(invocation.Answer(status, {}, b""), 4, 0.25, 0.5)}
        errors = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
        assert tuple(sent[name][0] for name in errors) == expected
        assert sent["InvocationsPerInstance"] == (0.25, "None") and sent["Invocations"] == (1, "None")
        assert sent["ModelLatency"] == sent["OverheadLatency"] == (250_000, "Microseconds")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"Body": b"x" * 6291457}, "length less than or equal to 6291456"),
        ({"CustomAttributes": "x" * 1025}, "'customAttributes' failed to satisfy constraint"),
        ({"TargetModel": "a.tar.gz"}, "TargetModel is not emulated"),
        ({"SessionId": "NEW_SESSION"}, "SessionId is not emulated"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_refused(
    cloud: EmbeddedCloud, serving: Serving, more: dict[str, Any], words: str
) -> None:
    refused = refusal(serving.runtime.invoke_endpoint, **{"EndpointName": "whatever", "Body": b"1", **more})
    assert refused["Error"]["Code"] == "ValidationError" and words in refused["Error"]["Message"]


def test_ways_to_invoke_that_are_not_emulated_are_refused_by_name(serving: Serving) -> None:
    ask = {"EndpointName": "whatever"}
    refused = refusal(serving.runtime.invoke_endpoint_async, **ask, InputLocation="s3://models/x")
    assert "InvokeEndpointAsync is not emulated" in refused["Error"]["Message"]
    refused = refusal(serving.runtime.invoke_endpoint_with_response_stream, **ask, Body=b"1")
    assert "InvokeEndpointWithResponseStream is not emulated" in refused["Error"]["Message"]


def test_runtime_calls_are_authorized_on_the_endpoint(cloud: EmbeddedCloud, make_role: Any) -> None:
    arn = "arn:aws:sagemaker:*:*:endpoint/other"
    invoker = make_role("invoker", [{"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn}])
    runtime = cloud.as_role("sagemaker-runtime", invoker)
    codes = [
        refusal(runtime.invoke_endpoint, EndpointName=name, Body="1")["Error"]["Code"] for name in ("other", "digits")
    ]
    assert codes == ["ValidationError", "AccessDeniedException"]


class Echo(BaseHTTPRequestHandler):
    """A container that answers with the headers that it got, and never to who asks for silence."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Accept") == "silence":
            time.sleep(1)
        self.send_response(200)
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", f"back {self.headers.get('Accept')}")
        self.end_headers()
        self.wfile.write("\n".join(sorted(name.lower() for name in self.headers)).encode())

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def echo_port() -> Any:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_container_gets_the_apis_headers_and_sets_the_custom_attributes(echo_port: int) -> None:
    given = {
        "content-type": "text/csv",
        "accept": "text/csv",
        "x-amzn-sagemaker-custom-attributes": "c",
        "x-amzn-sagemaker-target-variant": "main",
        "authorization": "secret",
        "x-own": "1",
    }
    answer = invocation.send(echo_port, invocation.read(given, b"1"), b"1")
    got = set(answer.body.decode().split("\n"))
    assert {"content-type", "accept", "x-amzn-sagemaker-custom-attributes"} <= got
    assert not got & {"authorization", "x-own"}
    assert invocation.headers(answer, "main") == {
        "Content-Type": "",
        "x-Amzn-Invoked-Production-Variant": "main",
        "x-amzn-sagemaker-custom-attributes": "back text/csv",
    }


def test_a_container_that_does_not_answer_in_time_is_a_model_error(echo_port: int) -> None:
    answer = invocation.send(echo_port, {"Accept": "silence"}, b"1", timeout_seconds=0.1)
    error = invocation.model_error(answer, f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/slow")
    assert (error.code, error.status, error.members["OriginalStatusCode"]) == ("ModelError", 424, 0)
    assert error.message.startswith('Received server error (0) from primary with message "Your invocation timed out')
