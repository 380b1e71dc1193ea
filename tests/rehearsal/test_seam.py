"""What the seam holds on to in ministack is still where it was; a moved name is said by name."""

import ast
import subprocess

from rehearsal.embedded import ROOT

SEAM = ROOT / "rehearsal" / "seam"
HELD = """
app: SERVICE_HANDLERS app pin_request_origin
core.router: SERVICE_PATTERNS extract_access_key_id extract_region
core.iam_actions: SERVICE_TO_IAM_NAMESPACE _BOTOCORE_SERVICE_MAP _SERVICE_PROTOCOL
core.iam_actions: extract_resource_arn request_tag_context
core.iam_evaluator: caller_arn enforce _first_match _resolve_condition_key
core.lambda_runtime: _lock _workers
core.responses: set_request_account_id set_request_region get_region
services.cloudwatch: _store_datum _metric_bucket _metrics _dims_key _dims_from_list _point_stats TWO_WEEKS_SECONDS time
services.cloudwatch: _evaluate_alarm _evaluate_all_alarms _put_metric_alarm _put_composite_alarm _alarms _error
services.cloudwatch: _record_history _dispatch_alarm_actions _get_metric_data
services.eventbridge: _dispatch_to_sqs _pattern_event_view
services.eventbridge: _now_ts _dispatch_event _dispatch_to_lambda _invoke_target _rules _targets start_scheduler
services.lambda_svc: _execute_function_warm
services.lambda_svc: _get_func_record_for_ref invoke_async_with_retry _execute_function _route_async_failure
services.lambda_svc: _execute_function_dispatch _emit_lambda_metrics _emit_lambda_logs
services.scheduler: _now _schedules _schedule_arn _create_schedule _update_schedule _to_epoch _error start_scheduler
services.sqs: _queue_by_arn
services.s3: now_iso
services.scheduler: _schedules._data
services.eventbridge: _rules._data _targets._data
services.stepfunctions: _AWS_SDK_SERVICE_MAP _AWS_SDK_ERROR_PREFIX _dispatch_aws_sdk_json _run_execution
services.stepfunctions: _start_execution _executions _state_machines _scaled_sleep _sleep_until _ExecutionError
services.stepfunctions: _fail_execution _dispatch_aws_sdk_rest_xml _emit_execution_status_event _add_event now_iso
services.iam: _roles
services.sns: _topics
services.sqs: _md5_msg_attrs _queue_by_arn
services.stepfunctions: _resolve_state_machine_arn
services.sts: register_session
services.cloudwatch_logs: _log_groups
services.tagging: _RESOURCE_TAG_COLLECTORS _COLLECTORS _HANDLERS _matches_type_filters
services.cloudformation.provisioners: _RESOURCE_HANDLERS _REPLACING_PROPERTIES _cw_metric_alarm_record _physical_name
services.cloudformation.stacks: _runs_on_worker_thread _resolve_stack_outputs
services.cloudformation.handlers: _imported_export_names
services.cloudformation: _exports _stacks
"""

PROBE = """
import importlib, operator, sys
missing = []
for line in sys.stdin.read().split("\\n"):
    module, _, names = line.partition(":")
    if names:
        loaded = importlib.import_module(f"ministack.{module}")
        for name in names.split():
            try:
                operator.attrgetter(name)(loaded)
            except AttributeError:
                missing.append(f"ministack.{module}.{name}")
print(*missing)
"""


def in_cloud(script: str, words: str = "") -> str:
    """Run a script in the embedded cloud's own environment; what it printed."""
    command = [str(ROOT / ".venv-cloud/bin/python"), "-c", script]
    done = subprocess.run(command, input=words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_name_that_the_seam_holds_on_to_exists() -> None:
    missing = in_cloud(PROBE, HELD)
    assert missing == "", f"ministack no longer has {missing}: mend rehearsal/seam for this version"


def test_the_seam_uses_no_name_of_ministack_that_this_test_does_not_list() -> None:
    used: set[str] = set()
    for path in SEAM.glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        imports = [
            node for node in nodes if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ministack")
        ]
        modules = {alias.asname or alias.name for node in imports for alias in node.names}
        used |= {
            node.attr
            for node in nodes
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        }
        used |= {name for node in imports if "responses" in str(node.module) for name in [a.name for a in node.names]}
    assert len(used) > 10 and used - set(HELD.split()) == set()


def test_only_the_seam_and_the_process_itself_import_ministack() -> None:
    importers = {
        p
        for p in (ROOT / "rehearsal").rglob("*.py")
        if "from ministack" in p.read_text() or "import ministack" in p.read_text()
    }
    assert importers <= {*SEAM.glob("*.py"), ROOT / "rehearsal" / "cloud.py"}


def test_the_patterns_of_the_model_that_cannot_be_read_are_known() -> None:
    script = (
        "import regex; from rehearsal.sagemaker.shapes import service_model\n"
        "model = service_model()\n"
        "for name in model.shape_names:\n"
        "    pattern = model.shape_for(name).metadata.get('pattern')\n"
        "    try: regex.compile(pattern or '')\n"
        "    except regex.error: print(name)\n"
    )
    assert set(in_cloud(script).split()) == {"AthenaCatalog", "Catalog", "Database", "TableName"}
