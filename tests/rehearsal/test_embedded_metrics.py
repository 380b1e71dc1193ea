"""Metrics that a function writes to its log."""

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime

from controls import emf
from rehearsal.embedded_metrics import found

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)


def test_what_a_function_emits_is_found_between_its_other_lines() -> None:
    written = io.StringIO()
    with redirect_stdout(written):
        emf.emit("sluice-dev", {"Rows": 250.0, "Drifted worst area": 1.0}, NOW, workload="tabular")
    text = f'START RequestId\n{{"level":"INFO","message":"concluded"}}\n{written.getvalue()}[1, 2]\nnull\nREPORT'
    dimensions = {"Platform": "sluice-dev", "Workload": "tabular"}
    assert [tuple(datum) for datum in found(text)] == [
        ("Sluice", "Rows", dimensions, NOW.timestamp(), "None", 250.0),
        ("Sluice", "Drifted worst area", dimensions, NOW.timestamp(), "None", 1.0),
    ]


def test_a_line_that_names_what_it_does_not_have_is_no_metric() -> None:
    metric = {"Namespace": "Sluice", "Dimensions": [["Platform"]], "Metrics": [{"Name": "Rows"}]}
    told = {"_aws": {"Timestamp": 1000, "CloudWatchMetrics": [metric]}, "Platform": "sluice-dev"}
    assert not list(found(json.dumps(told)))
    assert [datum.value for datum in found(json.dumps(told | {"Rows": [1, 2]}))] == [1.0, 2.0]
