"""What rules and waivers say of a head that they did not say of its base."""

import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from review import rules as of_rules
from review.cloud_assembly import Assembly, Stack, stack_of
from review.governance.examples import examples
from review.model import Finding, Kind, Severity

TODAY = date(2026, 11, 23)
EXAMPLE = examples()["SLUICE-NB-03"]


def assembly(folder: Path, fragment: Mapping[str, Any], *, metadata: Any = None, report: Any = None) -> Assembly:
    """One stack: the pack's base with `fragment` over it."""
    folder.mkdir(parents=True, exist_ok=True)
    if report is not None:
        (folder / "validation-report.json").write_text(json.dumps(report), "utf-8")
    read = stack_of(EXAMPLE.template(fragment))
    return Assembly(folder, {"Stack": Stack("Stack", "us-east-1", read.template, read.resources, metadata or {})})


def found(base: Assembly, head: Assembly, today: date = TODAY) -> list[Finding]:
    return list(of_rules.rules(base, head, today, validate=False).findings)


def acknowledged(path: str, **rules: str) -> dict[str, Any]:
    named = {rule.replace("__", "::").replace("_", "-"): reason for rule, reason in rules.items()}
    return {path: [{"type": "aws:cdk:acknowledged-rules", "data": named}]}


@pytest.fixture
def kept(tmp_path: Path) -> Assembly:
    return assembly(tmp_path / "kept", {})


@pytest.fixture
def broken(tmp_path: Path) -> Assembly:
    return assembly(tmp_path / "broken", EXAMPLE.failing)


def test_a_finding_that_the_base_did_not_have_is_told_with_its_place_and_its_fix(
    kept: Assembly, broken: Assembly
) -> None:
    [finding] = found(kept, broken)
    assert (finding.kind, finding.rule, finding.severity) == (Kind.RULE, "SLUICE-NB-03", Severity.HIGH)
    assert (finding.place.logical_id, finding.place.stack) == ("Notebook", "Stack")
    assert "RootAccess (Enabled) must be Disabled" in finding.message and finding.fix


def test_a_finding_that_was_there_or_is_gone_is_not_told(kept: Assembly, broken: Assembly) -> None:
    assert not found(broken, broken) and not found(broken, kept)


def test_a_second_one_of_a_kind_that_was_there_is_told_and_a_reordered_list_is_not(tmp_path: Path) -> None:
    def with_types(*types: str) -> Assembly:
        variants = [{"VariantName": t, "InstanceType": t, "InitialInstanceCount": 2, "ModelName": "m"} for t in types]
        return assembly(tmp_path / "-".join(types), {"Config": {"Properties": {"ProductionVariants": variants}}})

    one = with_types("ml.m5.24xlarge", "ml.m5.large")
    assert not found(one, with_types("ml.m5.large", "ml.m5.24xlarge"))
    assert [each.rule for each in found(one, with_types("ml.m5.24xlarge", "ml.m5.24xlarge"))] == ["SLUICE-EPC-05"]


def test_a_waiver_takes_its_finding_away_and_is_told_with_its_reason(kept: Assembly, tmp_path: Path) -> None:
    metadata = acknowledged("/Notebook", SLUICE__SLUICE_NB_03="drivers need it")
    [finding] = found(kept, assembly(tmp_path / "head", EXAMPLE.failing, metadata=metadata))
    assert (finding.kind, finding.rule) == (Kind.WAIVER, "waiver-new")
    assert "drivers need it" in finding.message


def test_a_waiver_in_the_resources_metadata_is_one_too(kept: Assembly, tmp_path: Path) -> None:
    waived = {"Metadata": {"Sluice": {"waivers": {"SLUICE-NB-03": "drivers need it"}}}}
    fragment = {"Notebook": {**EXAMPLE.failing["Notebook"], **waived}}
    assert [each.rule for each in found(kept, assembly(tmp_path / "head", fragment))] == ["waiver-new"]


def test_a_finding_whose_waiver_is_removed_is_new(tmp_path: Path, broken: Assembly) -> None:
    metadata = acknowledged("/Notebook", SLUICE__SLUICE_NB_03="drivers need it")
    base = assembly(tmp_path / "base", EXAMPLE.failing, metadata=metadata)
    assert [each.rule for each in found(base, broken)] == ["SLUICE-NB-03"]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2027, 1, 16), set()),
        (date(2027, 1, 17), {("waiver-expiring", Severity.LOW)}),
        (date(2027, 1, 31), {("waiver-expiring", Severity.LOW)}),
        (date(2027, 2, 1), {("waiver-expired", Severity.HIGH)}),
    ],
)
def test_a_waiver_ends_on_the_day_that_its_reason_names(tmp_path: Path, today: date, expected: set[Any]) -> None:
    metadata = acknowledged("/Notebook", SLUICE__SLUICE_NB_03="drivers, until 2027-01-31")
    both = assembly(tmp_path / "both", EXAMPLE.failing, metadata=metadata)
    assert {(each.rule, each.severity) for each in found(both, both, today)} == expected


