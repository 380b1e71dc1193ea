"""Random mistakes in a valid configuration, each with the field that a reader must be told of."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Literal, NamedTuple, get_args, get_origin

from hypothesis import strategies as st

from bench.configurations import WORKLOAD, Field, fields, valid
from config.document import Place
from config.load import ROOT, load_workload
from config.schema import Platform
from config.section import Section


class Broken(NamedTuple):
    """`text` is the YAML's content, and `told` the fields as the error must write them: `studio.users[1].name`."""

    raw: dict[str, Any]
    told: frozenset[str]


class Mistake(NamedTuple):
    """`value` goes to `place`, or what is there is taken out. `told` is the field, where it is not the place."""

    place: Place
    value: Any
    told: Place


MISSING = object()


@st.composite
def broken(draw: st.DrawFn) -> Broken:
    """A valid configuration with one to three mistakes that do not hide each other."""
    raw = deepcopy(draw(valid()))
    unknown = draw(st.tuples(st.from_regex("[a-z]{3,8}_zz", fullmatch=True), st.sampled_from([1, "x", None, [], {}])))
    possible = [*_of_section(unknown, Platform, raw, ()), *_between(raw)]
    made: list[Mistake] = []
    for mistake in draw(st.lists(st.sampled_from(possible), min_size=1, max_size=3)):
        if not any(_touch(mistake, other) for other in made):
            made.append(mistake)
    # Entries are appended last: what is put at the end of a list moves nothing else.
    for mistake in made:
        _put(raw, mistake)
    return Broken(raw, frozenset(_written(mistake.told) for mistake in made))


def _of_section(unknown: tuple[str, Any], model: type[Section], raw: dict[str, Any], place: Place) -> Iterator[Mistake]:
    yield _at((*place, unknown[0]), unknown[1])
    for name, field in fields(model).items():
        here = (*place, name)
        hidden = here[0] == "network" and name == "mode"  # its mode says which of the networks the others belong to
        told = ("network",) if hidden else here
        if field.required:
            yield Mistake(here, MISSING, told)
        if name not in raw:
            continue
        for value in _wrong_values(field):
            yield Mistake(here, value, told)
        yield from _inside(unknown, field, raw[name], here)


def _inside(unknown: tuple[str, Any], field: Field, value: Any, place: Place) -> Iterator[Mistake]:
    kinds = [
        kind for kind in (field.kind, *get_args(field.kind)) if isinstance(kind, type) and issubclass(kind, Section)
    ]
    entries = [(place, value)] if isinstance(value, dict) else []
    if isinstance(value, list):
        entries = [((*place, index), entry) for index, entry in enumerate(value) if isinstance(entry, dict)]
    for where, entry in entries:
        for kind in kinds:
            mode = kind.model_fields.get("mode")
            if place != ("network",) or (mode and entry["mode"] in get_args(mode.annotation)):
                yield from _of_section(unknown, kind, entry, where)
    if isinstance(value, list) and value and place != ("workloads",):
        told = (*place, len(value), "name") if place == ("studio", "users") else (*place, len(value))
        if place[-1] in ("users", "emails", "availability_zones", "interface_endpoints"):
            yield Mistake((*place, len(value)), deepcopy(value[0]), told)
        if isinstance(value[0], str):
            yield _at((*place, 0), 5)


def _wrong_values(field: Field) -> Iterator[Any]:
    """Of the wrong type, or out of range."""
    kind, limits, _ = field
    if kind is int:
        yield from ("5", True, None, [1], 1.5)
        if "ge" in limits:
            yield limits["ge"] - 1
        if "le" in limits:
            yield limits["le"] + 1
    elif kind is str:
        yield from (5, True, None, ["text"], {"text": 1}, "", "\t")
    elif kind is bool:
        yield from ("yes", 1, None)
    elif get_origin(kind) is Literal:
        yield from ("nonsense", 7, None, [], {})
    elif get_origin(kind) is tuple:
        yield from ("text", 5, {"a": 1}, None)
        if limits.get("min_length"):
            yield []
    elif isinstance(kind, type) and issubclass(kind, Section):
        yield from ("text", 5, [], None)


def _between(raw: dict[str, Any]) -> Iterator[Mistake]:
    """What is wrong between fields, and what names a folder."""
    names = raw.get("workloads", [])
    yield Mistake(("workloads",), [*names, "nix"], ("workloads", len(names)))
    yield Mistake(("workloads",), [*names, "x" * 300], ("workloads", len(names)))
    yield _at(("workloads",), "digits")
    if names:
        yield Mistake(("workloads",), [*names, WORKLOAD], ("workloads", len(names)))
        wanted = load_workload(ROOT / "workloads" / WORKLOAD / "workload.yaml")
        assert wanted.train is not None
        other = next(name for name in ("ml.m5.24xlarge", "ml.c5.18xlarge") if name != wanted.train.instance_type)
        for limit in ({"instance_types": {"training": [other]}}, {"max_run_seconds": 60}, {"max_instances": 1}):
            yield Mistake(("guardrails",), limit, ("workloads", WORKLOAD))
    studio = {"idle_minutes": 200, "max_idle_minutes": 100}
    yield Mistake(("studio",), studio, ("studio", "idle_minutes"))


def _at(place: Place, value: Any) -> Mistake:
    return Mistake(place, value, place)


def _touch(one: Mistake, other: Mistake) -> bool:
    """One of them is in a part that the other replaces, or depends on it."""
    pairs = [(a, b) for a in (one.place, one.told) for b in (other.place, other.told)]
    if any(a[: len(b)] == b or b[: len(a)] == a for a, b in pairs):
        return True
    # Zones are held against the region, workloads and their images too, and guardrails against workloads.
    related = ({"region", "network", "workloads"}, {"workloads", "guardrails"})
    return any({one.place[0], other.place[0]} <= group for group in related) or one.place[:-1] == other.place[:-1] != ()


def _put(raw: Any, mistake: Mistake) -> None:
    target: Any = raw
    *path, last = mistake.place
    for step in path:
        target = target[step]
    if mistake.value is MISSING:
        target.pop(last, None)
    elif isinstance(last, int):
        target[last : last + 1] = [mistake.value]  # the place after the last entry is one too
    else:
        target[last] = mistake.value


def _written(place: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
