"""In any world the sweep ends nothing that is protected, and whatever interrupts it, it comes to the same end."""

import copy
import importlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
sweeping = importlib.import_module("tests.lambda.sweeping")
worlds = importlib.import_module("tests.lambda.worlds")
switch = importlib.import_module("tests.lambda.switch").switch
NOW, OURS, run = sweeping.NOW, sweeping.OURS, sweeping.run
LATER = NOW + timedelta(minutes=61)

pytestmark = pytest.mark.slow  # some 3,000 sweeps

PROTECTED = {
    "foreign": {"sluice:platform": "another"},
    "untagged": {},
    "kept": {**OURS, "sluice:keep": "2027-01-01"},
    "prod": {**OURS, "sluice:environment": "prod"},
    "busy": OURS,
    "young": OURS,
}
COMPUTE = ("endpoint", "notebook", "app", "component", "server", "train", "process", "tune", "auto", "transform")
KINDS = (*COMPUTE, "config", "model", "image", "lifecycle", "setup", "schedule", "logs", "package")
LASTING = ("server", "transform")  # no rule but a time to live, the budget or, of the former, off-hours ends these
Made = tuple[str, str]  # kind and state, which is `free` or one of PROTECTED

made = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["free"] * 4 + [*PROTECTED])), min_size=1, max_size=7)
# Neither use nor youth protects from a time to live that is over, or from a spent budget.
PROTECTED_FROM_ALL = [state for state in PROTECTED if state not in ("busy", "young")]
outlived = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(["free"] * 4 + PROTECTED_FROM_ALL)), min_size=1, max_size=7
)


def enter(switch: Any, world: list[Made], **more: str) -> Any:
    cloud = switch.enter()
    for number, (kind, state) in enumerate(world):
        build(cloud, kind, f"{kind}-{number}-{state}", state, **more)
    return cloud


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["sweep"].environment.items():
        monkeypatch.setenv(name, value)


def build(cloud: Any, kind: str, name: str, state: str, **more: str) -> None:
    """One resource that is due, but for what its state says; with `more` tags."""
    tags = PROTECTED.get(state, OURS) | more
    minutes = -60 if state == "young" else 600
    match kind:
        case "endpoint":
            cloud.endpoint(name, minutes=minutes, tags=tags)
            if state == "busy":
                cloud.invocations[name, "AllTraffic"] = [(NOW - timedelta(minutes=5), 1), (LATER, 1)]
        case "notebook":
            cloud.notebook(name, minutes=minutes, tags=tags)
            if state == "busy":
                cloud.jupyter[name] = LATER
        case "app":
            used = -60 if state in ("busy", "young") else 600
            cloud.app(name, minutes=used, quiet=False, tags=tags)
        case "component":
            component(cloud, name, state, tags)
        case "server":
            cloud.tracking_server(name, tags=tags)
        case "train" | "process" | "tune" | "auto" | "transform":
            job(cloud, kind, name, state, tags)
        case _:
            left_over(cloud, kind, name, state, tags)


def component(cloud: Any, name: str, state: str, tags: dict[str, str]) -> None:
    """On an endpoint of its own, which shrinks with it and is kept."""
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "ManagedInstanceScaling": scaling}
    cloud.CreateEndpointConfig(f"host-{name}", ProductionVariants=[variant])
    cloud.endpoint(f"host-{name}", tags={**OURS, "sluice:keep": "2027-01-01"})
    cloud.endpoints[f"host-{name}"]["EndpointConfigName"] = f"host-{name}"
    made = cloud.component(name, f"host-{name}", tags=tags)
    if state == "young":
        cloud.records["InferenceComponents"][made]["LastModifiedTime"] = LATER
    if state == "busy":
        cloud.invocations[name, ""] = [(NOW - timedelta(minutes=5), 1), (LATER, 1)]


def job(cloud: Any, kind: str, name: str, state: str, tags: dict[str, str]) -> None:
    """Ten hours at work. A busy one may work for days, a young one has just begun; a transform job has no limit."""
    seconds = 864_000 if state == "busy" else 60
    begun = LATER if state == "young" else NOW - timedelta(hours=10)
    limit = {"StoppingCondition": {"MaxRuntimeInSeconds": seconds}}
    limits = {"ResourceLimits": {"MaxRuntimeInSeconds": seconds}}
    criteria = {"TabularJobConfig": {"CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": seconds}}}
    noun, told = {
        "train": ("TrainingJob", {"TrainingStartTime": begun, **limit}),
        "process": ("ProcessingJob", {"ProcessingStartTime": begun, **limit}),
        "tune": ("HyperParameterTuningJob", {"HyperParameterTuningJobConfig": limits}),
        "auto": ("AutoMLJob", {"AutoMLProblemTypeConfig": criteria}),
        "transform": ("TransformJob", {}),
    }[kind]
    made = cloud.job(noun, name, tags=tags, **told)
    cloud.records[f"{noun}s"][made]["CreationTime"] = begun


