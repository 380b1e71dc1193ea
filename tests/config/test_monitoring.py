"""What a monitor cannot be is refused by its field, with what is allowed instead."""

import copy
import itertools
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from config.load import ROOT, ConfigurationError, load, load_workload
from config.monitoring import Monitor
from config.schedule import hours_apart
from config.workload import Workload
from rehearsal.schedules import Schedule

TABULAR = ROOT / "workloads" / "tabular" / "workload.yaml"


def raw() -> dict[str, Any]:
    """What the workload's file says."""
    import yaml

    return yaml.safe_load(TABULAR.read_text("utf-8"))


def problems(**changes: Any) -> list[str]:
    """Of the tabular workload with these members of its monitor."""
    told = copy.deepcopy(raw())
    told["monitor"] |= changes
    try:
        Workload.model_validate(told)
    except ValidationError as error:
        return [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
    return []


def test_the_workload_that_ships_has_a_monitor_that_only_observes() -> None:
    monitor = load_workload(TABULAR).monitor
    assert monitor and monitor.retrain.mode == "observe" and problems() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kinds": ["model-quality"]}, "monitor.kinds: must have data-quality, which is examined always"),
        ({"kinds": ["data-quality"] * 2}, "monitor.kinds.1: is given twice; keep one"),
        ({"critical": ["hue", "hue"]}, "monitor.critical.1: is given twice; keep one"),
        ({"critical": ["target"]}, "monitor.critical: must not be data.target: a request does not have it"),
        (
            {"kinds": ["data-quality", "bias"]},
            "monitor.kinds: must not have bias where data.segment names no column",
        ),
        (
            {"source": "batch", "labels": "batch/"},
            "monitor.labels: must not be in batch/, where what jobs are asked lies",
        ),
        (
            {"schedule": {"expression": "cron(0 3 ? * MON *)"}},
            "monitor.schedule.expression: must run at least every six days: CloudWatch looks back no further to see "
            "that it fell silent",
        ),
        (
            {"schedule": {"expression": "rate()"}},
            "monitor.schedule.expression: must be a number and a unit, minutes, hours or days: rate(12 hours)",
        ),
        (
            {"schedule": {"expression": "rate(x hours)"}},
            "monitor.schedule.expression: must be a number and a unit, minutes, hours or days: rate(12 hours)",
        ),
        (
            {"schedule": {"expression": "daily"}},
            "monitor.schedule.expression: must be a rate or a cron expression: rate(12 hours), cron(0 2 ? * * *)",
        ),
        (
            {"schedule": {"expression": "cron()"}},
            "monitor.schedule.expression: must have six fields, minutes hours day-of-month month day-of-week year, "
            "not 0",
        ),
        (
            {"retrain": {"cool_down_hours": 48, "expires_days": 2}},
            "monitor.retrain.cool_down_hours: must be below expires_days (2), 48 hours",
        ),
        (
            {"process": {"instance_type": "ml.m5.large", "volume_gb": 9, "max_run_seconds": 60, "engine": "spark"}},
            "monitor.process.engine: must be script: one instance examines a window",
        ),
    ],
)
def test_a_contradiction_is_told_with_what_is_allowed(changes: dict[str, Any], told: str) -> None:
    assert problems(**changes) == [told]


@pytest.mark.parametrize("times", ["0 2 31 2 ? *", "0 2 1 * ? *", "0 2 ? * MON#1 *", "0 2 ? 1 * *", "0 2 ? * * 2030"])
def test_a_monitor_has_a_schedule_of_every_week(times: str) -> None:
    [told] = problems(schedule={"expression": f"cron({times})"})
    assert told.startswith("monitor.schedule.expression: must be of every week, with no month, year or day of the mont")


def test_one_that_is_no_schedule_is_not_told_of_weeks() -> None:
    for times in ("foo bar ? * * *", "0 2 ? * XYZ *", "0 0/0 ? * * *"):
        [told] = problems(schedule={"expression": f"cron({times})"})
        assert ", where cron takes " in told


