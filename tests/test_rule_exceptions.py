"""What the review tells of exceptions from the compiler's rules."""

from datetime import date

from config.schema import Platform
from config.workload import RuleException
from review.synthesis import rule_exceptions


def test_exceptions_are_listed_with_their_workload_until_their_last_day_and_as_expired_from_then_on(
    platform: Platform,
) -> None:
    def until(day: date) -> RuleException:
        return RuleException(rule="spot", step="Train", reason="no capacity", until=day)

    held, gone = until(date(2026, 11, 24)), until(date(2026, 11, 23))
    digits = platform.workloads["digits"].model_copy(update={"exceptions": (held, gone)})
    found = rule_exceptions(platform.model_copy(update={"workloads": {"digits": digits}}), date(2026, 11, 24))
    assert found == ([("digits", held)], [("digits", gone)])
