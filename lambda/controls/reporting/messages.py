"""The report in short, for mail and Slack."""

import re
from collections.abc import Iterator, Sequence

from controls.reporting.charts import usd
from controls.reporting.facts import Amount, Deed, Facts

LINES = 10  # of a list; the page has more


def subject(facts: Facts) -> str:
    """As SNS takes it: printable ASCII, 100 characters at most."""
    return f"[{facts.platform}] {facts.day}: {usd(facts.saved_day)} USD saved"[:100]


def summary(facts: Facts, place: str) -> str:
    """What matters, and where the whole is: `place` is an address in S3."""
    return "\n".join(_lines(facts, place))


def for_slack(text: str) -> str:
    """With the three characters escaped that Slack gives a meaning: a tag `<!channel>` calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(facts: Facts, place: str) -> Iterator[str]:
    yield f"Costs of {facts.platform} on {facts.day} (UTC)"
    yield ""
    yield f"Saved: {usd(facts.saved_day)} USD on this day, {usd(facts.saved_month)} USD in this month"
    yield from _amounts("by rule", facts.saved["rule"])
    yield from _amounts("by user", facts.saved["owner"])
    if facts.spot.jobs:
        yield f"  spot: {facts.spot.jobs} jobs of this month saved {usd(facts.spot.saved_usd)} USD"
    if (spent := facts.spent) is None:
        yield "Spent: nothing was metered in this month"
    elif spent.limit:
        yield f"Spent: {usd(spent.usd)} of {usd(spent.limit)} USD in this month, {spent.usd / spent.limit:.0%}"
    else:
        yield f"Spent: {usd(spent.usd)} USD in this month"
    if spent and spent.frozen_since:
        yield f"Frozen since {spent.frozen_since[:16]} UTC; a person lets it go on by: sluice thaw"
    yield from _deeds("Done", facts.done)
    yield from _deeds("To be done in the next day", facts.coming)
    yield from _deeds("Would have been done by rules that only observe", facts.observed)
    yield ""
    yield f"The whole report: {place}"
    yield f"  aws s3 cp {place} report.html"
    yield "To keep something: sluice keep ARN --until DATE"


def _amounts(how: str, amounts: Sequence[Amount]) -> Iterator[str]:
    if today := [amount for amount in amounts if amount.day]:
        yield f"  {how}: " + ", ".join(f"{_line(amount.name)} {usd(amount.day)}" for amount in today[:LINES])


def _deeds(title: str, deeds: Sequence[Deed]) -> Iterator[str]:
    yield ""
    yield f"{title}: {len(deeds) or 'nothing'}"
    for deed in deeds[:LINES]:
        whose = f" of {deed.owner}" if deed.owner else ""
        what = f"{deed.at[:16]} {deed.kind} {deed.name or deed.arn}{whose}"
        yield f"  {_line(f'{what}: {deed.action} ({deed.outcome}): {deed.reason}')}"
    if len(deeds) > LINES:
        yield f"  and {len(deeds) - LINES} more"


def _line(text: str) -> str:
    """Names and tags are other people's: none may begin a line of its own."""
    return re.sub(r"\s+", " ", text)
