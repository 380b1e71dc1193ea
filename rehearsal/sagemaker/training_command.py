"""What a training container runs, and with which variables.

Script mode as in AWS's SageMaker Training Toolkit (aws/sagemaker-training-toolkit, README and params.py), which the
framework images have: `sagemaker_program` of `sagemaker_submit_directory` with the hyperparameters as arguments.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.sagemaker import storage
from rehearsal.sagemaker.container import ML, Instance
from rehearsal.sagemaker.images import Runner
from rehearsal.sagemaker.run import JobError
from rehearsal.sagemaker.store import Record

CHANNELS = f"{ML}/input/data/"
CODE = f"{ML}/code"
_METRIC = "_tuning_objective_metric"  # which a tuning job adds


@dataclass(frozen=True)
class Command:
    """A command, the /opt/ml folder that it starts in, and the script that it runs in script mode."""

    words: list[str]
    folder: str = ML
    script: str = ""


def command(record: Record, runner: Runner, cluster: list[Instance], s3: Any) -> Command:
    """What every instance runs; in script mode the code is put there. Raises JobError and what S3 raises."""
    specification = record["AlgorithmSpecification"]
    if "ContainerEntrypoint" in specification:
        return Command([*specification["ContainerEntrypoint"], *specification.get("ContainerArguments", [])])
    if not runner.script_mode:
        return Command(list(runner.train))
    parameters = decoded(record.get("HyperParameters", {}))
    script, source = parameters.get("sagemaker_program"), str(parameters.get("sagemaker_submit_directory"))
    if not script or not source.startswith(("s3://", CHANNELS)) or ".." in source:
        raise JobError(
            f"ClientError: image {specification['TrainingImage']} trains in script mode here: it needs the "
            "hyperparameters sagemaker_program and sagemaker_submit_directory "
            f"(an s3:// URI, or a folder below {CHANNELS})"
        )
    if not script.endswith((".py", ".sh")):
        raise JobError(f"ClientError: sagemaker_program {script} is not emulated: it must end in .py or .sh here")
    for instance in cluster:
        if source.startswith("s3://"):
            storage.download_tar(s3, source, instance.path(CODE))
        else:  # such as a channel; a tuning job cannot bring its code by an entrypoint
            shutil.copytree(instance.path(source), instance.path(CODE), dirs_exist_ok=True)
        if (instance.path(CODE) / "requirements.txt").exists():
            with instance.log.open("a") as log:
                log.write("requirements.txt is not installed by this cloud: what it names must be here already\n")
    interpreter = ["/bin/sh"] if script.endswith(".sh") else [sys.executable]
    return Command([*interpreter, script, *arguments(parameters)], CODE, script)


def decoded(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameters, which the SDK sends JSON-encoded; what is no JSON stays as it is."""
    return {name: _decoded(value) for name, value in parameters.items()}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _own(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are the user's own."""
    return {n: value for n, value in parameters.items() if not n.startswith("sagemaker_") and n != _METRIC}


def arguments(parameters: Mapping[str, Any]) -> list[str]:
    """`--name value` for each that is the user's own, by name; `-n value` for a name of one letter."""
    own = sorted(_own(parameters).items())
    return [word for name, value in own for word in (f"{'--' if len(name) > 1 else '-'}{name}", _word(value))]


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)


def variables(record: Record, chosen: Command, cluster: list[Instance]) -> dict[str, str]:
    """The job's variables, the same on every instance but for the host names, with /opt/ml paths."""
    parameters = decoded(record.get("HyperParameters", {}))
    own = _own(parameters)
    channels = [channel["ChannelName"] for channel in record.get("InputDataConfig", [])]
    config = cluster[0].folder / "input" / "config"
    told: dict[str, Any] = {
        "SM_MODEL_DIR": f"{ML}/model",
        "SM_INPUT_DIR": f"{ML}/input",
        "SM_INPUT_CONFIG_DIR": f"{ML}/input/config",
        "SM_OUTPUT_DIR": f"{ML}/output",
        "SM_OUTPUT_DATA_DIR": f"{ML}/output/data",
        "SM_CHANNELS": sorted(channels),
        **{f"SM_CHANNEL_{name.upper()}": f"{ML}/input/data/{name}" for name in channels},
        "SM_HPS": own,
        **{f"SM_HP_{name.upper()}": value for name, value in own.items()},
        "SM_USER_ARGS": arguments(parameters),
        "SM_INPUT_DATA_CONFIG": json.loads((config / "inputdataconfig.json").read_text()),
        "SM_CURRENT_INSTANCE_TYPE": cluster[0].instance_type,
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": os.cpu_count() or 1,
        "SM_NUM_GPUS": 0,
        "SM_LOG_LEVEL": 20,
    }
    if chosen.script:
        told |= {
            "SM_MODULE_NAME": chosen.script.removesuffix(".py"),
            "SM_MODULE_DIR": parameters["sagemaker_submit_directory"],
            "SM_USER_ENTRY_POINT": chosen.script,
            "PYTHONPATH": CODE,
        }
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
    names = {"TRAINING_JOB_NAME": record["TrainingJobName"], "TRAINING_JOB_ARN": record["TrainingJobArn"]}
    return {**names, **texts, **record.get("Environment", {})}
