"""A metric that is written to the log, from which CloudWatch takes it: no call, and no permission for one."""

import json
import sys
from datetime import datetime

NAMESPACE = "Sluice"
# Each costs 0.30 USD a month, so there are few. The dashboard shows them.
SAVED = "SavedUSD"  # on one day
SPENT = "SpentUSD"  # in the month until now
RATE = "RateUSDPerHour"  # of what runs now


def emit(platform: str, values: dict[str, float], now: datetime, *, workload: str = "") -> None:
    """One datum of each metric in `values`, at `now`, under the dimension Platform and, with a workload, Workload.

    An event that comes twice leaves two: read them by their maximum.
    """
    metrics = [{"Name": name, "Unit": "None"} for name in values]
    dimensions = {"Platform": platform, **({"Workload": workload} if workload else {})}
    directive = {"Namespace": NAMESPACE, "Dimensions": [[*dimensions]], "Metrics": metrics}
    told = {
        "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        **values,
    }
    sys.stdout.write(json.dumps(told) + "\n")
