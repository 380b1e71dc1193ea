"""The findings as GitHub Actions shows them on the changed lines."""

from collections import Counter
from collections.abc import Iterator

from review.model import Finding, Review, Severity
from review.report.sarif import source
from review.report.sheet import line
from review.verdict import gravest_first

OF_A_LEVEL = 10  # GitHub shows no more of a step
LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "notice"}


def annotations(review: Review) -> Iterator[str]:
    """Lines to print, each a workflow command. Those with a line of code come first, as only they stand in the diff."""
    told: Counter[str] = Counter()
    for each in sorted(gravest_first(review.findings), key=lambda each: source(each.place) is None):
        level = LEVELS[each.severity]
        told[level] += 1
        if told[level] <= OF_A_LEVEL:
            yield _command(level, each)


def _command(level: str, each: Finding) -> str:
    at = source(each.place)
    where = [f"file={_property(at[0])}", f"line={at[1]}"] if at else []
    title = f"title={_property(f'{each.rule}: {each.place.path}')}"
    message = f"{each.message} {each.fix}".strip()
    return f"::{level} {','.join([*where, title])}::{_data(line(message, 1000))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(line(text)).replace(":", "%3A").replace(",", "%2C")
