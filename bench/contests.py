"""The figures of contests on recent rows: how often the first run for a drift answers it, and how often luck wins."""

from bench.drift import measured
from bench.figure import Figure

TRIALS, OF_LUCK = 100, 500  # of each case and each number of rows a day


def rates() -> list[Figure]:
    """Of both, `against` holds a table of docs/challengers.md, which says what the cases are."""
    cases = ("1 day", "2 days", "3 days", "better", "alarmed")
    told = measured("bench.contest_windows", "--trials", str(TRIALS), "--cases", *cases)
    luck = measured("bench.contest_windows", "--trials", str(OF_LUCK), "--cases", "equal")["equal"]
    return [
        Figure(
            name="contest.drift_answered",
            value=told["1 day"]["200"],
            unit="share",
            limit=0.95,
            lowest=True,
            against="; ".join(f"{case}: {_words(shares)}" for case, shares in told.items()),
            samples=TRIALS,
        ),
        Figure(
            name="contest.luck",
            value=sum(luck.values()) / len(luck),
            unit="share",
            limit=0.05,
            against=_words(luck),
            samples=OF_LUCK * len(luck),
        ),
    ]


def _words(shares: dict[str, float]) -> str:
    return ", ".join(f"{share:.1%} at {rows} a day" for rows, share in shares.items())
