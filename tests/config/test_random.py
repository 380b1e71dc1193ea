"""Whatever the schema allows becomes a platform that passes every check; whatever it does not is refused by name.

`HYPOTHESIS_EXAMPLES=300` is the nightly size of the first; the second tries ten times as many.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from bench.configurations import valid
from bench.mistakes import Broken, broken
from config.load import ConfigurationError, load

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "10"))
ANY_PACE = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}


@pytest.mark.slow  # each of them is synthesized twice
@settings(max_examples=EXAMPLES, **ANY_PACE)
@given(raw=valid())
def test_a_valid_configuration_becomes_a_platform_that_passes_every_check_and_is_the_same_twice(
    tmp_path_factory: pytest.TempPathFactory, raw: dict[str, Any]
) -> None:
    from bench.governance import wrong  # imports aws_cdk

    assert list(wrong(raw, tmp_path_factory.mktemp("valid"))) == []


@pytest.mark.slow
@settings(max_examples=10 * EXAMPLES, **ANY_PACE)
@given(mistaken=broken())
def test_each_of_several_mistakes_is_told_by_its_field_and_no_stack_trace_is(
    tmp_path_factory: pytest.TempPathFactory, mistaken: Broken
) -> None:
    file = Path(tmp_path_factory.getbasetemp(), "broken.yaml")
    file.write_text(yaml.safe_dump(mistaken.raw, sort_keys=False), "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load(file)
    told = {problem.field for problem in raised.value.problems}
    assert mistaken.told <= told
    shown = str(raised.value)
    assert "Traceback" not in shown and "pydantic" not in shown
    assert all(line.startswith((f"{file}:", "workloads/")) for line in shown.splitlines())
