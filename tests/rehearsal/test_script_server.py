"""An endpoint serves a model with the script in its archive and the container's variables, as framework images do."""

import json

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from tests.rehearsal.jobbing import SKLEARN, packed, until

SCRIPT = """
import os
class Model:
    def predict(self, rows):
        return rows.sum(axis=1) + float(os.environ['OFFSET'])
def model_fn(folder):
    return Model()
"""


def test_an_endpoint_serves_a_script_and_answers_its_errors(cloud: EmbeddedCloud, role: str) -> None:
    sagemaker, runtime = cloud.client("sagemaker"), cloud.client("sagemaker-runtime")
    cloud.client("s3").create_bucket(Bucket="jobs")
    cloud.client("s3").put_object(Bucket="jobs", Key="served.tar.gz", Body=packed(code__serve=SCRIPT))
    variables = {
        "SAGEMAKER_PROGRAM": "serve.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "OFFSET": "0.5",
    }
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://jobs/served.tar.gz", "Environment": variables}
    sagemaker.create_model(ModelName="served", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": "served", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="served", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="served", EndpointConfigName="served")
    until(lambda: sagemaker.describe_endpoint(EndpointName="served")["EndpointStatus"] != "Creating")
    answer = sagemaker.describe_endpoint(EndpointName="served")
    assert answer["EndpointStatus"] == "InService", answer.get("FailureReason")
    told = runtime.invoke_endpoint(EndpointName="served", ContentType="application/json", Body=b"[[1, 2], [3, 4]]")
    assert json.loads(told["Body"].read()) == [3.5, 7.5]
    with pytest.raises(ClientError, match="500"):
        runtime.invoke_endpoint(EndpointName="served", ContentType="application/json", Body=b"[1]")
    with pytest.raises(ClientError, match="415"):
        runtime.invoke_endpoint(EndpointName="served", ContentType="text/xml", Body=b"<a/>")
    sagemaker.delete_endpoint(EndpointName="served")
