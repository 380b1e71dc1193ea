"""Counts what the platform costs, every quarter of an hour: AWS's own budgets are eight to twelve hours late.

An event that is lost is made up for by the next one, one that comes twice or late counts nothing more, and a run that
ends halfway is completed by the next. Mails of a level may come twice then; else what is told is told once.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, emf, settings
from controls.judgement.choices import policy
from controls.ledger import Ledger
from controls.pricing import price_table
from controls.resource import Kind, Rule
from controls.spending import budget, limit, metering, reconciling
from controls.spending.counting import Reading
from controls.spending.freeze import Freeze, FreezeError
from controls.spending.metering import Place
from controls.spending.month import Month
from controls.spending.reconciling import NoFiguresError

logger = Logger(service="meter")


class MeterError(RuntimeError):
    """Something could not be read, and was taken to run on; or roles are frozen though nothing may freeze them."""


@dataclass(frozen=True)
class Settings:
    """`targets`: further regions, each with a role where it is another account's. `reconciles`: AWS's bill is asked."""

    policy: str
    ledger_table: str
    artifact_bucket: str
    topic_arn: str
    freeze_policy_arn: str
    boundary_arn: str
    usd_per_month: float
    warn_percent: list[int]
    targets: list[dict[str, str]]
    reconciles: bool


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """What is spent at the time of `event`. Raises MeterError at the end, with everything else done."""
    config = settings.read(Settings, os.environ)
    now = datetime.fromisoformat(event["time"])
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    begin = budget.read_until(ledger, now)
    if now < begin:
        return {"outcome": "late"}
    rules = policy(config.policy)
    reading = metering.together(list(_readings(config, ledger, begin, now)))
    month = budget.take(ledger, reading)
    if month is None:
        return {"outcome": "late"}
    budget.enter_gap(ledger, month, begin, now)
    freezes = Rule.BUDGET in rules.enforced and rules.environment != "prod"
    meter = Meter(config, ledger, platform=rules.platform, freezes=freezes, now=now)
    month = meter.warn(meter.judge(meter.reconcile(month)))
    troubles = [*meter.freeze(month), *_untold(reading)]
    emf.emit(rules.platform, _metrics(month), now)
    if troubles:
        raise MeterError("; ".join(sorted(troubles)))
    return {"outcome": "read", **_metrics(month)}


def _readings(config: Settings, ledger: Ledger, begin: datetime, now: datetime) -> Iterator[Reading]:
    """One for each region and account; that of one that cannot be read, which stops no other, says so."""
    rules, since = policy(config.policy), budget.jobs_since(begin)
    prices = price_table.load(clients.client("s3"), config.artifact_bucket)
    home = clients.client("sagemaker").meta.region_name
    yield metering.read(Place(clients.client, home), ledger, rules, prices, since=since, now=now)
    for each in config.targets:
        region = each["region"]
        try:
            place = Place(clients.of(region, each.get("role_arn")), region)
        except metering.TROUBLES as error:
            logger.warning("not read at all", target=each, reason=str(error))
            yield metering.unread(region, now)
            continue
        yield metering.read(place, ledger, rules, prices, since=since, now=now)


def _untold(reading: Reading) -> Iterator[str]:
    """What could not be read; of a region of which nothing could, one line."""
    regions = {region for region, _ in reading.unread}
    for region in sorted(regions):
        kinds = sorted(kind for where, kind in reading.unread if where == region)
        yield f"{'everything' if len(kinds) == len(Kind) else ', '.join(kinds)} in {region} could not be read"


def _metrics(month: Month) -> dict[str, float]:
    return {emf.SPENT: round(month.used_usd, 4), emf.RATE: round(month.usd_per_hour, 4)}


class Meter:
    """What follows from a month as it was read. Each step starts from what is remembered, so it can be repeated."""

    def __init__(self, config: Settings, ledger: Ledger, *, platform: str, freezes: bool, now: datetime) -> None:
        self._config, self._ledger, self._platform, self._freezes, self._now = config, ledger, platform, freezes, now

    def reconcile(self, month: Month) -> Month:
        """Once a day, with at least what AWS's bill has for the days that are over."""
        if not self._config.reconciles or not reconciling.is_due(month, self._now):
            return month
        at = f"{self._now:%Y-%m-%d}T00:00:00+00:00"
        try:
            found = reconciling.compared(clients.client("ce"), month, self._platform, self._now)
        except NoFiguresError as error:
            logger.warning("not reconciled with AWS's bill", reason=str(error))
            budget.enter(self._ledger, month, "reconcile", "not-reconciled", str(error), at)
            return self._revised(month, lambda known: replace(known, reconciled_on=f"{self._now:%Y-%m-%d}"))
        told = f"AWS billed {found.billed_usd:.2f} USD for the days before {found.day}; {found.counted_usd:.2f} counted"
        budget.enter(self._ledger, month, "reconcile", "reconciled", told, at, usd=round(found.missing_usd, 6))
        return self._revised(month, lambda known: reconciling.raised(known, found))

    def judge(self, month: Month) -> Month:
        """With the levels that it has reached, before anybody is told of them."""
        return self._revised(
            month,
            lambda known: limit.judged(
                known,
                limit_usd=self._config.usd_per_month,
                warn_percent=self._config.warn_percent,
                freezes=self._freezes,
                now=self._now,
            ),
        )

    def warn(self, month: Month) -> Month:
        """With the highest level that is news told by mail; of several at once one mail is enough."""
        news = sorted(set(month.reached) - set(month.told), key=int)
        if not news:
            return month
        text = limit.message(month, freezes=self._freezes)
        subject = limit.subject(month, news[-1], self._platform)
        clients.client("sns").publish(TopicArn=self._config.topic_arn, Subject=subject, Message=text)
        for level in news:
            reason = f"{level} % of {month.limit_usd:.2f} USD is used"
            budget.enter(self._ledger, month, f"level-{level}", "warned", reason, month.reached[level])
        return self._revised(month, lambda known: replace(known, told=tuple(sorted({*known.told, *news}, key=int))))

    def freeze(self, month: Month) -> list[str]:
        """Roles are frozen or thawed, as the month is; what stands in the way."""
        frozen = Freeze(clients.client("iam"), self._config.freeze_policy_arn, self._config.boundary_arn)
        if not self._freezes:
            left = frozen.attached()
            return [f"nothing may be frozen, and these roles are: {', '.join(left)}; type sluice thaw"] if left else []
        troubles: list[str] = []
        if month.frozen_since and (names := frozen.missing()):
            reason = f"{month.used_usd:.2f} of {month.limit_usd:.2f} USD is used"
            names, troubles = _changed(names, frozen.attach)
            self._enter(month, "freeze", "frozen", reason, names)
        elif not month.frozen_since and (names := frozen.attached()):
            reason = "the month or its limit is a new one, or a person thawed it"
            names, troubles = _changed(names, lambda _: frozen.detach())
            self._enter(month, "thaw", "thawed", reason, names)
        return troubles

    def _enter(self, month: Month, about: str, outcome: str, reason: str, names: list[str]) -> None:
        if names:
            budget.enter(self._ledger, month, about, outcome, reason, self._now.isoformat(), roles=names)

    def _revised(self, month: Month, change: Callable[[Month], Month]) -> Month:
        return budget.revised(self._ledger, month.name, change) or month


def _changed(names: list[str], change: Callable[[list[str]], object]) -> tuple[list[str], list[str]]:
    """Of the roles `names` those that were changed, and what stands in the way of the others."""
    try:
        change(names)
    except FreezeError as error:
        return [name for name in names if name not in error.refused], [str(error)]
    return names, []
