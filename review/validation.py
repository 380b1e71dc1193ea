"""cloudformation-validate's findings on templates, without what they ignore and without values that may be secret."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from review.cloud_assembly import Stack
from review.model import Severity

# Far above what CloudFormation deploys (1 MB).
LARGEST = 5_000_000
_GRADES = {"FATAL": Severity.HIGH, "ERROR": Severity.HIGH}


@dataclass(frozen=True)
class Diagnostic:
    """`message` holds no value of a property, as it may be secret."""

    stack: Stack
    rule: str
    severity: Severity
    logical_id: str
    path: str
    message: str
    fix: str


class Validation:
    """Begins at once, in a process of its own; whoever asks for the diagnostics waits for its end."""

    def __init__(self, stacks: Iterable[Stack]) -> None:
        self.left_out: list[str] = []
        self._stacks: list[Stack] = []
        texts = []
        for stack in stacks:
            text = json.dumps({"region": stack.region, "template": stack.template})
            if len(text) > LARGEST:
                self.left_out.append(f"cloudformation-validate left out {stack.name}: its template is too large.")
            else:
                self._stacks.append(stack)
                texts.append(text)
        self._pool = ThreadPoolExecutor(1)
        self._running: Future[Any] | None = self._pool.submit(_run, f"[{','.join(texts)}]") if texts else None

    def diagnostics(self, of: Iterable[Stack]) -> Iterator[Diagnostic]:
        """Warnings and worse on these; none, and a line in `left_out`, if the engine ends badly."""
        found: list[Any] = [()] * len(self._stacks)
        try:
            found = self._running.result() if self._running else found
        except (subprocess.CalledProcessError, ValueError) as error:
            ended = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:] or ["without a word"]
            self.left_out.append(f"cloudformation-validate found nothing, because it ended badly: {ended[0][:200]}")
            self._running = None
        self._pool.shutdown()
        asked = {id(stack) for stack in of}
        for stack, told in zip(self._stacks, found, strict=True):
            for rule, grade, logical_id, path, message, fix in told if id(stack) in asked else ():
                if rule not in _ignored(stack, logical_id):
                    severity = _GRADES.get(grade, Severity.MEDIUM)
                    yield Diagnostic(stack, rule, severity, logical_id, path, _masked(message, stack), fix)


def _run(text: str) -> Any:
    command = [sys.executable, "-m", "review.validate_templates"]
    return json.loads(subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout)


def _ignored(stack: Stack, logical_id: str) -> set[str]:
    """The checks that template or resource ignore in their metadata for cfn-lint."""
    resource = stack.resources.get(logical_id)
    found: set[str] = set()
    for metadata in (stack.template.get("Metadata"), resource.attributes.get("Metadata") if resource else None):
        lint = metadata.get("cfn-lint") if isinstance(metadata, dict) else None
        config = lint.get("config") if isinstance(lint, dict) else None
        checks = config.get("ignore_checks") if isinstance(config, dict) else None
        found |= {str(check) for check in checks} if isinstance(checks, list) else set()
    return found


def _masked(message: str, stack: Stack) -> str:
    """Names of what the template holds and types stay; whatever else is quoted may be a value."""
    named = (stack.template.get(section) for section in ("Parameters", "Conditions", "Mappings", "Outputs"))
    names = (name for section in named if isinstance(section, dict) for name in section)
    known = {*stack.resources, *(resource.type for resource in stack.resources.values()), *names}

    def shown(quoted: re.Match[str]) -> str:
        inner = quoted[0][1:-1]
        return quoted[0] if inner in known or re.fullmatch(r"(Fn::|AWS::)\w+|Ref|GetAtt|DependsOn", inner) else "'...'"

    return re.sub(r"'[^']*'|\"[^\"]*\"", shown, message)
