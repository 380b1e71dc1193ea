"""What a data scientist types: build the digits pipeline with the SageMaker SDK, create it, start it, wait for it.

python sdk_digits.py VALUES.json, in `.venv-sdk`: the values of the pipeline's placeholders; prints what became of it.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
import json
import sys
from pathlib import Path

from sagemaker.core.workflow.pipeline_context import PipelineSession

from config.load import load_workload
from workloads.digits import pipeline as digits

ROOT = Path(__file__).parents[3]


def main(values: dict[str, str]) -> None:
    session = PipelineSession(default_bucket=values["ArtifactBucket"])
    workload = load_workload(ROOT / "workloads" / "digits" / "workload.yaml")
    pipeline = digits.build(workload, session, values["ExecutionRoleArn"])
    text = pipeline.definition()
    for name, value in values.items():
        text = text.replace("${" + name + "}", value)
    pipeline.definition = lambda: text  # placeholders are filled at synthesis, which this client does without
    pipeline.name = "sdk-digits"
    pipeline.upsert(role_arn=values["ExecutionRoleArn"], tags=[{"Key": "made-by", "Value": "sdk"}])
    execution = pipeline.start()
    execution.wait(delay=1, max_attempts=90)
    rows = pipeline.list_executions()["PipelineExecutionSummaries"]
    pipeline.upsert(role_arn=values["ExecutionRoleArn"], tags=[{"Key": "checked-by", "Value": "sdk"}])
    arn = pipeline.describe()["PipelineArn"]
    answer = {
        "status": execution.describe()["PipelineExecutionStatus"],
        "steps": {step["StepName"]: step["StepStatus"] for step in execution.list_steps()},
        "executions": [row["PipelineExecutionArn"] == execution.arn for row in rows],
        "tags": sorted(tag["Key"] for tag in session.sagemaker_client.list_tags(ResourceArn=arn)["Tags"]),
    }
    pipeline.delete()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
