"""One sweep over 10,000 resources, a fifth of its calls throttled: calls, memory and time."""

import json
import logging
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import boto3

from bench.figure import Figure, timed
from bench.sweep_account import LATENCY_SECONDS, Account, least_calls
from bench.sweep_rows import COUNTS, NOW
from config.costs import Costs
from controls import clients
from controls.judgement.choices import policy
from controls.ledger import Ledger
from controls.pricing.prices import Prices
from controls.sweeps.sweeping import Sweep

THROTTLED = 0.2


def sweeping() -> list[Figure]:
    """Of the second of two sweeps: the first has to remember what it sees, which later ones know."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.json")
        _, peak_mb = timed([sys.executable, "-m", "bench.sweep", str(told)])
        found = json.loads(told.read_text("utf-8"))
    size = f"{sum(COUNTS.values()):,} resources of {len(COUNTS)} kinds, {found['throttled']:,} calls throttled"
    return [
        Figure(
            name="sweep.calls_ratio",
            value=(found["calls"] + found["throttled"]) / (found["least"] + found["throttled"]),
            unit="x",
            limit=1.15,
            against=f"{size}; at least {found['least']:,} calls: each list in the largest pages, a question about each "
            "resource whose list tells too little; the ledger's calls are counted, but not in the least",
            samples=found["calls"],
        ),
        Figure(
            name="sweep.peak_mb",
            value=peak_mb,
            unit="MB",
            limit=256,
            against=f"{size}; a process of its own, with boto3 and with the account that answers",
            samples=1,
        ),
        Figure(
            name="sweep.minutes",
            value=found["seconds"] / 60,
            unit="min",
            limit=10,
            against=f"{size}; simulated clock: {1000 * LATENCY_SECONDS:g} ms a call (assumed) and all waits of "
            "botocore's adaptive retries. AWS publishes no rates of SageMaker's API",
            samples=1,
        ),
    ]


def main(target: Path) -> None:
    logging.disable()
    boto3.setup_default_session(region_name="us-east-1", aws_access_key_id="bench", aws_secret_access_key="bench")
    account = Account(clients.session())
    with account.entered():
        _sweep(account, 0)
        account.calls.clear()
        begun, account.throttling = account.seconds, THROTTLED
        _sweep(account, 1)
    calls = sum(account.calls.values())
    told = {"calls": calls, "throttled": account.throttled, "least": least_calls(), "seconds": account.seconds - begun}
    target.write_text(json.dumps({**told, "by_operation": account.calls.most_common()}), "utf-8")


def _sweep(account: Account, hour: int) -> None:
    """As the function does it, with fresh clients as a fresh instance has; observing, which looks at all the same."""
    clients.client.cache_clear()
    now = NOW + timedelta(hours=hour)
    rules = replace(policy(json.dumps(Costs().policy("sluice-dev", "dev"))), orphan_days=30)
    ledger = Ledger(clients.client("dynamodb"), "ledger", now=now)
    known = {"region": "us-east-1", "account": "111122223333", "policy": rules, "prices": Prices.read(), "now": now}
    Sweep(clients.of("us-east-1"), ledger, tell=lambda subject, message: None, **known).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
