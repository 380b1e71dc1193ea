"""Builds a workload's definition with the `sagemaker` SDK, without network.

`environment.isolate()` comes before the import of this module.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false

import importlib.util
import json
import logging
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
from sagemaker.core import common_utils, image_uris
from sagemaker.core.config.config_manager import SageMakerConfig
from sagemaker.core.workflow.pipeline_context import PipelineSession

from config.workload import Workload
from workloads.compiler.environment import REGION
from workloads.compiler.plan import MONITOR_IMAGES, images

# The SDK's notes on what it chose and left out would drown the compiler's own lines.
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore", module="sagemaker")

# Most of a build's time otherwise: the SDK reads botocore's table of regions anew for each image, and checks the schema
# of its own settings at each look at them. Ours are the constant below.
common_utils._botocore_resolver = cache(common_utils._botocore_resolver)
SageMakerConfig.validate_sagemaker_config = staticmethod(lambda sagemaker_config=None: None)

MONITORING = "monitoring"  # the folder beside the workloads that holds the pipeline of all monitors
# The SDK looks up any role that is no ARN; this one passes for an ARN and becomes the placeholder afterwards.
ROLE_STAND_IN = "arn:placeholder:iam::execution/role"


def build(folder: Path, workload: Workload) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The pipeline definition of the workload in `folder`, and its images: placeholder -> region -> URI."""
    module = _load(folder / "pipeline.py")
    definition = _defined(module.build(workload, _session(), ROLE_STAND_IN))
    wanted = {**module.IMAGES, **images(workload)}
    return definition, {name: _uris(arguments) for name, arguments in sorted(wanted.items())}


def build_monitor(folder: Path, workload: Workload) -> dict[str, Any]:
    """The definition of the pipeline that examines what the workload in `folder` is asked."""
    module = _load(folder.parent / MONITORING / "pipeline.py")
    return _defined(module.build(folder.name, workload, _session(), ROLE_STAND_IN))


def monitor_images() -> dict[str, dict[str, str]]:
    """The images of SageMaker's own monitors: name -> region -> URI."""
    return {name: _uris(arguments) for name, arguments in sorted(MONITOR_IMAGES.items())}


def _defined(pipeline: Any) -> dict[str, Any]:
    definition = json.loads(pipeline.definition().replace(ROLE_STAND_IN, "${ExecutionRoleArn}"))
    # The SDK writes null for what a pipeline does not use.
    return {name: value for name, value in definition.items() if value is not None}


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"workloads.{path.parent.name}.pipeline", path)
    assert spec and spec.loader, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _session() -> PipelineSession:
    # Keys that are no keys: the SDK makes clients but calls none.
    boto_session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name=REGION)
    settings = {
        "SchemaVersion": "1.0",
        "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
    }
    session = PipelineSession(boto_session=boto_session, sagemaker_config=settings)
    session._default_bucket = "${ArtifactBucket}"
    return session


def _uris(arguments: dict[str, str]) -> dict[str, str]:
    """The image in each region where the SDK knows it."""
    return {region: image_uris.retrieve(region=region, **arguments) for region in _regions(arguments)}


def _regions(arguments: dict[str, str]) -> list[str]:
    config = image_uris.config_for_framework(arguments["framework"])
    scoped = config.get(arguments.get("image_scope", ""), config)
    return sorted(_version(scoped["versions"], arguments.get("version"))["registries"])


def _version(versions: dict[str, Any], version: str | None) -> dict[str, Any]:
    return versions[version] if version else next(iter(versions.values()))
