"""Tells people, once a day, what was saved, done and spent: a page in S3, a mail, and Slack where it is configured."""

import json
import os
import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from controls import clients, emf, settings
from controls.ledger import Ledger
from controls.reporting import messages
from controls.reporting.facts import gathered
from controls.reporting.page import page

logger = Logger(service="report")

FOLDER = "costs/reports"
_TIMEOUT_SECONDS = 10
_MESSAGE_BYTES = 262_144  # of SNS


class ReportError(RuntimeError):
    """Somebody could not be told; the page is in S3, and a retry tells only them."""


@dataclass(frozen=True)
class Settings:
    platform: str
    ledger_table: str
    artifact_bucket: str
    topic_arn: str
    slack_parameter: str
    budget_usd: float | None


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The place of the report of the day before `event`. Raises ReportError at the end when some were not told."""
    config = settings.read(Settings, os.environ)
    now = datetime.fromisoformat(event["time"])
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    facts = gathered(ledger, platform=config.platform, now=now, budget_usd=config.budget_usd)
    key = f"{FOLDER}/{facts.day}.html"
    clients.client("s3").put_object(
        Bucket=config.artifact_bucket, Key=key, Body=page(facts).encode(), ContentType="text/html; charset=utf-8"
    )
    emf.emit(config.platform, {emf.SAVED: facts.saved_day}, now)
    place = f"s3://{config.artifact_bucket}/{key}"
    text = messages.summary(facts, place)
    ways: dict[str, Callable[[], None]] = {"mail": lambda: _mail(config.topic_arn, messages.subject(facts), text)}
    if config.slack_parameter:
        ways["slack"] = lambda: _slack(config.slack_parameter, text)
    _tell(ledger, f"{facts.day}", ways)
    return {"report": place, "saved_usd": facts.saved_day}


def _tell(ledger: Ledger, day: str, ways: dict[str, Callable[[], None]]) -> None:
    """Each way once: a report that is made again, for a retry or a second event, does not go out again.

    It is remembered first. Who is cut off right after that tells nobody by this way; the page is there all the same.
    """
    troubles = []
    for way, tell in ways.items():
        if not ledger.remember_once("told", f"{day}/{way}"):
            continue
        try:
            tell()
        except (ClientError, BotoCoreError, OSError, HTTPException, ReportError) as error:
            ledger.forget("told", f"{day}/{way}")
            logger.error("not told", way=way, error=str(error))
            troubles.append(f"{way}: {error}")
    if troubles:
        raise ReportError("; ".join(troubles))


def _mail(topic_arn: str, subject: str, text: str) -> None:
    message = text.encode()[:_MESSAGE_BYTES].decode(errors="ignore")
    clients.client("sns").publish(TopicArn=topic_arn, Subject=subject, Message=message)


def _slack(parameter: str, text: str) -> None:
    """Raises when Slack does not take it. The address is a secret: no error names it."""
    address = clients.client("ssm").get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
    if not re.fullmatch(r"https://[!-~]+", address):
        raise ReportError(f"{parameter} holds no address that begins with https://")
    body = json.dumps({"text": messages.for_slack(text)}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):
        pass