PROCESS = {"instance_type": "ml.m5.large", "volume_gb": 9, "max_run_seconds": 60}
WHY = "each row is judged in all windows that have it, 7 at most, and any may be a false alarm"


@pytest.mark.parametrize(
    ("expression", "changes", "told"),
    [
        ("rate(1 minute)", {}, "schedule.expression: must not run more often than hourly: no window is shorter than"),
        ("cron(0,30 2 ? * * *)", {}, "schedule.expression: must not run more often than hourly"),
        ("rate(1 hour)", {}, f"schedule.expression: needs window_hours of at most 7, not 24: {WHY}"),
        ("rate(1 hour)", {"window_hours": 8}, f"window_hours: must be at most 7 with this schedule: {WHY}"),
        ("cron(0 0-7 ? * * *)", {"window_hours": 24}, "window_hours: must be at most 7 with this schedule"),
        ("cron(0 2 ? * MON-WED *)", {"window_hours": 168}, None),
        ("cron(0 8,16 ? * MON-FRI *)", {"window_hours": 96}, "window_hours: must be at most 80 with this schedule"),
        ("rate(1 hour)", {"window_hours": 7}, None),
        ("rate(4 hours)", {}, None),
        ("cron(0 0-6 ? * * *)", {}, None),
        ("cron(0 2 ? * * *)", {"window_hours": 168}, None),
        ("rate(1 hour)", {"window_hours": 169}, "window_hours: must be less than or equal to 168"),
        (
            "cron(0 2,4 ? * * *)",
            {"process": PROCESS | {"max_run_seconds": 7201}},
            "process.max_run_seconds: must be at most 7200, the time to the next",
        ),
        ("cron(0 2,4 ? * * *)", {"process": PROCESS | {"max_run_seconds": 7200}}, None),
    ],
)
def test_windows_do_not_crowd(expression: str, changes: dict[str, Any], told: str | None) -> None:
    found = problems(schedule={"expression": expression}, **changes)
    assert len(found) == (told is not None) and all(line.startswith(f"monitor.{told}") for line in found)


def test_the_default_schedule_is_held_against_the_run_time_as_well() -> None:
    told = raw() | {"monitor": {"process": PROCESS | {"max_run_seconds": 90_000}}}
    with pytest.raises(ValidationError, match="must be at most 86400, the time to the next run"):
        Workload.model_validate(told)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"false_alarm_rate": 0.5}, "monitor.false_alarm_rate: "),
        ({"minimum_rows": 5}, "monitor.minimum_rows: "),
        ({"labels": "labels"}, "monitor.labels: "),
        ({"labels": "../others/"}, "monitor.labels: "),
        ({"image": "evidently:latest"}, "monitor.image: "),
        ({"critical": ["größe"]}, "monitor.critical.0: "),
        ({"engine": "evidently"}, "monitor.engine: is under an unknown key"),
    ],
)
def test_a_value_out_of_bounds_is_told_by_its_field(changes: dict[str, Any], place: str) -> None:
    [told] = problems(**changes)
    assert told.startswith(place)


@pytest.mark.parametrize("name", ["kmeans", "autopilot"])
def test_what_leaves_no_rows_to_compare_with_has_no_monitor(name: str) -> None:
    told = raw() | {"algorithm": {"name": name}}
    with pytest.raises(
        ValidationError, match=f"must be left out where the algorithm is {name}: its runs leave no rows"
    ):
        Workload.model_validate(told)


def test_a_metric_that_the_monitor_does_not_measure_leaves_no_room_for_model_quality() -> None:
    told = raw() | {"metric": {"name": "precision", "direction": "maximize", "pattern": "precision=(.*)"}}
    with pytest.raises(ValidationError, match="where metric is none of auc, accuracy, r2, log_loss, rmse"):
        Workload.model_validate(told)


