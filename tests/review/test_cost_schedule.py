"""How often a schedule fires in a month."""

import pytest

from review.cost_schedule import DAYS_A_MONTH, runs_a_month

MONTH = pytest.approx(DAYS_A_MONTH)


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(1 hour)", 730),
        ("rate(5 minutes)", 8760),
        ("rate(1 day)", MONTH),
        ("rate(7 days)", pytest.approx(DAYS_A_MONTH / 7)),
        ("cron(0 6 * * ? *)", MONTH),
        ("cron(0 6 ? * MON *)", pytest.approx(DAYS_A_MONTH / 7)),
        ("cron(0 6 ? * MON-FRI *)", pytest.approx(DAYS_A_MONTH * 5 / 7)),
        ("cron(0 6 ? * 2-6 *)", pytest.approx(DAYS_A_MONTH * 5 / 7)),
        ("cron(0 6 ? * FRI-MON *)", pytest.approx(DAYS_A_MONTH * 4 / 7)),
        ("cron(0/15 8-17 ? * MON-FRI *)", pytest.approx(40 * DAYS_A_MONTH * 5 / 7)),
        ("cron(0 0 1 * ? *)", 1),
        ("cron(0 0 1,15 * ? *)", 2),
        ("cron(0 0 L * ? *)", 1),
        ("cron(0 0 3W * ? *)", 1),
        ("cron(0 8 ? * MON#1 *)", 1),
        ("cron(0 8 ? * 6L *)", 1),
        ("cron(0 0 1 1 ? *)", pytest.approx(1 / 12)),
        ("cron(0 0 1 JAN,JUL ? *)", pytest.approx(2 / 12)),
        ("cron(0 [a-z] ? * * *)", None),
        ("cron(0 * ? * * *)", pytest.approx(730)),
        ("at(2027-01-01T00:00:00)", 1),
        ("NOW", 1),
        ("rate(0 days)", None),
        ("rate(1 fortnight)", None),
        ("cron(61 * * * ? *)", None),
        ("cron(* *)", None),
        ("every day", None),
        ("", None),
    ],
)
def test_an_expression_is_so_many_runs_a_month(expression: str, runs: float | None) -> None:
    assert runs_a_month(expression) == runs
