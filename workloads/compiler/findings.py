"""What the compiler holds against a definition."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong: where, which rule says so, the value found and what is allowed."""

    workload: str
    step: str
    field: str
    rule: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.workload}: step {self.step}: {self.field}: [{self.rule}] {self.value}; allowed: {self.allowed}"
