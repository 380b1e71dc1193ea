"""Teardown against an in-memory SageMaker; a local HTTP server stands where CloudFormation takes answers."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from controls import answer, teardown

GROUP = "sluice-dev-digits"
MACHINE = f"arn:aws:states:us-east-1:111122223333:stateMachine:{GROUP}"


class Answers(HTTPServer):
    """Keeps the answers that it takes; refuses the first `refusals` of them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.refusals = 0


class _Take(BaseHTTPRequestHandler):
    server: Answers  # type: ignore[assignment]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refused = self.server.refusals > 0
        self.server.refusals -= 1
        if not refused:
            self.server.answers.append(json.loads(body))
            self.server.content_types.append(self.headers["Content-Type"])
        self.send_response(503 if refused else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def cloudformation() -> Iterator[Answers]:
    server = Answers()
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time passes without waiting; what was slept, in seconds."""
    slept: list[float] = []
    clock = SimpleNamespace(sleep=slept.append, monotonic=lambda: sum(slept))
    monkeypatch.setattr(teardown, "time", clock)
    monkeypatch.setattr(answer, "time", clock)
    return slept


CONTEXT = SimpleNamespace(log_group_name="/aws/lambda/x", get_remaining_time_in_millis=lambda: 900_000)


def run(server: Answers, kind: str = "Delete", context: Any = CONTEXT, **more: Any) -> dict[str, Any]:
    """What CloudFormation gets to hear."""
    event = {
        "RequestType": kind,
        "ResponseURL": f"http://127.0.0.1:{server.server_port}/answer?signature=x",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Teardown",
        "ResourceProperties": {"Group": GROUP, "StateMachine": MACHINE},
    }
    if kind != "Create":
        event["PhysicalResourceId"] = "as-before"
    teardown.handler(event | more, context)
    [answer] = server.answers
    return answer


def promoted(cloud: Any, group: str = GROUP) -> None:
    """A workload with three promoted versions."""
    cloud.pipelines[group] = {"PipelineName": group, "PipelineStatus": "Active"}
    for version in (1, 2, 3):
        cloud.package(version, group=group)
        name = f"{group}-v{version}-0123abcd"
        cloud.CreateModel(name)
        cloud.CreateEndpointConfig(name)
    cloud.endpoint(group)


def test_deleting_removes_all_that_promotion_made(cloud: Any, cloudformation: Answers) -> None:
    promoted(cloud)
    assert run(cloudformation) == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "as-before",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Teardown",
    }
    assert not (cloud.endpoints or cloud.configs or cloud.models or cloud.packages)


def test_the_group_is_left_to_the_stack_that_still_has_the_workload(cloud: Any, cloudformation: Answers) -> None:
    promoted(cloud)
    assert run(cloudformation)["Status"] == "SUCCESS"
    assert list(cloud.groups) == [GROUP]


def test_the_group_of_a_workload_that_was_removed_goes_with_it(cloud: Any, cloudformation: Answers) -> None:
    """The training stack was updated first: the pipeline is gone, and the group stayed because of its packages."""
    promoted(cloud)
    promoted(cloud, f"{GROUP}-two")
    del cloud.pipelines[GROUP]
    assert run(cloudformation)["Status"] == "SUCCESS"
    assert list(cloud.groups) == list(cloud.endpoints) == [f"{GROUP}-two"]


@pytest.mark.parametrize(("status", "left"), [("ACTIVE", [GROUP]), ("DELETING", [])])
def test_the_group_of_a_workload_that_autopilot_trains_goes_when_its_state_machine_goes(
    cloud: Any, cloudformation: Answers, status: str, left: list[str]
) -> None:
    promoted(cloud)
    cloud.pipelines.clear()
    cloud.machines[MACHINE] = status
    assert run(cloudformation)["Status"] == "SUCCESS"
    assert list(cloud.groups) == left and not cloud.packages


def test_a_group_that_gets_a_package_meanwhile_is_a_failure_with_its_reason(
    cloud: Any, cloudformation: Answers
) -> None:
    promoted(cloud)
    cloud.pipelines.clear()
    cloud.meanwhile["DeleteModelPackageGroup"] = lambda: cloud.package(4)
    answer = run(cloudformation)
    assert answer["Status"] == "FAILED"
    assert "it has Model Packages" in answer["Reason"]


def test_the_answer_has_the_empty_content_type_that_its_address_is_signed_for(
    cloud: Any, cloudformation: Answers
) -> None:
    run(cloudformation)
    assert cloudformation.content_types == [""]


def test_what_is_not_promotions_work_is_left_alone(cloud: Any, cloudformation: Answers) -> None:
    cloud.pipelines[GROUP] = {"PipelineName": GROUP}
    promoted(cloud, f"{GROUP}-two")
    cloud.CreateModel(f"{GROUP}-by-hand")
    cloud.CreateEndpointConfig(f"{GROUP}-v2-draft")
    before = (dict(cloud.endpoints), dict(cloud.configs), dict(cloud.models), dict(cloud.packages))
    assert run(cloudformation)["Status"] == "SUCCESS"
    assert before == (cloud.endpoints, cloud.configs, cloud.models, cloud.packages)
    assert not [call for call in cloud.calls if call.writes]


def test_approved_packages_go_before_the_endpoint(cloud: Any, cloudformation: Answers) -> None:
    promoted(cloud)
    run(cloudformation)
    deletions = [call.operation for call in cloud.calls if call.writes]
    assert deletions.index("DeleteEndpoint") > max(i for i, op in enumerate(deletions) if op == "DeleteModelPackage")


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_creating_and_updating_touch_nothing(cloud: Any, cloudformation: Answers, kind: str) -> None:
    promoted(cloud)
    answer = run(cloudformation, kind)
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ("as-before" if kind == "Update" else "Teardown-runtime-resources")
    assert not cloud.calls


def test_removing_again_or_nothing_at_all_succeeds(cloud: Any, cloudformation: Answers) -> None:
    assert run(cloudformation)["Status"] == "SUCCESS"


def test_a_group_that_is_gone_has_no_packages(
    cloud: Any, cloudformation: Answers, refusal: Callable[..., Exception]
) -> None:
    cloud.faults["ListModelPackages", GROUP] = refusal("Model Package Group does not exist.")
    assert run(cloudformation)["Status"] == "SUCCESS"


@pytest.mark.parametrize("operation", ["DeleteModel", "DeleteEndpointConfig", "DeleteEndpoint"])
def test_what_another_hand_deletes_meanwhile_is_done(cloud: Any, cloudformation: Answers, operation: str) -> None:
    promoted(cloud)
    emptied = {"DeleteModel": cloud.models, "DeleteEndpointConfig": cloud.configs, "DeleteEndpoint": cloud.endpoints}
    cloud.meanwhile[operation] = emptied[operation].clear
    assert run(cloudformation)["Status"] == "SUCCESS"


def test_an_endpoint_that_is_being_created_is_waited_for(
    cloud: Any, cloudformation: Answers, no_waiting: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(cloud)
    cloud.endpoints[GROUP] |= {"EndpointStatus": "Creating", "wanted": "by-hand"}

    def sleep(seconds: float) -> None:
        no_waiting.append(seconds)
        cloud.settle(GROUP)

    monkeypatch.setattr(teardown.time, "sleep", sleep)
    assert run(cloudformation)["Status"] == "SUCCESS"
    assert no_waiting
    assert not cloud.endpoints


def test_an_endpoint_that_does_not_settle_is_a_failure_in_time(
    cloud: Any, cloudformation: Answers, no_waiting: list[float]
) -> None:
    promoted(cloud)
    cloud.endpoints[GROUP]["EndpointStatus"] = "Updating"
    answer = run(cloudformation)
    assert answer["Status"] == "FAILED"
    assert f"endpoint {GROUP} is still Updating" in answer["Reason"]
    assert sum(no_waiting) < 880


def test_a_refusal_is_a_failure_with_its_reason(
    cloud: Any, cloudformation: Answers, refusal: Callable[..., Exception]
) -> None:
    promoted(cloud)
    cloud.faults["DeleteEndpoint", GROUP] = refusal("not authorized " * 200, "AccessDeniedException")
    answer = run(cloudformation)
    assert answer["Status"] == "FAILED"
    assert "not authorized" in answer["Reason"]
    assert len(json.dumps(answer)) < 4096


def test_even_an_unexpected_error_is_answered(cloud: Any, cloudformation: Answers) -> None:
    with pytest.raises(KeyError):
        run(cloudformation, ResourceProperties={})
    [answer] = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "/aws/lambda/x" in answer["Reason"]


def test_an_answer_that_does_not_arrive_is_sent_again(cloud: Any, cloudformation: Answers) -> None:
    cloudformation.refusals = 2
    assert run(cloudformation)["Status"] == "SUCCESS"


def test_an_answer_that_never_arrives_is_an_error(cloud: Any, cloudformation: Answers) -> None:
    cloudformation.refusals = 99
    with pytest.raises(OSError, match="503"):
        run(cloudformation)
    assert cloudformation.refusals == 99 - answer._ATTEMPTS


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, SimpleNamespace], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["teardown"])
