"""What is in the model registry."""

from typing import Any

from controls.release import Package


def newest_approved(sagemaker: Any, group: str) -> Package | None:
    """The approved and completed version of `group` with the highest number."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved"
    )
    approved = [
        Package(arn=summary["ModelPackageArn"], version=summary["ModelPackageVersion"])
        for page in pages
        for summary in page["ModelPackageSummaryList"]
        if summary["ModelPackageStatus"] == "Completed"
    ]
    return max(approved, key=lambda package: package.version, default=None)
