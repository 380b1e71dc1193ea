"""Who called what: the record that `make cloud-operations` reads."""

import threading
from collections import Counter
from typing import Any


class Calls:
    """Counts of calls per operation, client and role, kept while the cloud runs."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, operation: str, agent: str, role: str = "") -> None:
        with self._lock:
            self._counts[operation, agent, role] += 1

    def listed(self) -> list[dict[str, Any]]:
        """`operation`, `agent`, `role` (empty for the account itself and CloudFormation) and `count`, sorted."""
        with self._lock:
            counted = sorted(self._counts.items())
        return [
            {"operation": operation, "agent": agent, "role": role, "count": count}
            for (operation, agent, role), count in counted
        ]


def agent(header: str) -> str:
    """The client that a User-Agent header names: its first product, or the SageMaker SDK, which adds itself last."""
    if "AWS-SageMaker-Python-SDK" in header:
        return "sagemaker"
    return header.split("/", 1)[0].strip() or "unknown"


def role(arn: str) -> str:
    """The name of the role that an assumed role's ARN names; empty for anybody else."""
    parts = arn.split(":")
    return parts[5].split("/")[1] if len(parts) > 5 and parts[5].startswith("assumed-role/") else ""
