"""What was compiled is held against workload.yaml at each synth."""

import shutil
from pathlib import Path

import pytest

from config import compiled
from config.load import ROOT, ConfigurationError, load


def test_what_is_missing_or_of_other_settings_is_refused_by_file_and_with_what_to_type(tmp_path: Path) -> None:
    platform = load(ROOT / "config" / "monitored.yaml")
    compiled.check(platform)
    tabular = platform.workloads["tabular"]
    assert tabular.monitor
    monitor = tabular.monitor.model_copy(update={"kinds": ("data-quality",), "window_hours": 12})
    changed = tabular.model_copy(update={"monitor": monitor})
    with pytest.raises(
        ConfigurationError, match=r"tabular/monitor\.json:1: .* another window_hours, labels, settings than"
    ):
        compiled.check(platform.model_copy(update={"workloads": {"tabular": changed}}))
    folder = tmp_path / "workloads" / "tabular"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "workloads" / "tabular" / "pipeline.json", folder)
    missing = r"tabular/monitor\.json:1: is missing\. Next: sluice pipelines compile tabular$"
    with pytest.raises(ConfigurationError, match=missing):
        compiled.check(platform.model_copy(update={"workloads": {"tabular": tabular}}), root=tmp_path)