def test_a_day_that_does_not_exist_is_told(tmp_path: Path) -> None:
    metadata = acknowledged("/Notebook", SLUICE__SLUICE_NB_03="drivers, until 2027-02-31")
    both = assembly(tmp_path / "both", EXAMPLE.failing, metadata=metadata)
    assert [each.rule for each in found(both, both)] == ["waiver-date"]


def test_a_waiver_that_covers_nothing_is_told_and_so_is_an_id_without_its_packs_prefix(
    kept: Assembly, broken: Assembly, tmp_path: Path
) -> None:
    metadata = acknowledged("/Notebook", SLUICE__SLUICE_NB_03="not needed any more")
    assert {each.rule for each in found(kept, assembly(tmp_path / "a", {}, metadata=metadata))} == {
        "waiver-new",
        "waiver-unused",
    }
    bare = acknowledged("/Notebook", Annotation__SLUICE_NB_03="drivers")
    rules = [each.rule for each in found(broken, assembly(tmp_path / "b", EXAMPLE.failing, metadata=bare))]
    assert sorted(rules) == ["waiver-new", "waiver-unused"]


def test_a_waiver_without_a_reason_is_told(kept: Assembly, tmp_path: Path) -> None:
    lint = {"Notebook": {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["W3010"]}}}}}
    assert {each.rule for each in found(kept, assembly(tmp_path / "head", lint))} == {
        "waiver-new",
        "waiver-without-reason",
    }


def test_cfn_lints_reason_is_the_acknowledgements(kept: Assembly, tmp_path: Path) -> None:
    lint = {"Notebook": {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["W3010"]}}}}}
    metadata = acknowledged("/Notebook", CloudFormation_Validate__W3010="zones are configured")
    data = {"CloudFormation-Validate::W3010": "zones are configured"}
    metadata["/Notebook"][0]["data"] = data
    head = assembly(tmp_path / "head", lint, metadata=metadata)
    assert {each.rule for each in found(kept, head)} == {"waiver-new"}


def nag(rule: str, *, accepted: bool = False, path: str = "Notebook") -> dict[str, Any]:
    constructs = {"violatingConstructs": [{"constructPath": path}]}
    violation = {"ruleName": rule, "description": "It is wrong", "severity": "error", **constructs}
    suppressed = violation | {"acknowledgedId": f"AwsSolutions::{rule}", "acknowledgedAt": path, "reason": "so"}
    listed = {"violations": [] if accepted else [violation], "suppressedViolations": [suppressed] if accepted else []}
    return {"pluginReports": [{"pluginName": "AwsSolutions", **listed}]}


def test_cdk_nags_new_findings_are_told_and_a_waiver_of_it_is_used_if_the_report_says_so(
    kept: Assembly, tmp_path: Path
) -> None:
    head = assembly(tmp_path / "nag", {}, report=nag("AwsSolutions-SM1"))
    [finding] = found(kept, head)
    assert (finding.rule, finding.severity, finding.place.logical_id) == (
        "AwsSolutions-SM1",
        Severity.MEDIUM,
        "Notebook",
    )
    assert not found(head, head)
    metadata = acknowledged("/Notebook", AwsSolutions__AwsSolutions_SM1="so")
    used = assembly(tmp_path / "used", {}, report=nag("AwsSolutions-SM1", accepted=True), metadata=metadata)
    assert [each.rule for each in found(kept, used)] == ["waiver-new"]
    unused = assembly(tmp_path / "unused", {}, report=nag("AwsSolutions-SM2"), metadata=metadata)
    assert "waiver-unused" in {each.rule for each in found(kept, unused)}


def test_what_is_accepted_above_all_stacks_is_told_from_the_report(kept: Assembly, tmp_path: Path) -> None:
    report = nag("AwsSolutions-SM1", accepted=True)
    report["pluginReports"][0]["suppressedViolations"][0]["acknowledgedAt"] = ""
    [finding] = found(kept, assembly(tmp_path / "head", {}, report=report))
    assert finding.rule == "waiver-new" and "so" in finding.message


def test_a_report_that_is_missing_from_the_head_is_told(kept: Assembly, tmp_path: Path) -> None:
    base = assembly(tmp_path / "base", {}, report=nag("AwsSolutions-SM1"))
    assert [each.rule for each in found(base, kept)] == ["rules-left-out"]


