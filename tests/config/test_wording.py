"""A mistake is told in the words of YAML, once, with line, field and what is allowed."""

from pathlib import Path

import pytest

from config.load import ROOT, ConfigurationError, load, load_workload

TABULAR = (ROOT / "workloads" / "tabular" / "workload.yaml").read_text("utf-8")
BEFORE, _, AFTER = TABULAR.partition("monitor:\n")
REST = AFTER[AFTER.index("exceptions") :]
LINE = len(BEFORE.splitlines()) + 1


def told(tmp_path: Path, section: str) -> list[str]:
    """The problems of the tabular workload with the text of `section` where its monitor is, without the file."""
    path = tmp_path / "workload.yaml"
    path.write_text(f"{BEFORE}{section}\n{REST}", "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_workload(path)
    assert {problem.line for problem in raised.value.problems} == {LINE}
    return [str(problem).partition(f":{LINE}: ")[2] for problem in raised.value.problems]


def test_the_section_may_be_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "workload.yaml"
    path.write_text(f"{BEFORE}monitor: {{}}\n{REST}", "utf-8")
    assert load_workload(path).monitor


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("monitor:", "monitor has nothing behind it; write {} for all defaults, or leave it out"),
        ("monitor: {retrain: }", "monitor.retrain has nothing behind it; write {} for all defaults"),
        (
            "monitor: {process: }",
            "monitor.process has nothing behind it; give it instance_type, volume_gb, max_run",
        ),
        ("monitor: {window_hours: null}", "monitor.window_hours has nothing behind it; it must be a valid integer"),
        ("monitor: {source: ~}", "monitor.source has nothing behind it; it must be 'endpoint' or 'batch'"),
    ],
)
def test_a_key_with_nothing_behind_it_is_refused(tmp_path: Path, section: str, expected: str) -> None:
    [line] = told(tmp_path, section)
    assert line.startswith(expected)


@pytest.mark.parametrize("name", ["tuning", "schedule", "train"])
def test_so_is_each_section_that_may_be_left_out(tmp_path: Path, name: str) -> None:
    kept = [line for line in BEFORE.splitlines() if not line.startswith((f"{name}:", "  "))]
    kept = [line for line in kept if not line.startswith(("tuning:", "algorithm:"))]
    path = tmp_path / "workload.yaml"
    path.write_text("\n".join([*kept, "algorithm: {name: script}", f"{name}:"]), "utf-8")
    with pytest.raises(ConfigurationError, match=f":{len(kept) + 2}: {name} has nothing behind it; give it .*leave it"):
        load_workload(path)


@pytest.mark.parametrize("name", ["off_hours", "budget"])
def test_of_the_platform_as_well(tmp_path: Path, name: str) -> None:
    path = tmp_path / "team.yaml"
    path.write_text((ROOT / "config" / "minimal.yaml").read_text("utf-8") + f"costs: {{{name}: }}\n", "utf-8")
    with pytest.raises(ConfigurationError, match=rf"costs\.{name} has nothing behind it; give it .*leave it out"):
        load(path)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("monitor: {[a]: 2}", "monitor has a list as a key, where only text can be one"),
        ("monitor: {{a: 1}: 2}", "monitor has a mapping as a key, where only text can be one"),
        ("monitor: {1: 2}", "monitor has 1, without quotes, as a key, where only text can be one"),
        ("monitor: {null: 2}", "monitor has null, without quotes, as a key, where only text can be one"),
        ("monitor: {on: 2}", "monitor has on, without quotes, as a key, where only text can be one"),
        ("monitor: {retrain: {? : 2}}", "monitor.retrain has nothing as a key, where only text can be one"),
        ("monitor: {source: batch, source: batch}", "monitor.source is given twice in one mapping; keep one"),
        ("1: 2", "has 1, without quotes, as a key, where only text can be one"),
    ],
)
def test_a_key_that_is_no_text_is_told_by_its_mapping(tmp_path: Path, section: str, expected: str) -> None:
    assert told(tmp_path, section) == [expected]