def test_models_of_pytorch_are_not_asked_again_on_the_image_of_sklearn() -> None:
    told = raw()
    told["algorithm"]["framework"] = "pytorch"
    with pytest.raises(ValidationError, match="must not have model-quality and attribution where the framework is not"):
        Workload.model_validate(told)


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("rate(90 minutes)", 2),
        ("rate(6 hours)", 6),
        ("rate(2 days)", 48),
        ("cron(0 * ? * * *)", 1),
        ("cron(0 2 ? * * *)", 24),
        ("cron(0 0/6 ? * * *)", 6),
        ("cron(0 */8 ? * * *)", 8),
        ("cron(0/15 6-21 ? * * *)", 9),
        ("cron(30 20-2 ? * * *)", 18),
        ("cron(0 2 ? * MON-FRI *)", 72),
        ("cron(0 9-17 ? * mon-fri *)", 64),
        ("cron(0 2 ? * FRI-MON *)", 96),
        ("cron(0 2 ? * 2,THU *)", 96),
        ("cron(0 2 ? * MON *)", 168),
        ("cron(0 2 1 * ? *)", None),
        ("cron(0 2 ? * 6L *)", None),
        ("cron(0 2 ? 1-6 * *)", None),
        ("cron(0 2 ? * MON#1 *)", None),
    ],
)
def test_the_longest_time_between_two_runs_is_known(expression: str, hours: int | None) -> None:
    assert hours_apart(expression) == hours


def test_it_is_that_of_the_times_at_which_a_schedule_is_due() -> None:
    random = Random(1)
    for _ in range(8):
        times = f"{random.choice(['0', '0/30', '5,50'])} {random.choice(['*', '2', '0/6', '8-18/3', '20-2', '1,5,23'])}"
        expression = f"cron({times} ? * {random.choice(['*', 'MON', 'MON-FRI', '2,THU', 'SAT-TUE'])} *)"
        schedule, due = Schedule(expression, anchor=0), [0.0]
        while due[-1] < 15 * 86_400:
            due.append(schedule.next_after(due[-1]) or 0)
        longest = max(later - moment for moment, later in itertools.pairwise(due[1:]))
        assert hours_apart(expression) == -(-longest // 3600), expression


def test_each_metric_is_one_that_costs_and_no_kind_that_is_not_examined_has_one() -> None:
    monitor = Monitor(kinds=("data-quality", "bias"), critical=("hue",))
    told = ["Drifted", "DataQualityDrifted", "BiasDrifted", "DriftShare", "Rows", "Faults", "Unlabelled", "Drifted hue"]
    assert monitor.metrics == told
    assert "Quality" in Monitor(kinds=("data-quality", "model-quality")).metrics
    assert Monitor().metrics == ["Drifted", "DataQualityDrifted", "DriftShare", "Rows", "Faults"]


def test_sagemakers_own_jobs_are_refused_what_they_do_not_do(tmp_path: Any) -> None:
    text = (ROOT / "config" / "native-monitors.yaml").read_text("utf-8")
    folder = tmp_path / "workloads" / "wine"
    folder.mkdir(parents=True)
    (folder / "images.json").write_text('{"SklearnImage": {"us-east-1": "x"}}')
    schedule = 'schedule: {expression: "cron(0 2 ? * * *)"}'
    other = 'schedule: {expression: "rate(4 hours)", time_zone: Europe/Berlin}\n  source: batch'
    (folder / "workload.yaml").write_text(TABULAR.read_text("utf-8").replace(schedule, other))
    path = tmp_path / "native.yaml"
    path.write_text(text.replace("tabular", "wine"))
    with pytest.raises(ConfigurationError) as raised:
        load(path, root=tmp_path)
    told = {problem.message.partition(" of ")[0] for problem in raised.value.problems}
    assert told == {f"is monitor.{field}" for field in ("schedule.expression", "schedule.time_zone", "source")}
    path.write_text(text.replace("us-east-1", "us-gov-west-1"))
    with pytest.raises(
        ConfigurationError, match=r"monitoring\.engine: .*needs AWS::SageMaker::DataQualityJobDefinition"
    ):
        load(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"schedule": {"expression": "cron(0 0/6 ? * * *)"}}, [("monitor.window_hours", 24, "6, ")]),
        ({"schedule": {"expression": "cron(0 0/6 ? * * *)"}, "window_hours": 6}, []),
        ({"window_hours": 12}, [("monitor.window_hours", 12, "24, ")]),
        ({"false_alarm_rate": 0.02}, [("monitor.false_alarm_rate", 0.02, "left out: ")]),
        ({"schedule": {"expression": "cron(0 * ? * * *)"}, "window_hours": 1}, []),
        (
            {"schedule": {"expression": "cron(0 * ? * * *)"}, "window_hours": 1, "kinds": ("data-quality", "bias")},
            [("monitor.process.max_run_seconds", 3600, "at most 1800 ")],
        ),
        ({"schedule": {"expression": "cron(0 */6 ? * * *)"}}, [("monitor.schedule.expression", None, "hourly, ")]),
    ],
)
def test_a_setting_that_sagemakers_own_jobs_would_ignore_is_refused(changes: dict[str, Any], told: list[Any]) -> None:
    found = list(Monitor.model_validate(changes).strange())
    assert [field for field, *_ in found] == [field for field, *_ in told]
    for (_, value, allowed), (_, wanted, begin) in zip(found, told, strict=True):
        assert value == wanted or wanted is None
        assert allowed.startswith(begin)


