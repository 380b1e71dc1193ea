"""Quotas of the embedded SageMaker, over HTTP."""

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud


def test_a_quota_refuses_one_more_until_it_is_lifted(cloud: EmbeddedCloud) -> None:
    create = cloud.client("sagemaker").create_model_package_group
    cloud.control("quota", kind="ModelPackageGroup", limit=0)
    try:
        with pytest.raises(ClientError, match="ResourceLimitExceeded"):
            create(ModelPackageGroupName="over-quota")
    finally:
        cloud.control("quota", kind="ModelPackageGroup", limit=None)
    create(ModelPackageGroupName="over-quota")
