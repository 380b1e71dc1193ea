"""The report of a believable month, of an empty one, and of one whose names are somebody's attempt at HTML."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import believable
from bench.ledger_table import LedgerTable
from controls.ledger import Ledger
from controls.reporting import messages
from controls.reporting.charts import bars, columns, gauge, usd
from controls.reporting.facts import Facts, gathered
from controls.reporting.page import page

HOSTILE = "</td><script>alert('x')</script>\n<!channel> \"&amp;"
PLACE = "s3://artifacts/costs/reports/2026-11-27.html"


class Reader(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"


def of(*entries: dict[str, Any], budget: float | None = None, **month: Any) -> Facts:
    """The facts of the 27th from entries of it."""
    table = LedgerTable()
    for number, entry in enumerate(entries):
        at = datetime(2026, 11, 27, 8, number, tzinfo=UTC)
        Ledger(table, "t", now=at).enter(entry.pop("arn", f"arn:{number}"), **entry)
    ledger = Ledger(table, "t", now=believable.NOW)
    if month:
        ledger.remember("budget", "2026-11", **month)
    return gathered(ledger, platform="sluice-dev", now=believable.NOW, budget_usd=budget)


@pytest.fixture(scope="module")
def november() -> Facts:
    return believable.facts()


def test_what_was_saved_adds_up_over_each_dimension_and_over_the_days(november: Facts) -> None:
    for amounts in november.saved.values():
        assert sum(amount.month for amount in amounts) == pytest.approx(november.saved_month)
        assert sum(amount.day for amount in amounts) == pytest.approx(november.saved_day)
    assert sum(amount for _, amount in november.saved_by_day) == pytest.approx(november.saved_month)
    assert [day.day for day, _ in november.saved_by_day] == list(range(1, 28))
    assert november.saved_by_day[-1][1] == pytest.approx(november.saved_day)


def test_only_the_day_is_told_and_only_its_month_is_counted() -> None:
    table = LedgerTable()
    for day in (datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 28, 1, tzinfo=UTC)):
        Ledger(table, "t", now=day).enter("arn:a", outcome="saved", saved_usd=5, rule="idle")
        Ledger(table, "t", now=day).enter("arn:b", outcome="done", name="b")
    facts = gathered(Ledger(table, "t", now=believable.NOW), platform="sluice-dev", now=believable.NOW)
    assert facts.saved_month == 0 and facts.done == ()


def test_what_is_due_within_a_day_is_told_in_order_and_what_is_due_later_is_not() -> None:
    ledger = Ledger(LedgerTable(), "t", now=believable.NOW)
    for name, hours in (("later", 25), ("second", 24), ("first", 1), ("overdue", -1)):
        due = (believable.NOW + timedelta(hours=hours)).isoformat()
        ledger.remember("warned", f"arn:{name}", name=name, effective_at=due, rule="idle", action="warn", ending="stop")
    ledger.remember("warned", "arn:told", name="told", effective_at="", rule="idle", action="warn")
    coming = gathered(ledger, platform="sluice-dev", now=believable.NOW).coming
    assert [deed.name for deed in coming] == ["overdue", "first", "second"]
    assert {deed.action for deed in coming} == {"stop"}


def test_what_a_rule_only_observed_is_told_once_and_apart_from_what_was_done() -> None:
    seen = {"arn": "arn:a", "name": "a", "rule": "idle", "outcome": "observed", "action": "warn"}
    facts = of(dict(seen), dict(seen), {**seen, "rule": "ttl"}, {"name": "b", "outcome": "done", "action": "stop"})
    assert [(deed.name, deed.rule, deed.at[11:16]) for deed in facts.observed] == [
        ("a", "idle", "08:01"),
        ("a", "ttl", "08:02"),
    ]
    assert [deed.name for deed in facts.done] == ["b"]


def test_spot_is_told_as_measured() -> None:
    job = {"rule": "spot", "outcome": "saved", "saved_usd": 6.0, "cost_usd": 2.0, "hours": 3.0, "billed_hours": 1.0}
    facts = of(job, dict(job), {"outcome": "ended", "cost_usd": 9.0})
    assert (facts.spot.jobs, facts.spot.share, facts.spot.billed_hours) == (2, 0.75, 2.0)
    assert "USD, 75% less: 2 jobs, 2.0 of 8.0 hours billed" in page(facts)
    assert facts.done == ()


def test_the_page_needs_nothing_from_anywhere_and_runs_nothing(november: Facts) -> None:
    read = Reader(page(november))
    assert read.open == []
    assert not set(read.tags) & {"script", "link", "img", "iframe", "object", "base", "form", "a", "image", "use"}
    assert not [name for name, _ in read.attributes if name in ("src", "href", "srcset") or name.startswith("on")]
    assert "url(" not in page(november) and "@import" not in page(november)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes


def test_every_amount_that_is_drawn_is_written_too(november: Facts) -> None:
    read = Reader(page(november))
    for amounts in november.saved.values():
        assert all(usd(amount.month) in read.text and usd(amount.day) in read.text for amount in amounts)
    assert november.spent is not None
    assert all(usd(amount) in read.text for rows in november.spent.by.values() for _, amount in rows)
    assert "1,204.50 of 2,000.00 USD, 60%" in read.text


def test_an_empty_day_says_so_everywhere() -> None:
    facts = of()
    text = Reader(page(facts)).text
    for words in ("Nothing was done on this day.", "Nothing is due.", "Nothing was metered in this month."):
        assert words in text
    assert text.count("Nothing was saved in this month.") == 4 and "no rule that only observes found anything" in text
    assert "Done: nothing" in messages.summary(facts, PLACE)
    assert messages.subject(facts) == "[sluice-dev] 2026-11-27: 0.00 USD saved"


def test_a_month_over_its_budget_says_so_in_words() -> None:
    read = Reader(page(of(budget=100.0, spent_usd=130.0, by_team={"a": 130.0})))
    assert "130.00 of 100.00 USD, 130%: over the budget" in read.text


def test_a_frozen_month_says_since_when_and_how_it_goes_on() -> None:
    facts = of(budget=100.0, spent_usd=90.0, in_progress_usd=20.0, frozen_since="2026-11-25T10:15:00+00:00")
    assert "110.00 of 100.00 USD" in page(facts) and "Frozen since 2026-11-25 10:15 UTC" in page(facts)
    assert "sluice thaw" in messages.summary(facts, PLACE)


def test_a_month_without_a_budget_is_told_all_the_same() -> None:
    facts = of(spent_usd=130.0, by_owner={"": 130.0})
    assert "130.00 USD; no budget is set." in page(facts) and "not named" in page(facts)
    assert "Spent: 130.00 USD in this month" in messages.summary(facts, PLACE)


def test_a_long_day_is_cut_and_says_what_is_left_out() -> None:
    facts = of(*({"name": f"n{number}", "outcome": "done"} for number in range(59)))
    facts = replace(facts, done=facts.done * 2)
    assert "18 more are in the ledger." in page(facts) and page(facts).count("<tr><td>") == 100
    assert "  and 108 more" in messages.summary(facts, PLACE)


MEMBERS = ("name", "kind", "owner", "team", "workload", "rule", "reason", "action", "arn")


@given(texts=st.lists(st.text(), min_size=len(MEMBERS), max_size=len(MEMBERS)))
def test_no_name_or_tag_becomes_markup(texts: list[str]) -> None:
    given = dict(zip(MEMBERS, texts, strict=True))
    given["arn"] = f"arn:{given['arn']}"
    plain = dict.fromkeys(MEMBERS, "x")

    def shape(members: dict[str, str]) -> tuple[Counter[str], list[str]]:
        deeds = [{**members, "outcome": outcome} for outcome in ("done", "observed")]
        saved = {**members, "outcome": "saved", "saved_usd": 1.0}
        read = Reader(page(of(*deeds, saved, spent_usd=1.0, by_team={members["team"]: 1.0})))
        assert read.open == []
        return read.tags, [name for name, _ in read.attributes]

    # What names nobody is shown otherwise, in a mark of its own.
    assert shape({**given, "owner": given["owner"] or "x"}) == shape(plain)


def test_a_hostile_name_is_shown_as_it_is() -> None:
    deed = dict.fromkeys(MEMBERS[:-1], HOSTILE) | {"outcome": HOSTILE}
    read = Reader(page(of(deed)))
    assert "<script>alert('x')</script>" in read.text and "script" not in read.tags


def test_in_mail_and_slack_no_name_begins_a_line_or_calls_anybody() -> None:
    text = messages.summary(of(dict.fromkeys(MEMBERS[:-1], HOSTILE) | {"outcome": "done"}), PLACE)
    assert not [line for line in text.splitlines() if line.startswith("<")]
    assert "<!channel>" in text and "<" not in messages.for_slack(text)
    assert "&lt;!channel&gt;" in messages.for_slack(text)


def test_the_mail_tells_the_sums_the_deeds_and_the_place(november: Facts) -> None:
    text = messages.summary(november, PLACE)
    assert f"Saved: {usd(november.saved_day)} USD on this day, {usd(november.saved_month)} USD in this month" in text
    assert "endpoint churn-preview of ada: delete (done): unused since" in text
    assert f"aws s3 cp {PLACE} report.html" in text
    assert re.fullmatch(r"[ -~]{1,100}", messages.subject(november))


@given(amounts=st.lists(st.floats(0, 1e9), min_size=1, max_size=31))
def test_no_column_is_higher_than_its_axis_and_no_bar_longer_than_its_track(amounts: list[float]) -> None:
    days = [(datetime(2026, 1, 1).date() + timedelta(days=i), amount) for i, amount in enumerate(amounts)]
    tops = [float(y) for y in re.findall(r'<rect[^>]* y="([-0-9.]+)"', columns(days, "x"))]
    assert len(tops) == len(amounts) and all(22 - 1e-6 <= top <= 166 for top in tops)
    widths = re.findall(r"width:([0-9.]+)%", bars([("n", amount, "") for amount in amounts], ("a", "b")))
    assert widths and all(0 <= float(width) <= 100 for width in widths)


def test_a_gauge_is_full_at_most() -> None:
    assert 'style="width:100.0%"' in gauge(500, 100) and 'style="width:25.0%"' in gauge(25, 100)


@pytest.mark.parametrize(("amount", "text"), [(0, "0.00"), (0.001, "<0.01"), (1234.5, "1,234.50")])
def test_an_amount_is_never_rounded_to_nothing(amount: float, text: str) -> None:
    assert usd(amount) == text
