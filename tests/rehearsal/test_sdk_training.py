"""The SageMaker Python SDK's ModelTrainer trains on the embedded cloud unchanged, and follows the job's log."""

import json
from pathlib import Path

import pytest

from rehearsal.embedded import ROOT, EmbeddedCloud
from tests.rehearsal.clients.run import run
from tests.rehearsal.jobbing import SKLEARN, unpacked

pytestmark = pytest.mark.slow

TRAINER = """
import sys
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode
image, role, source = sys.argv[1:]
ModelTrainer(
    sagemaker_session=Session(default_bucket="jobs"),  # the default one asks AWS's own STS for the account
    output_data_config=OutputDataConfig(s3_output_path="s3://jobs/sdk-out"),
    training_image=image,
    role=role,
    source_code=SourceCode(source_dir=source, entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
    base_job_name="sdk-trained",
    hyperparameters={"epochs": 3},
).train(wait=True, logs=True)
"""
TRAIN = """
import json, os, sys
told = {"arguments": sys.argv[1:], "epochs": os.environ["SM_HP_EPOCHS"]}
json.dump(told, open(os.environ["SM_MODEL_DIR"] + "/told", "w"))
"""


def test_model_trainer_trains_waits_and_leaves_a_model(cloud: EmbeddedCloud, role: str, tmp_path: Path) -> None:
    cloud.client("s3").create_bucket(Bucket="jobs")
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text(TRAIN)
    run(cloud, tmp_path, str(ROOT / ".venv-sdk/bin/python"), "-c", TRAINER, SKLEARN, role, str(source))
    [summary] = cloud.client("sagemaker").list_training_jobs(NameContains="sdk-trained")["TrainingJobSummaries"]
    assert summary["TrainingJobStatus"] == "Completed"
    model = unpacked(cloud, f"sdk-out/{summary['TrainingJobName']}/output/model.tar.gz")
    assert json.loads(model["told"]) == {"arguments": ["--epochs", "3"], "epochs": "3"}
