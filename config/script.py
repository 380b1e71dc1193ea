"""Which arguments a workload's training script may have, read from its text: what it imports is not installed here."""

import ast
from pathlib import Path


def spelt(scripts: Path, main: str = "train.py") -> set[str] | None:
    """The texts in the scripts, written as hyperparameters are: `--max-depth` is max_depth. None: it cannot be told.

    Every text counts, since an option's name may come out of a list. Nothing can be told where there is no `main`,
    or it cannot be parsed, adds no arguments by argparse, or takes those that it does not know.
    """
    if not (scripts / main).is_file():
        return None
    nodes: list[ast.AST] = []
    for path in sorted(scripts.rglob("*.py")):
        try:
            nodes += ast.walk(ast.parse(path.read_text("utf-8")))
        except (SyntaxError, ValueError):
            return None
    called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    if "add_argument" not in called or "parse_known_args" in called:
        return None
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {text.lstrip("-").replace("-", "_") for text in texts}
