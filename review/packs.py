"""cdk-nag's rule packs, put into an application: what they find goes to its `validation-report.json`."""

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from sluice import waiver


def add(app: App) -> None:
    """Before `app.synth()`, which raises what they find unless `@aws-cdk/core:failSynthOnValidationErrors` is False."""
    waiver.acknowledge()
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
