"""One InvokeEndpoint request: what it asks for, the container's answer, and what AWS makes of both.

Sources: API_runtime_InvokeEndpoint; AWS, "Monitor SageMaker AI with CloudWatch", endpoint invocation metrics.
"""

import http.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from botocore.model import Shape

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.store import AwsError

TIMEOUT_SECONDS = 60.0  # "A customer's model containers must respond to requests within 60 seconds."
# The headers that reach the container; AWS strips those that are not of the API.
_HANDED_ON = ("ContentType", "Accept", "CustomAttributes", "InferenceId")
_TAKEN = (*_HANDED_ON, "TargetVariant")
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)


@dataclass(frozen=True)
class Answer:
    """What came of a request; status 0 when the container gave no answer in time, or none at all."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


def read(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The members of InvokeEndpoint that the headers give. Raises AwsError when the request is refused."""
    members, given = _members(), {}
    for name, shape in members.items():
        header = str(shape.serialization.get("name", "")).lower()
        if shape.serialization.get("location") == "header" and header in headers:
            given[name] = headers[header]
    found = [
        problem for name, value in given.items() for problem in shapes.problems(members[name], value, _lower(name))
    ]
    limit = members["Body"].metadata["max"]
    if len(body) > limit:
        found.append(
            f"Value at 'body' failed to satisfy constraint: Member must have length less than or equal to {limit}"
        )
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        raise AwsError("ValidationError", count + "; ".join(found))
    for name in given:
        if name not in _TAKEN:
            raise AwsError("ValidationError", f"InvokeEndpoint's {name} is not emulated by this cloud.")
    return given


def send(port: int, request: Mapping[str, str], body: bytes, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
    """Ask the container on a loopback port."""
    members = _members()
    given = {members[name].serialization["name"]: request[name] for name in _HANDED_ON if name in request}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("POST", "/invocations", body, given)
        answer = connection.getresponse()
        return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
    except TimeoutError:
        return Answer(0, {}, _TIMED_OUT.encode())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, {}, f"no answer from container primary: {error}".encode())  # AWS's words are not verified
    finally:
        connection.close()


def model_error(answer: Answer, endpoint_arn: str) -> AwsError:
    """The ModelError that AWS makes of an answer that is not good."""
    _, _, _, region, account, resource = endpoint_arn.split(":", 5)
    group, text = f"/aws/sagemaker/Endpoints/{resource.split('/')[1]}", answer.body.decode(errors="replace")
    who = "client" if 400 <= answer.status < 500 else "server"
    return AwsError(
        "ModelError",
        f'Received {who} error ({answer.status}) from primary with message "{text}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} in "
        f"account {account} for more information.",
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:{region}:{account}:log-group:{group}",
    )


def metrics(
    answer: Answer, instances: int, model_seconds: float, total_seconds: float
) -> Iterator[tuple[str, float, str]]:
    """(name, value, unit) of every metric that AWS/SageMaker gets for one request."""
    yield "Invocations", 1, "None"
    yield "InvocationsPerInstance", 1 / instances, "None"
    yield "Invocation4XXErrors", float(400 <= answer.status < 500), "None"
    yield "Invocation5XXErrors", float(answer.status >= 500), "None"
    yield "InvocationModelErrors", float(not answer.good), "None"
    yield "ModelLatency", model_seconds * 1e6, "Microseconds"
    yield "OverheadLatency", (total_seconds - model_seconds) * 1e6, "Microseconds"


def headers(answer: Answer, variant: str) -> dict[str, str]:
    """The headers of the answer that the caller gets; custom attributes only if the container sets them."""
    told = {"Content-Type": answer.headers.get("content-type", ""), "x-Amzn-Invoked-Production-Variant": variant}
    custom = "x-amzn-sagemaker-custom-attributes"
    return told | ({custom: answer.headers[custom]} if custom in answer.headers else {})


def _members() -> Mapping[str, Shape]:
    shape = shapes.service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape
    return shape.members if shape else {}


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
