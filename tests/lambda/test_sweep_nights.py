"""In any world over an evening and its morning: what off-hours ended comes back once, as it was, and nothing else."""

import importlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
sweeping = importlib.import_module("tests.lambda.sweeping")
worlds = importlib.import_module("tests.lambda.worlds")
switch = importlib.import_module("tests.lambda.switch").switch
NOW, OURS, run = sweeping.NOW, sweeping.OURS, sweeping.run

pytestmark = pytest.mark.slow  # some 3,000 sweeps

ENDED = NOW.replace(hour=19, minute=11)  # 20:11 in Berlin
NIGHT, MORNING = ENDED + timedelta(hours=2), NOW.replace(day=24, hour=6, minute=1)  # 7:01 in Berlin
EVENING = [ENDED - timedelta(minutes=61), ENDED, ENDED + timedelta(hours=1)]
DAY = [MORNING, MORNING + timedelta(hours=1)]
TAGS = {
    "free": {**OURS, "sluice:owner": "ada"},
    "anew": OURS,  # somebody makes another of that name by night
    "foreign": {"sluice:platform": "another"},
    "untagged": {},
    "kept": {**OURS, "sluice:keep": "2027-01-01"},
    "prod": {**OURS, "sluice:environment": "prod"},
}
COPIES = 3
CHANGES = ("CreateEndpoint", "DeleteEndpoint", "UpdateInferenceComponentRuntimeConfig")


class Thing(NamedTuple):
    kind: str
    state: str
    name: str


class Cut(NamedTuple):
    """At which moment, at which call, and whether that has its effect."""

    moment: datetime
    call: int
    after: bool


things = st.lists(
    st.tuples(st.sampled_from(["endpoint", "component"]), st.sampled_from(["free"] * 4 + [*TAGS])),
    min_size=1,
    max_size=5,
).map(lambda all_: [Thing(kind, state, f"{kind}-{n}-{state}") for n, (kind, state) in enumerate(all_)])
cuts = st.lists(st.builds(Cut, st.sampled_from([*EVENING, *DAY]), st.integers(1, 80), st.booleans()), max_size=3)
# Events that come again, as late as the next day.
late = st.lists(st.sampled_from([*EVENING, *DAY]), max_size=4)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["sweep"].environment.items():
        monkeypatch.setenv(name, value)


