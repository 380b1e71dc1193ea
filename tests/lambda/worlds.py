"""Random resources and policies, and random clouds, for the property tests; and how many of them a test tries."""

import importlib
import os
from datetime import date, time, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from controls.judgement.choices import Policy
from controls.judgement.hours import OffHours
from controls.resource import RUNNING, Kind, Resource, Rule, Warned

base = importlib.import_module("tests.lambda.base")  # `lambda` is a keyword
NOW, OURS = base.NOW, base.OURS
EXAMPLES = {"default": 300, "nightly": 5_000}[os.environ.get("SLUICE_PROFILE", "default")]
ANY_PACE: dict[str, Any] = {
    "max_examples": EXAMPLES,
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
PROPERTY = settings(**ANY_PACE)

past = st.timedeltas(timedelta(), timedelta(days=60)).map(lambda age: NOW - age)
around = st.timedeltas(timedelta(days=-3), timedelta(days=3)).map(lambda age: NOW - age)
minutes = st.fixed_dictionaries({size: st.integers(1, 3000) for size in ("gpu", "large", "small")})

tags = st.fixed_dictionaries(
    {},
    optional={
        "sluice:platform": st.sampled_from(["sluice-dev"] * 4 + ["sluice-prod", "SLUICE-DEV", ""]),
        "sluice:environment": st.sampled_from(["dev", "prod"]),
        "sluice:keep": st.one_of(st.dates(date(2026, 11, 1), date(2026, 12, 31)).map(str), st.text(max_size=12)),
        "sluice:ttl": st.one_of(st.dates(date(2026, 11, 1), date(2026, 12, 31)).map(str), st.text(max_size=12)),
        "sluice:idle-minutes": st.one_of(st.integers(0, 5000).map(str), st.text(max_size=4)),
    },
)
off_hours = st.builds(
    OffHours,
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]),
    start_at=st.sampled_from([time(6), time(7, 30), time(9)]),
    stop_at=st.sampled_from([time(16), time(18, 30), time(23, 59)]),
    working_days=st.frozensets(st.integers(0, 6), min_size=1),
    holidays=st.frozensets(st.dates(date(2026, 11, 20), date(2026, 11, 26))),
)
policies = st.builds(
    Policy,
    platform=st.just("sluice-dev"),
    environment=st.sampled_from(["dev", "dev", "dev", "prod"]),
    studio_idle_minutes=minutes,
    endpoint_idle_minutes=minutes,
    longest_idle_minutes=st.integers(1, 3000),
    grace_minutes=st.integers(0, 300),
    stuck_minutes=st.integers(1, 300),
    orphan_days=st.integers(1, 60),
    keep_versions=st.just(10),
    own_only=st.booleans(),
    production=st.sampled_from([frozenset[str](), frozenset({"digits"})]),
    enforced=st.frozensets(st.sampled_from(Rule)),
    off_hours=st.none() | off_hours,
    frozen_since=st.none() | past,
)
resources = st.builds(
    Resource,
    kind=st.sampled_from(Kind),
    name=st.sampled_from(["digits", "letters"]),
    arn=st.just("arn"),
    region=st.just("us-east-1"),
    status=st.sampled_from(sorted({status for of in RUNNING.values() for status in of} | {"Updating", "Stopped", ""})),
    created_at=past,
    changed_at=past,
    tags=tags,
    instance_type=st.sampled_from(["", "ml.t3.medium", "ml.m5.4xlarge", "ml.g5.xlarge"]),
    usd_per_hour=st.sampled_from([0.0, 0.05, 1.4]),
    idle_since=st.none() | past,
    orphan_since=st.none() | past,
    orphan=st.just("nothing uses it"),
    deadline=st.none() | around,
    scales_to_zero=st.booleans(),
    warned=st.none() | st.builds(Warned, rule=st.sampled_from(Rule), at=past),
)