def left_over(cloud: Any, kind: str, name: str, state: str, tags: dict[str, str]) -> None:
    """What nothing needs. A busy one is needed, by what is another platform's; a young one was not seen so before."""
    user, arn = f"user-of-{name}", ""
    match kind:
        case "config":
            arn = in_memory.arn(f"endpoint-config/{name}")
            cloud.CreateEndpointConfig(name, ProductionVariants=[])
            if state == "busy":
                cloud.endpoint(user, tags={})
                cloud.UpdateEndpoint(user, name)
        case "model":
            arn = in_memory.arn(f"model/{name}")
            cloud.CreateModel(name)
            if state == "busy":
                cloud.CreateEndpointConfig(user, ProductionVariants=[{"VariantName": "v", "ModelName": name}])
        case "image":
            arn = cloud.image(name)
        case "lifecycle":
            arn = cloud.lifecycle_config(name)
        case "setup":
            arn = cloud.notebook_config(name)
            if state == "busy":
                cloud.notebook(user, tags={})
                cloud.notebooks[user]["NotebookInstanceLifecycleConfigName"] = name
        case "schedule":
            arn = cloud.schedule(name, user)
            if state == "busy":
                cloud.endpoint(user, tags={})
        case "logs":
            arn = cloud.log_group(f"/aws/sagemaker/{name}", size=int(state == "busy"), creationTime=0)
        case _:
            group = f"sluice-dev-{name}"
            for version in range(11, 0, -1):
                arn = cloud.package(version, "PendingManualApproval", group)
                cloud.packages[arn]["CreationTime"] = NOW - timedelta(days=60 - version)
            if state == "busy":
                cloud.packages[arn]["ModelApprovalStatus"] = "Approved"
    tagged = in_memory.arn(f"model-package-group/sluice-dev-{name}") if kind == "package" else arn
    cloud.tags[tagged] = tags
    for records in cloud.records.values():
        if arn in records:
            records[arn]["CreationTime"] = NOW - timedelta(days=60)
    if kind in ("image", "lifecycle") and state == "busy":
        attach(cloud, kind, name)
    if state != "young":
        seen_long_ago(cloud, arn)


def attach(cloud: Any, kind: str, name: str) -> None:
    """A profile of a domain names it."""
    if not cloud.records["Domains"]:
        cloud.domain()
    used = {
        "image": {"CustomImages": [{"ImageName": name, "AppImageConfigName": "x"}]},
        "lifecycle": {"LifecycleConfigArns": [in_memory.arn(f"studio-lifecycle-config/{name}")]},
    }[kind]
    profile = cloud.put_profile(f"user-of-{name}")
    cloud.records["UserProfiles"][profile]["UserSettings"] = {"JupyterLabAppSettings": used}


def seen_long_ago(cloud: Any, arn: str) -> None:
    """That sweeps have seen for a month that nothing needs it."""
    since = (NOW - timedelta(days=31)).isoformat()
    cloud.ledger["since", arn] = {"subject": "since", "at": arn, "since": since}


def deeds(cloud: Any) -> list[str]:
    """What was changed, but for the ledger and messages, with the name in each."""
    return [
        f"{call.operation} {sorted(map(str, call.params.values()))}"
        for call in cloud.calls
        if call.writes and call.service not in ("dynamodb", "sns")
    ]


def state(cloud: Any) -> dict[str, Any]:
    """All that a sweep leaves behind, but for since when it saw things, of which a later one forgets what is gone.

    Who was told of what; that may be twice, for a message that was sent cannot be told from one that was not.
    """
    parts = ("endpoints", "notebooks", "records", "configs", "models", "packages", "log_groups")
    told = {part for mail in cloud.mail for part in mail["Message"].split("\n\n")}
    ledger = {key: item for key, item in cloud.ledger.items() if key[0] != "since"}
    return copy.deepcopy({name: getattr(cloud, name) for name in parts} | {"ledger": ledger, "told": told})


@worlds.PROPERTY
@given(world=made)
def test_what_is_free_is_ended_after_its_grace_and_nothing_else_is_touched(switch: Any, world: list[Made]) -> None:
    cloud = enter(switch, world)
    run(NOW)
    assert deeds(cloud) == []
    run(LATER)
    assert_ended(cloud, free(world, but=LASTING))


