"""Random configurations, made from the schema itself: valid ones, and ones with mistakes in known places.

Hypothesis draws them. What the schema says of one field is read from its annotations; what it says between fields is in
`_fit`. So a new field is tried without a word here, and a new rule between fields fails until it has one.
"""

import json
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from botocore.session import get_session
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from config import availability
from config.document import Place
from config.guardrails import limited
from config.instances import Hosting, Processing, StudioApp, Training, partition, regions
from config.load import ROOT, load_workload
from config.nights import too_short
from config.schema import Platform
from config.section import TAG_PATTERN, Section
from review.governance.settings import Settings as Rules

WORKLOAD = "digits"
REGIONS = sorted(regions())
_SHAPES = {
    Processing: "ProcessingInstanceType",
    Training: "TrainingInstanceType",
    Hosting: "ProductionVariantInstanceType",
    StudioApp: "AppInstanceType",
}
# What a validator in code says, which no annotation tells.
_FORMS = {
    ("region",): st.sampled_from(REGIONS),
    ("account",): st.from_regex(r"[0-9]{12}", fullmatch=True),
    ("workloads",): st.sampled_from([[], [WORKLOAD]]),
    ("costs", "off_hours", "time_zone"): st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]),
    ("costs", "off_hours", "start_at"): st.builds("{:02}:30".format, st.integers(0, 11)),
    ("costs", "off_hours", "stop_at"): st.builds("{:02}:00".format, st.integers(12, 23)),
    ("costs", "off_hours", "holidays"): st.lists(st.dates().map(str), max_size=3, unique=True),
    ("costs", "targets", "region"): st.sampled_from(REGIONS),
    ("network", "cidr"): st.builds("10.{}.0.0/{}".format, st.integers(0, 255), st.integers(16, 24)),
}


class Field(NamedTuple):
    """One field of a section of the schema: its type, and the limits of its annotations such as `ge`."""

    kind: Any
    limits: dict[str, Any]
    required: bool


def fields(model: type[Section]) -> dict[str, Field]:
    return {
        name: Field(*_bare(info.annotation, info.metadata), info.is_required())
        for name, info in model.model_fields.items()
    }


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """What the YAML of a valid team file says."""
    return _fit(draw, draw(_section(Platform, ())))