def test_settings_beside_cdk_json_hold_and_their_change_is_told(tmp_path: Path) -> None:
    base, head = tmp_path / "a", tmp_path / "b"
    for side, text in ((base, "{}"), (head, "switched_off: [SLUICE-NB-03]")):
        side.mkdir()
        (side / "sluice-rules.yaml").write_text(text, "utf-8")
    before, after = assembly(base / "cdk.out", {}), assembly(head / "cdk.out", EXAMPLE.failing)
    [finding] = found(before, after)
    assert finding.rule == "rules-settings" and "switched_off" in finding.message


def test_settings_that_cannot_be_read_are_a_note(kept: Assembly, tmp_path: Path) -> None:
    (tmp_path / "sluice-rules.yaml").write_text("unknown: 3", "utf-8")
    notes = of_rules.rules(kept, kept, TODAY, validate=False).notes
    assert any("defaults hold" in note for note in notes)


def test_exceptions_of_workloads_are_waivers_of_the_repository_around_the_assembly(tmp_path: Path) -> None:
    for side, text in (
        ("a", "exceptions: []"),
        ("b", "exceptions: [{rule: spot, step: Train, reason: none, until: 2026-11-01}]"),
    ):
        (tmp_path / side / "workloads" / "digits").mkdir(parents=True)
        (tmp_path / side / "workloads" / "digits" / "workload.yaml").write_text(text, "utf-8")
    before, after = (assembly(tmp_path / side / "cdk.out", {}) for side in ("a", "b"))
    assert {each.rule for each in found(before, after)} == {"waiver-new", "waiver-expired"}
    assert found(before, after)[0].place.path == "workloads/digits/workload.yaml#Train"


@pytest.mark.slow  # the validator is a process of its own
def test_the_validator_looks_at_what_changed_and_quotes_no_value(kept: Assembly, tmp_path: Path) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "hunter2"}}}
    told = of_rules.findings(kept, assembly(tmp_path / "head", {"Data": bucket}), TODAY)
    [finding] = [each for each in told if each.place.logical_id == "Data"]
    assert finding.message.startswith("VersioningConfiguration.Status") and "hunter2" not in str(finding)


def test_a_validator_that_ends_badly_is_a_note(kept: Assembly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    head = assembly(tmp_path / "head", {"Data": {"Type": "AWS::S3::Bucket"}})
    assert any("ended badly" in note for note in of_rules.rules(kept, head, TODAY).notes)


@pytest.mark.slow  # as above
def test_the_validator_names_what_the_template_names(kept: Assembly, tmp_path: Path) -> None:
    read = stack_of({"Resources": {}, "Parameters": {"Spare": {"Type": "String"}}})
    told = of_rules.findings(kept, Assembly(tmp_path, {"Stack": read}), TODAY)
    assert any("'Spare'" in each.message for each in told)


@pytest.mark.parametrize(
    "odd", [None, 3, "x", [], [1], {}, [{"pluginName": "N", "violations": 3}], [{"violations": [{}]}]]
)
def test_a_report_and_metadata_of_odd_forms_are_no_stack_trace(tmp_path: Path, kept: Assembly, odd: Any) -> None:
    metadata = {"/Notebook": odd, "/Other": [{"type": "aws:cdk:acknowledged-rules", "data": odd}]}
    lint = {"Notebook": {"Metadata": {"cfn-lint": {"config": {"ignore_checks": odd}}, "Sluice": odd, "cdk_nag": odd}}}
    head = assembly(tmp_path / "head", lint, metadata=metadata, report={"pluginReports": odd})
    assert isinstance(found(kept, head), list) and isinstance(found(head, kept), list)


def test_a_nested_stacks_waivers_are_its_own_once(tmp_path: Path, kept: Assembly) -> None:
    metadata = acknowledged("/Notebook", SLUICE__SLUICE_NB_03="drivers need it")
    head = assembly(tmp_path / "head", EXAMPLE.failing, metadata=metadata)
    parent = Stack("Parent", "us-east-1", {"Resources": {}}, {}, metadata)
    nested = Assembly(head.folder, {"Parent": parent, **head.stacks})
    [finding] = found(kept, nested)
    assert finding.rule == "waiver-new" and finding.place.stack == "Stack"


def test_rules_that_are_accepted_in_one_place_for_one_reason_are_one_finding(tmp_path: Path, kept: Assembly) -> None:
    given = {"SLUICE__SLUICE_NB_01": "drivers", "SLUICE__SLUICE_NB_03": "drivers", "SLUICE__SLUICE_NB_02": "old"}
    head = assembly(tmp_path / "head", EXAMPLE.failing, metadata=acknowledged("/Notebook", **given))
    new = [each.message for each in found(kept, head) if each.rule == "waiver-new"]
    assert new == [
        "SLUICE::SLUICE-NB-01, SLUICE::SLUICE-NB-03 are accepted anew: drivers",
        "SLUICE::SLUICE-NB-02 is accepted anew: old",
    ]