def test_it_hides_no_other_mistake(tmp_path: Path) -> None:
    found = told(tmp_path, "monitor: {[a]: 2, 1: 2, window_hours: 0}")
    assert [line.split()[0] for line in found] == ["monitor", "monitor", "monitor.window_hours:"]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("monitor: true", "monitor: True must be a mapping with the keys source, schedule, window_hours, kinds"),
        ("monitor: []", "monitor: [] must be a mapping with the keys source, schedule, window_hours, kinds"),
        ("monitor: {schedule: rate()}", "monitor.schedule: 'rate()' must be a mapping with the keys expression, time_"),
        ("monitor: {retrain: enforce}", "monitor.retrain: 'enforce' must be a mapping with the keys mode, cool_down_h"),
        ("monitor: {critical: [a, 5]}", "monitor.critical[1]: 5 must be a valid string"),
        (
            "monitor: {process: {instance_type: ml.m5.large, volume_gb: 9}}",
            "monitor.process.max_run_seconds is required",
        ),
        ("monitor: {kinds: []}", "monitor.kinds: [] must have at least 1 item, not 0"),
        ("monitor: {critical: [a, b, c, d, e, f, g, h, i, j, k]}", "must have at most 10 items, not 11"),
        ("monitor: {critical: [größe]}", "monitor.critical[0]: 'größe' must be of ASCII characters, with no space at"),
        ('monitor: {critical: [" age"]}', "monitor.critical[0]: ' age' must be of ASCII characters, with no space at"),
        ("monitor: {critical: [5]}", "monitor.critical[0]: 5 must be a valid string"),
        ("monitor: {image: evidently}", "monitor.image: 'evidently' must be the whole URI of an image in ECR, from"),
        ("monitor: {labels: labels}", "monitor.labels: 'labels' must be a folder, which ends in /: labels/"),
        ("monitor: {retrain: {margin: .nan}}", "monitor.retrain.margin: nan must be a finite number"),
        ("monitor: {retrain: {expires_days: 0}}", "monitor.retrain.expires_days: 0 must be greater than or equal to 1"),
        ("monitor: {retrain: {expires_days: 1}}", "monitor.retrain.expires_days: 1 must be above cool_down_hours (24)"),
        ("monitor: {window_hour: 2}", "monitor.window_hour: 2 is under an unknown key (is it window_hours?); known he"),
        ("monitr: {}", "monitr: {} is under an unknown key (is it monitor?); known here: description"),
        ("monitor: {zzz: 2}", "monitor.zzz: 2 is under an unknown key; known here: source"),
    ],
)
def test_a_mistake_is_told_once_in_the_words_of_the_file(tmp_path: Path, section: str, expected: str) -> None:
    [line] = told(tmp_path, section)
    assert expected in line


def test_no_pattern_is_shown_to_anybody(tmp_path: Path) -> None:
    path = tmp_path / "team.yaml"
    text = (ROOT / "config" / "minimal.yaml").read_text("utf-8")
    wrong = """alerts: {emails: [x]}
costs: {sweep: {production: [_]}, report: {slack_parameter: x}, targets: [{region: us-east-1, role_arn: x}]}
storage: {replication: {region: us-east-1, data_bucket: x, artifact_bucket: _, key_id: x}}
team: "?"
"""
    path.write_text(text + wrong, "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load(path)
    assert len(raised.value.problems) >= 8
    assert all(problem.message[0] != "^" and "pattern" not in problem.message for problem in raised.value.problems)


@pytest.mark.parametrize("folder", ["a/../../x/", "a//b/", "./", "../x/", "/x/", "/", "a/.b/", "a"])
def test_labels_are_in_a_folder_of_plain_parts(tmp_path: Path, folder: str) -> None:
    [line] = told(tmp_path, f"monitor: {{labels: {folder}}}")
    assert line.startswith(f"monitor.labels: '{folder}' must be a folder")


@pytest.mark.parametrize("folder", ["table.csv/", "a/b.c/d_e-f/", "labels/"])
def test_dots_within_a_part_are_none_of_a_path(tmp_path: Path, folder: str) -> None:
    path = tmp_path / "workload.yaml"
    path.write_text(f"{BEFORE}monitor: {{labels: {folder}}}\n{REST}", "utf-8")
    assert (monitor := load_workload(path).monitor) and monitor.labels == folder