def test_sagemakers_own_jobs_leave_attribution_out_and_the_platform_says_so() -> None:
    platform = load(ROOT / "config" / "native-monitors.yaml")
    asked = platform.workloads["tabular"].monitor
    assert asked and "attribution" in asked.kinds
    assert platform.monitors["tabular"].kinds == ("data-quality", "model-quality")
    [told] = platform.left_out
    assert told.startswith("Left out: attribution of tabular. SageMaker Clarify asks an endpoint of its own")
    assert load(ROOT / "config" / "monitored.yaml").left_out == []


def test_no_workload_is_named_as_the_pipeline_of_a_monitor(tmp_path: Any) -> None:
    path = tmp_path / "workloads" / "wine-monitor" / "workload.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(TABULAR.read_text("utf-8"))
    (path.parent / "images.json").write_text("{}")
    team = tmp_path / "team.yaml"
    team.write_text((ROOT / "config" / "team.yaml").read_text("utf-8").replace("[digits]", "[wine-monitor]"))
    with pytest.raises(ConfigurationError, match="must not end in -monitor"):
        load(team, root=tmp_path)


def test_where_no_model_can_be_registered_there_is_no_monitor() -> None:
    platform = load(ROOT / "config" / "monitored.yaml")
    assert list(platform.monitors) == ["tabular"]
    assert not [told for told in platform.left_out if "monitors" in told]
    china = platform.model_copy(update={"region": "cn-north-1"})
    assert china.monitors == {}
    [told] = [told for told in china.left_out if "monitors" in told]
    assert told.endswith("their endpoints and monitors. cn-north-1 has no AWS::SageMaker::ModelPackageGroup")


def test_what_is_captured_is_needed_until_its_labels_have_come() -> None:
    asked = {(24, 0): 2, (24, 24): 3, (168, 2160): 98, (1, 0): 2}
    assert asked == {
        (hours, delay): Monitor(window_hours=hours, label_delay_hours=delay).looks_back_days for hours, delay in asked
    }


def test_an_evaluation_that_takes_no_contest_is_refused_by_the_options_that_it_lacks(tmp_path: Path) -> None:
    shutil.copy(TABULAR, tmp_path)
    shutil.copytree(
        TABULAR.parent / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("toolkit", "__pycache__")
    )
    assert load_workload(tmp_path / "workload.yaml").monitor
    evaluation = tmp_path / "scripts" / "evaluate.py"
    evaluation.write_text(evaluation.read_text().replace('"--margin"', '"--edge"'))
    told = r"monitor needs the options --margin of scripts/evaluate\.py"
    with pytest.raises(ConfigurationError, match=told):
        load_workload(tmp_path / "workload.yaml")