def free(world: list[Made], but: tuple[str, ...] = ()) -> set[str]:
    return {f"{kind}-{n}-free" for n, (kind, state) in enumerate(world) if state == "free" and kind not in but}


def assert_ended(cloud: Any, names: set[str]) -> None:
    """Each of them once, and nothing else."""
    ended = deeds(cloud)
    assert sorted(name for name in names for deed in ended if name in deed) == sorted(names)
    assert len(ended) == len(names)


@worlds.PROPERTY
@given(world=outlived)
def test_what_has_outlived_its_day_is_ended_unless_it_is_protected(switch: Any, world: list[Made]) -> None:
    cloud = enter(switch, world, **{"sluice:ttl": "2026-11-22"})
    run(NOW)
    assert deeds(cloud) == []
    run(LATER)
    assert_ended(cloud, free(world))


@worlds.PROPERTY
@given(world=outlived)
def test_a_spent_budget_ends_all_compute_that_is_not_protected(switch: Any, world: list[Made]) -> None:
    cloud = enter(switch, world)
    cloud.ledger["budget", "2026-11"] = {"subject": "budget", "at": "2026-11", "frozen_since": NOW.isoformat()}
    run(NOW)
    assert deeds(cloud) == []
    run(LATER)
    assert_ended(cloud, free(world))


@worlds.PROPERTY
@given(world=outlived)
def test_off_hours_end_servers_too_while_no_job_runs_and_nothing_that_is_protected(
    switch: Any, world: list[Made]
) -> None:
    cloud = enter(switch, world)
    evening = NOW.replace(hour=19, minute=10)
    run(evening - timedelta(minutes=60))
    run(evening + timedelta(minutes=1))
    ours = {kind for kind, state in world if state not in ("foreign", "untagged")}
    jobs = ours & {"train", "process", "tune", "auto", "transform"}
    assert_ended(cloud, free(world, but=LASTING if jobs else ("transform",)))


@worlds.PROPERTY
@given(world=made)
def test_observe_writes_to_nothing_but_the_ledger(switch: Any, world: list[Made], deployed: dict[str, Any]) -> None:
    cloud = enter(switch, world)
    with pytest.MonkeyPatch.context() as patch:
        told = sweeping.changed(deployed["sweep"].environment, enforced=[])
        patch.setenv("SLUICE_POLICY", told)
        for moment in (NOW, LATER):
            run(moment)
    assert {call.service for call in cloud.calls if call.writes} <= {"dynamodb"}


@worlds.PROPERTY
@given(world=made)
def test_running_twice_does_no_more_than_once(switch: Any, world: list[Made]) -> None:
    cloud = enter(switch, world)
    for moment in (NOW, LATER):
        run(moment)
        once, done, told = state(cloud), deeds(cloud), len(cloud.mail)
        run(moment)
        assert (state(cloud), deeds(cloud), len(cloud.mail)) == (once, done, told)


@worlds.PROPERTY
@given(world=made, call=st.integers(1, 250), after=st.booleans(), first=st.booleans())
def test_whatever_call_it_is_cut_off_at_it_comes_to_the_same_end(
    switch: Any, world: list[Made], call: int, after: bool, first: bool
) -> None:
    wanted = enter(switch, world)
    run(NOW)
    run(LATER)
    cloud = enter(switch, world)
    for moment, cut in ((NOW, first), (LATER, not first)):
        if cut:
            with switch.cut_off(call, after=after):
                run(moment)
        run(moment)
    assert state(cloud) == state(wanted)
    assert sorted(set(deeds(cloud))) == sorted(set(deeds(wanted)))


@pytest.mark.parametrize("after", [False, True])
def test_whichever_single_call_it_is_cut_off_at(switch: Any, after: bool) -> None:
    """The same for a world with everything in it, at every call of the sweep that ends it."""
    world = [(kind, "free") for kind in KINDS]
    wanted = enter(switch, world)
    run(NOW)
    begun = len(wanted.calls)
    run(LATER)
    for call in range(1, len(wanted.calls) - begun + 1):
        cloud = enter(switch, world)
        run(NOW)
        with switch.cut_off(call, after=after):
            run(LATER)
            raise AssertionError("it was not cut off")
        run(LATER)
        assert state(cloud) == state(wanted), wanted.calls[begun + call - 1]
        assert set(deeds(cloud)) == set(deeds(wanted))