def _fit(draw: st.DrawFn, raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with its fields agreeing with each other."""
    region, network = raw["region"], raw["network"]
    if raw.get("workloads") and region not in _image_regions():
        raw["workloads"] = []
    if network["mode"] == "public" and raw["environment"] == "prod":
        raw["environment"] = "dev"
    if {*raw["name"].split("-")} & {"dev", "staging", "prod"}:
        raw["name"] = "other"
    if copies := raw.get("storage", {}).get("replication"):
        copies["region"] = draw(st.sampled_from([name for name in REGIONS if partition(name) == partition(region)]))
        copies["artifact_bucket"] = f"a{copies['data_bucket'][1:]}"
        copies["data_bucket"] = f"d{copies['data_bucket'][1:]}"
    if availability.missing(region, availability.REGISTRY):
        raw.pop("registry", None)
    if availability.missing(region, availability.EXPERIMENTS):
        raw.pop("experiments", None)
    if region in availability.WITHOUT_NATIVE_MONITORS:
        raw.pop("monitoring", None)
    if availability.missing(region, availability.STUDIO):
        raw.get("studio", {}).pop("domain", None)
    costs = raw.get("costs", {})
    if any(too_short(costs)):
        costs.setdefault("sweep", {}).update({"every_hours": 1, "grace_minutes": draw(st.sampled_from([0, 30]))})
    if "targets" in costs:
        there = {each["region"]: each for each in costs["targets"] if partition(each["region"]) == partition(region)}
        costs["targets"] = [each for name, each in there.items() if name != region]
        for each in costs["targets"]:
            if "role_arn" in each:
                each["role_arn"] = ":".join(["arn", str(partition(region)), *each["role_arn"].split(":")[2:]])
    count = draw(st.integers(2, 3))
    network["availability_zones"] = [region + letter for letter in "abc"[:count]]
    if network["mode"] == "given":
        network["subnet_ids"] = [f"subnet-{number:08x}" for number in range(count)]
    if studio := raw.get("studio"):
        told = (studio.pop("idle_minutes", 120), studio.pop("max_idle_minutes", 240))
        # Longer ones are valid, and a finding of SLUICE-DOM-03.
        idle, most = sorted(min(minutes, Rules().idle_minutes) for minutes in told)
        studio |= {"idle_minutes": idle, "max_idle_minutes": most}
    if raw.get("workloads") and (guardrails := raw.get("guardrails")):
        wanted = load_workload(ROOT / "workloads" / WORKLOAD / "workload.yaml")
        needed = {"processing": wanted.process, "training": wanted.train, "hosting": wanted.serve}
        for purpose, settings in needed.items():
            types = guardrails.get("instance_types", {}).get(purpose)
            if types is not None and settings.instance_type not in types:
                types.append(settings.instance_type)
        for _, limit, value in limited(wanted):
            if limit in guardrails:
                guardrails[limit] = max(value, guardrails[limit])
    return raw


@cache
def _image_regions() -> frozenset[str]:
    """Where the workload can be: its images exist there."""
    images = json.loads((ROOT / "workloads" / WORKLOAD / "images.json").read_text("utf-8"))
    return frozenset(r for r in REGIONS if all(r in uris for uris in images.values()))


def _section(model: type[Section], place: Place) -> st.SearchStrategy[dict[str, Any]]:
    known = {name: (field, _values(field, (*place, name))) for name, field in fields(model).items()}
    return st.fixed_dictionaries(
        {name: values for name, (field, values) in known.items() if field.required},
        optional={name: values for name, (field, values) in known.items() if not field.required},
    )


def _values(field: Field, place: Place) -> st.SearchStrategy[Any]:
    if place in _FORMS:
        return _FORMS[place]
    kind, limits, _ = field
    if "instance_types" in limits:
        return st.sampled_from(_instance_types(limits["instance_types"]))
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        options = [option for option in get_args(kind) if option is not NoneType]
        return st.one_of([_values(Field(*_bare(option, []), True), place) for option in options])
    if get_origin(kind) is tuple:
        entry = _values(Field(*_bare(get_args(kind)[0], []), True), place)
        least = limits.get("min_length", 0)
        most = min(limits.get("max_length", 99), least + 2)
        return st.lists(entry, min_size=least, max_size=most, unique_by=_identity)
    if isinstance(kind, type) and issubclass(kind, Section):
        return _section(kind, place)
    if kind is bool:
        return st.booleans()
    if kind is float:
        return st.floats(limits.get("ge", 0), limits.get("le", 1_000_000))
    if kind is int:
        return st.integers(limits.get("ge", 0), limits.get("le", 1_000_000))
    if kind is str:
        return _texts(limits)
    raise TypeError(f"{place}: nothing is drawn for {kind} yet")


def _texts(limits: dict[str, Any]) -> st.SearchStrategy[str]:
    longest = limits.get("max_length", 200)
    if limits.get("pattern") == TAG_PATTERN:  # Python's expressions have no \p
        letters = st.characters(categories=["L", "N"], include_characters=" _.:/=+@-")
        return st.text(letters, min_size=1, max_size=longest).filter(str.strip)
    if "pattern" in limits:
        return st.from_regex(limits["pattern"].replace("$", r"\Z")).filter(lambda text: len(text) <= longest)
    return st.text(min_size=1, max_size=longest).filter(str.strip)


def _identity(entry: Any) -> str:
    return str(entry.get("name", entry)) if isinstance(entry, dict) else entry


@cache
def _instance_types(shape: str) -> list[str]:
    return get_session().get_service_model("sagemaker").shape_for(shape).enum  # type: ignore[attr-defined]


def _bare(kind: Any, metadata: list[Any]) -> tuple[Any, dict[str, Any]]:
    """The type beneath annotations, and their limits by name."""
    limits: dict[str, Any] = {}
    if get_origin(kind) is Annotated:
        kind, *inner = get_args(kind)
        metadata = [*inner, *metadata]
    for each in metadata:
        for part in each.metadata if isinstance(each, FieldInfo) else [each]:
            for name in ("ge", "le", "min_length", "max_length", "pattern"):
                if (limit := getattr(part, name, None)) is not None:
                    limits[name] = limit
            for alias, shape in _SHAPES.items():
                if part in get_args(alias)[1:]:
                    limits["instance_types"] = shape
    return kind, limits
