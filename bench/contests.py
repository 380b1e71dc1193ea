"""The figures of contests on recent rows: how often the first run for a drift answers it, and how often luck wins."""

from bench.drift import measured
from bench.figure import Figure

TRIALS = 200  # of each case and each number of rows a day


def rates() -> list[Figure]:
    """Of both, `against` holds the table of docs/challengers.md, which says what the cases are."""
    told = measured("bench.contest_windows", "--trials", str(TRIALS))
    table = "; ".join(
        f"{case}: " + ", ".join(f"{share:.1%} at {rows} a day" for rows, share in shares.items())
        for case, shares in told.items()
    )
    equal = told["equal"].values()
    common = {"unit": "share", "against": table}
    answered = {"value": told["1 day"]["200"], "limit": 0.95, "lowest": True, "samples": TRIALS}
    luck = {"value": sum(equal) / len(equal), "limit": 0.05, "samples": TRIALS * len(equal)}
    return [
        Figure(name="contest.drift_answered", **common, **answered),
        Figure(name="contest.luck", **common, **luck),
    ]
