"""Every role of every sample may do what it needs and no more, whatever its permissions boundary would still stop."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from review.policies import (
    Role,
    Statement,
    UnknownActionError,
    Wildcard,
    forbidden,
    has_resource_level,
    is_bounded,
    passes,
    risks,
    roles,
    text,
    unexplained,
    wildcards,
)

SAMPLES = (
    *("team", "production", "monitored", "china", "govcloud"),
    pytest.param("native-monitors", marks=pytest.mark.slow),
)
# Services that do not say on whose behalf they assume a role; a role can be given to them in its own account only.
SILENT = {"lambda.amazonaws.com"}
# Roles whose trust AWS documents without a condition: the one of an MLflow app.
UNCONDITIONAL = "-training/Experiments/Role"

Found = Mapping[str, Role]


@pytest.fixture(params=SAMPLES)
def assembly(request: pytest.FixtureRequest, synthesize: Callable[[str], Any]) -> Any:
    return synthesize(request.param)


@pytest.fixture
def found(assembly: Any) -> Found:
    found = {role.path: role for role in roles(assembly.templates)}
    assert len(found) >= 6
    assert all(role.statements for role in found.values())
    return found


def test_no_role_can_escalate_carry_off_data_or_expose_anything(found: Found) -> None:
    assert not {path: there for path, role in found.items() if (there := risks(role))}


def test_no_role_holds_an_action_that_leads_to_the_rights_of_another(found: Found) -> None:
    assert not {path: there for path, role in found.items() if (there := forbidden(role))}


def test_each_wildcard_on_an_action_with_a_resource_level_has_its_reason_beside_it(assembly: Any) -> None:
    accepted = assembly.accepted()
    found = roles(assembly.templates)
    assert any(list(wildcards(role)) for role in found)
    assert not [wildcard for role in found for wildcard in unexplained(role, accepted)]


def test_no_role_has_a_managed_policy_of_aws_or_allows_all_but_something(found: Found) -> None:
    assert not {path: role.managed for path, role in found.items() if role.managed}
    assert not {path for path, role in found.items() if any(statement.inverted for statement in role.statements)}


def test_every_role_has_the_permissions_boundary(assembly: Any, found: Found) -> None:
    """That of the platform; of what controls cost its own, because it ends what no other role may."""
    bounds = {
        f"{assembly.platform.prefix}-{stack}": (logical, boundary["Properties"]["ManagedPolicyName"])
        for stack, named in (("foundation", "boundary"), ("costs", "controls-boundary"))
        for logical, boundary in assembly.templates[stack]["Resources"].items()
        if boundary["Type"] == "AWS::IAM::ManagedPolicy"
        and boundary["Properties"]["ManagedPolicyName"] == f"{assembly.platform.prefix}-{named}"
    }
    assert len(bounds) == 2
    costs, ours = f"{assembly.platform.prefix}-costs", f"{assembly.platform.prefix}-foundation"
    for path, role in found.items():
        logical, _ = bounds[costs if path.startswith(f"{costs}/") else ours]
        assert logical in text(role.properties["PermissionsBoundary"]), path


def test_roles_are_passed_by_name_to_named_services_and_not_passed_on(found: Found) -> None:
    passing = [(path, statement) for path, role in found.items() for statement in passes(role)]
    assert passing
    assert all(is_bounded(statement) for _, statement in passing)
    passed = {resource for _, statement in passing for resource in statement.resources}
    names = {f"<{role.name}.Arn>": path for path, role in found.items()}
    assert passed <= names.keys()
    assert not {names[resource] for resource in passed} & {path for path, _ in passing}


def test_only_services_assume_roles_and_each_for_this_account_alone(found: Found) -> None:
    ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    for path, role in found.items():
        for statement in role.properties["AssumeRolePolicyDocument"]["Statement"]:
            assert statement["Principal"].keys() == {"Service"}, path
            service = statement["Principal"]["Service"]
            assert service.endswith(".amazonaws.com"), path
            silent = service in SILENT or UNCONDITIONAL in path
            assert silent or statement.get("Condition") == ours, path


def test_what_tells_wrong_from_right_does(found: Found) -> None:
    """Each of these grants, put on a role that has nothing else, is found."""
    role = replace(next(iter(found.values())), statements=())
    arn = "arn:aws:sagemaker:us-east-1:<AWS::AccountId>:endpoint/*"

    def granted(actions: list[str], resource: str, **conditions: Any) -> Role:
        return replace(role, statements=(Statement("Allow", tuple(actions), (resource,), conditions, False),))

    passing = ["iam:PassRole", "sagemaker:CreateTrainingJob"]
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert risks(granted(passing, "<Other.Arn>"))["escalation"] == ["PassExistingRoleToNewSageMakerTrainingJob"]
    assert risks(granted(passing, "*", **to_sagemaker))["escalation"]
    assert not risks(granted(passing, "<Other.Arn>", **to_sagemaker))
    assert forbidden(granted(passing, "<Other.Arn>")) == {"iam:PassRole"}
    assert forbidden(granted(["sts:AssumeRole", "lambda:UpdateFunctionCode", "s3:Get*"], "*")) == {
        "sts:AssumeRole",
        "lambda:UpdateFunctionCode",
        "s3:Get*",
    }
    assert risks(granted(["lambda:UpdateFunctionCode"], "<One.Arn>"))["escalation"]
    assert risks(granted(["s3:GetObject"], "arn:aws:s3:::*"))["exfiltration"] == ["s3:GetObject"]
    assert not risks(granted(["s3:GetObject"], "arn:aws:s3:::ours/*"))
    assert risks(granted(["sagemaker:DeleteEndpoint"], arn))["modification"] == ["sagemaker:DeleteEndpoint"]
    assert unexplained(granted(["sagemaker:DeleteEndpoint", "sagemaker:ListModels"], arn), []) == [
        Wildcard(role.path, "sagemaker:DeleteEndpoint", arn)
    ]
    with pytest.raises(UnknownActionError):
        has_resource_level("sagemaker:CreateTraningJob")