def build(cloud: Any, thing: Thing) -> None:
    """Used in the afternoon, and in the evening no more."""
    used = [(ENDED - timedelta(minutes=200), 1)]
    host = thing.name if thing.kind == "endpoint" else f"host-{thing.name}"
    variant: dict[str, Any] = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large"}
    if thing.kind == "component":
        variant["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
    cloud.CreateEndpointConfig(f"of-{host}", ProductionVariants=[variant])
    cloud.endpoint(host, tags=TAGS[thing.state] if thing.kind == "endpoint" else TAGS["kept"])
    cloud.endpoints[host]["EndpointConfigName"] = f"of-{host}"
    if thing.kind == "component":
        cloud.component(thing.name, host, copies=COPIES, tags=TAGS[thing.state])
    cloud.invocations[thing.name, "" if thing.kind == "component" else "AllTraffic"] = used


def make_anew(cloud: Any, thing: Thing) -> None:
    """Somebody does, of another make, and uses it from then on."""
    made = {"CreationTime": NIGHT, "LastModifiedTime": NIGHT}
    if thing.kind == "endpoint":
        cloud.endpoint(thing.name, tags=OURS)
        cloud.endpoints[thing.name] |= {**made, "EndpointConfigName": "another"}
    else:
        copies = dict.fromkeys(("CurrentCopyCount", "DesiredCopyCount"), 1)
        component_of(cloud, thing).update({**made, "RuntimeConfig": copies})
    for name, variant in [*cloud.invocations]:
        if name == thing.name:
            cloud.invocations[name, variant] = [(at, 1) for at in (NIGHT, *DAY)]


def component_of(cloud: Any, thing: Thing) -> dict[str, Any]:
    return cloud.records["InferenceComponents"][in_memory.arn(f"inference-component/{thing.name}")]


def settle(cloud: Any, at: datetime) -> None:
    """What was begun is done, as of `at`."""
    for name, endpoint in cloud.endpoints.items():
        if endpoint["EndpointStatus"] == "Creating":
            cloud.settle(name)
            endpoint |= {"CreationTime": at, "LastModifiedTime": at}
    for component in cloud.records["InferenceComponents"].values():
        if component["RuntimeConfig"]["DesiredCopyCount"] == COPIES and at >= MORNING:
            component["LastModifiedTime"] = MORNING


def live(switch: Any, world: list[Thing], cuts: list[Cut], late: list[datetime]) -> tuple[Any, dict[datetime, int]]:
    """The cloud afterwards, and how many calls the last sweep of each moment made."""
    cloud, calls = switch.enter(), dict[datetime, int]()
    for thing in world:
        build(cloud, thing)
    for moment in [*EVENING, *DAY, *late]:
        if moment == MORNING and moment not in calls:
            for thing in (each for each in world if each.state == "anew"):
                make_anew(cloud, thing)
        for cut in (each for each in cuts if each.moment == moment):
            with switch.cut_off(cut.call, after=cut.after):
                run(moment)
            settle(cloud, moment)
        before = len(cloud.calls)
        run(moment)
        calls[moment] = len(cloud.calls) - before
        settle(cloud, moment)
    return cloud, calls


def changes(cloud: Any, thing: Thing) -> list[str]:
    return [c.operation for c in cloud.calls if c.operation in CHANGES and thing.name in map(str, c.params.values())]


def outcomes(cloud: Any, thing: Thing) -> list[str]:
    entries = (item for item in cloud.ledger.values() if item.get("name") == thing.name and "outcome" in item)
    return sorted(item["outcome"] for item in entries if item["outcome"] in ("done", "restored", "lost"))


@worlds.PROPERTY
@given(world=things, cuts=cuts, late=late)
def test_what_off_hours_ended_comes_back_once_as_it_was_and_nothing_else_is_touched(
    switch: Any, world: list[Thing], cuts: list[Cut], late: list[datetime]
) -> None:
    cloud, _ = live(switch, world, cuts, late)
    update = "UpdateInferenceComponentRuntimeConfig"
    for thing in world:
        there_and_back = ["DeleteEndpoint", "CreateEndpoint"] if thing.kind == "endpoint" else [update, update]
        expected = {"free": there_and_back, "anew": there_and_back[:1]}.get(thing.state, [])
        assert changes(cloud, thing) == expected, thing
        assert outcomes(cloud, thing) == {"free": ["done", "restored"], "anew": ["done"]}.get(thing.state, []), thing
        if thing.kind == "endpoint":
            config = "another" if thing.state == "anew" else f"of-{thing.name}"
            assert cloud.endpoints[thing.name]["EndpointConfigName"] == config
            assert cloud.tags[in_memory.arn(f"endpoint/{thing.name}")] == TAGS[thing.state]
        else:
            copies = 1 if thing.state == "anew" else COPIES
            assert component_of(cloud, thing)["RuntimeConfig"]["DesiredCopyCount"] == copies
    assert not cloud.remembered("restorable")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("moment", [ENDED, MORNING])
def test_whichever_single_call_it_is_cut_off_at(switch: Any, moment: datetime, after: bool) -> None:
    """The same for a world with everything in it, at every call of the sweep that ends, or brings back."""
    world = [Thing(kind, state, f"{kind}-{state}") for kind in ("endpoint", "component") for state in TAGS]
    wanted, calls = live(switch, world, [], [])
    for call in range(1, calls[moment] + 1):
        cloud, _ = live(switch, world, [Cut(moment, call, after)], [])
        for thing in world:
            assert changes(cloud, thing) == changes(wanted, thing), (call, thing)
            assert outcomes(cloud, thing) == outcomes(wanted, thing), (call, thing)
