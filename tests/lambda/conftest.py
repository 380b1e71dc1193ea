"""The in-memory cloud and the deployed functions, as the tests of the functions use them."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

from config.costs import Budget, Costs, IdleRule, JobLimits, OffHours, OrphanRule, Spot, StuckRule, TtlRule
from config.costs import Sweep as SweepSettings
from config.load import ROOT, load_workload
from config.monitoring import Monitor, Retrain
from config.workload import Workload
from sluice.begin import Begin
from sluice.monitor_functions import Watch
from sluice.tell import Tell
from stacks.costs import CostsStack
from stacks.foundation import FoundationStack
from stacks.monitoring import MonitoringStack
from tests import autopilot_app
from tests.answering import answered_by

# `lambda` is a keyword, so no import statement reaches this folder.
in_memory = importlib.import_module("tests.lambda.cloud")
permissions = importlib.import_module("tests.lambda.permissions")


@pytest.fixture(scope="module")
def recorded() -> list[tuple[Any, dict[str, str]]]:
    """Every call of this file's tests, with the tags that its resource had."""
    return []


@pytest.fixture
def new_cloud(session: None, recorded: list[Any]) -> Iterator[Callable[[], Any]]:
    """Makes an empty cloud that all clients talk to from then on; a property test needs many."""
    clouds: list[Any] = []
    with ExitStack() as standing:

        def enter() -> Any:
            clouds.append(standing.enter_context(answered_by(in_memory.Cloud())))
            return clouds[-1]

        yield enter
    recorded.extend((call, cloud.tags) for cloud in clouds for call in cloud.calls)


@pytest.fixture
def cloud(new_cloud: Callable[[], Any]) -> Any:
    return new_cloud()


@pytest.fixture
def chinese_cloud(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cloud whose ARNs are of aws-cn. Its calls are not compared with a role, which is of aws."""
    monkeypatch.setattr(in_memory.base, "PARTITION", "aws-cn")
    yield cloud
    cloud.calls.clear()


def _enforcing(*, own_only: bool) -> Costs:
    """Every rule of what controls cost acts."""
    enforce: dict[str, Any] = {"mode": "enforce"}
    rules = {
        "idle": IdleRule(**enforce),
        "ttl": TtlRule(**enforce),
        "stuck": StuckRule(**enforce),
        "orphans": OrphanRule(**enforce),
    }
    return Costs(
        sweep=SweepSettings(own_only=own_only, **rules),
        off_hours=OffHours(time_zone="Europe/Berlin", **enforce),
        budget=Budget(usd_per_month=1000, **enforce),
        spot=Spot(mode="enforce", fallback_mode="enforce"),
        job_limits=JobLimits(mode="enforce"),
    )


def _common(synthesis: Any, *, own_only: bool = True) -> dict[str, Any]:
    costs = _enforcing(own_only=own_only)
    platform = synthesis.platform.model_copy(update={"costs": costs})
    return {"platform": platform, "env": Environment(region=in_memory.REGION)}


@pytest.fixture(scope="session")
def deployed_for_all(synthesis: Any) -> dict[str, Any]:
    """What controls cost, by verb, where what bears no tag of a platform is ended as well."""
    app, common = App(context={"aws:cdk:bundling-stacks": []}), _common(synthesis, own_only=False)
    foundation = FoundationStack(app, "Foundation", **common)
    costs = CostsStack(app, "Costs", foundation=foundation, **common)
    return dict(permissions.functions(dict(Template.from_stack(costs).to_json())))


@pytest.fixture(scope="session")
def deployed(synthesis: Any) -> dict[str, Any]:
    """Each function by verb, the sweep as it is deployed to enforce, what tells of runs with Autopilot among them.

    `watch of batches` is `watch` where the monitor looks at batches alone.
    """
    common = _common(synthesis)
    context = {"aws:cdk:bundling-stacks": []}
    app = App(context=context)
    foundation = FoundationStack(app, "Foundation", **common)
    costs, runs = CostsStack(app, "Costs", foundation=foundation, **common), _runs(app, foundation)
    watched = {**common, "platform": common["platform"].model_copy(update={"workloads": _monitored()})}
    monitoring = MonitoringStack(app, "Monitoring", foundation=foundation, costs=costs, **watched)
    beside = dict(permissions.functions(dict(Template.from_stack(runs).to_json())))
    return {
        **dict(permissions.functions(synthesis.templates["serving"])),
        **dict(permissions.functions(synthesis.templates["training"])),
        **dict(permissions.functions(dict(Template.from_stack(costs).to_json()))),
        "watch of batches": beside.pop("watch"),
        **beside,
        **dict(permissions.functions(dict(Template.from_stack(monitoring).to_json()))),
        **dict(permissions.functions(dict(Template.from_stack(autopilot_app.build(App(context=context))).to_json()))),
    }


def _monitored() -> dict[str, Workload]:
    """The workload that has a monitor: as it ships, but answered by runs whose winners are approved."""
    tabular = load_workload(ROOT / "workloads" / "tabular" / "workload.yaml")
    assert tabular.monitor
    retrain = Retrain(mode="enforce", approve="machine")
    monitor = tabular.monitor.model_copy(update={"retrain": retrain, "critical": ("alcohol",)})
    return {"tabular": tabular.model_copy(update={"monitor": monitor})}


def _runs(app: App, foundation: FoundationStack) -> Stack:
    stack = Stack(app, "Runs", env=Environment(region=in_memory.REGION))
    common: dict[str, Any] = {"artifact_bucket": foundation.artifact_bucket, "key": foundation.key}
    prefixes = {"digits": "digits/digits.csv", "tables": "tables/parts/"}
    runs = {"prefixes": prefixes, "parallel_runs": {"digits": 1, "tables": 2}, "machines": ["tables"]}
    runs["monitored"] = ["digits"]
    Begin(stack, "Begin", prefix="sluice-dev", data_bucket=foundation.data_bucket, registers=True, **runs, **common)
    watched = {"tabular": Monitor(source="batch", kinds=("data-quality", "model-quality"))}
    Watch(stack, "Watch", prefix="sluice-dev", monitors=watched, data_bucket=foundation.data_bucket, **common)
    Tell(
        stack,
        "Tell",
        prefix="sluice-dev",
        alerts=foundation.alerts,
        workloads=["digits"],
        pipelines=True,
        state_machines=True,
        **common,
    )
    return stack


@pytest.fixture
def compare() -> Callable[[list[Any], Any], None]:
    """Asserts that a role allows every recorded call and nothing that was not called."""

    def check(recorded: list[Any], function: Any) -> None:
        if not recorded:
            pytest.skip("compares with the calls of the other tests of this file: run them all")
        permissions.compare(recorded, function)

    return check


@pytest.fixture
def refusal() -> type[Exception]:
    return in_memory.RefusalError


@pytest.fixture(scope="session")
def deployed_natively(synthesis: Any) -> dict[str, Any]:
    """By verb, what is deployed where SageMaker's own monitors examine."""
    return importlib.import_module("tests.lambda.native").functions(synthesis.platform, in_memory.REGION)
