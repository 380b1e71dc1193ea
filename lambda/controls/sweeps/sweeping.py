"""One sweep: what there is, what is to be done about it, warnings, deeds, and what comes back in the morning."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from controls.inventory import Inventory, Memory
from controls.judgement.choices import Policy
from controls.judgement.policy import Action, Verdict, decide
from controls.ledger import Item, Ledger
from controls.pricing.prices import Prices
from controls.resource import Resource
from controls.sweeps import restoring, savings, warning
from controls.sweeps.ending import Ending

logger = Logger(service="sweep")

_FIRST, _LONGEST = 20, 500  # troubles that are told, and characters of each

Judged = tuple[Resource, Verdict]


class SweepError(RuntimeError):
    """Some resources could not be examined, ended or restored; all others were."""


@dataclass(frozen=True)
class Finding:
    """What does not stay as it is, and what came of it.

    Outcomes: observed | warned | done | gone | spared (used, changed or tagged at the last moment) | restored | lost.
    """

    kind: str
    name: str
    action: str
    reason: str
    outcome: str


class Sweep:
    """`client` makes clients of the region and account that are swept; `ledger` is one for all of them."""

    def __init__(
        self,
        client: Callable[[str], Any],
        ledger: Ledger,
        *,
        region: str,
        account: str,
        policy: Policy,
        prices: Prices,
        tell: warning.Tell,
        now: datetime,
    ) -> None:
        self.region, self.account = region, account
        self._ledger, self._policy, self._tell, self._now = ledger, policy, tell, now
        self._memory = Memory.of(ledger)
        self._inventory = Inventory(client, region=region, policy=policy, prices=prices, memory=self._memory, now=now)
        self._ending = Ending(client, ledger, self._inventory, policy=policy, now=now)
        self._troubles: list[str] = []

    def run(self) -> list[Finding]:
        """Raises SweepError at the end when something gave trouble."""
        # Listed to the end first: deleting while paging would skip some.
        resources = list(self._inventory.everything())
        unread = self._inventory.troubles
        for kind, error in ((kind, error) for kind, errors in unread.items() for error in errors):
            logger.error("could not be read", kind=kind, reason=error)
            self._troubles.append(f"{kind}: {error}")
        present = {resource.arn: resource for resource in resources}
        self._remember(present)
        savings.measure(self._ledger, self._here("ended"), present, unread=unread.keys(), now=self._now)
        kept = self._here("restorable")
        away = [item for item in kept if not restoring.is_back(self._ledger, item, present)]
        verdicts = [(resource, decide(resource, self._policy, self._now)) for resource in resources]
        acting = [each for each in verdicts if each[1].rule in self._policy.enforced]
        findings = [*self._observe(verdicts), *self._warn(acting), *self._end(acting), *self._restore(away)]
        self._let_go(verdicts)
        if self._troubles:
            raise SweepError(_told(self._troubles))
        return findings

    def _here(self, topic: str) -> list[Item]:
        return [item for item in self._ledger.remembered(topic) if self._is_here(item["at"])]

    def _is_here(self, arn: str) -> bool:
        return arn.split(":")[3:5] == [self.region, self.account]

    def _remember(self, present: Mapping[str, Resource]) -> None:
        """Since when things are as they were seen, for the next sweep; once all could be read, only those."""
        since = self._inventory.since
        for arn, at in since.items():
            if self._memory.since.get(arn) != at:
                self._ledger.remember("since", arn, since=at.isoformat())
        if not self._inventory.troubles:
            for arn in filter(self._is_here, self._memory.since.keys() - since.keys()):
                self._ledger.forget("since", arn)
            for arn in filter(self._is_here, self._memory.warned.keys() - present.keys()):
                self._ledger.let_go(arn)

    def _observe(self, verdicts: Iterable[Judged]) -> Iterator[Finding]:
        """Recorded once a day for each resource and rule."""
        today = self._now.date().isoformat()
        known = {item["at"]: (item["rule"], item["day"]) for item in self._ledger.remembered("observed")}
        for resource, verdict in verdicts:
            if verdict.action is Action.KEEP or verdict.rule in self._policy.enforced:
                continue
            if known.get(resource.arn) != (verdict.rule, today):
                self._ledger.record(resource, verdict, "observed")
                self._ledger.remember("observed", resource.arn, rule=verdict.rule, day=today)
            yield _finding(resource, verdict, "observed")

    def _warn(self, acting: Iterable[Judged]) -> Iterator[Finding]:
        """Owners are told first, and that is remembered then: who was not told gets no grace."""
        warned = [each for each in acting if each[1].action is Action.WARN]
        news = [each for each in warned if not each[1].told]
        for subject, text, some in warning.messages(news, self._policy.platform):
            with self._troubled(subject):
                self._tell(subject, text)
                for resource, verdict in some:
                    self._ledger.record(resource, verdict, "warned")
                    self._ledger.warn(resource, verdict)
        yield from (_finding(resource, verdict, "warned") for resource, verdict in warned)

    def _let_go(self, verdicts: Iterable[Judged]) -> None:
        """What was warned of and is in use again, or is kept."""
        for resource, verdict in verdicts:
            if resource.warned and verdict.rule is not resource.warned.rule:
                current = self._ledger.recall("warned", resource.arn)
                if current and current["rule"] == resource.warned.rule:
                    self._ledger.let_go(resource.arn)

    def _end(self, acting: Iterable[Judged]) -> Iterator[Finding]:
        for resource, verdict in acting:
            outcome = None
            if verdict.action is not Action.WARN:
                with self._troubled(f"{resource.kind} {resource.name}"):
                    outcome = self._ending.carry_out(resource, verdict)
            if outcome:
                yield _finding(resource, verdict, outcome)

    def _restore(self, away: Iterable[Item]) -> Iterator[Finding]:
        """What off-hours ended of endpoints and their components comes back when people work again."""
        for item in away if self._ending.is_morning() else ():
            outcome = None
            with self._troubled(f"{item['kind']} {item['name']}"):
                outcome = self._ending.bring_back(item)
            if outcome:
                yield Finding(item["kind"], item["name"], "restore", "people work again", outcome)

    @contextmanager
    def _troubled(self, what: str) -> Iterator[None]:
        """One that gives trouble stops no other."""
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            logger.exception("trouble", what=what)
            self._troubles.append(f"{what}: {error}")


def _told(troubles: list[str]) -> str:
    """Short, because Step Functions takes no more than 256 KB of a function; the log has each whole."""
    some = "; ".join(trouble[:_LONGEST] for trouble in troubles[:_FIRST])
    return some if len(troubles) <= _FIRST else f"{len(troubles)} troubles, of which the first {_FIRST}: {some}"


def _finding(resource: Resource, verdict: Verdict, outcome: str) -> Finding:
    return Finding(resource.kind, resource.name, verdict.action, verdict.evidence, outcome)
