"""Calls a model's own inference.py as the serving image does: serve_rows.py MODEL_FOLDER; requests come as JSON.

Runs in .venv-cloud. Each request is [body, content type, accept]; what is raised is answered as its message.
"""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[1]) / "code"))
import inference

model = inference.model_fn(sys.argv[1])
answers = []
for body, kind, accept in json.load(sys.stdin):
    try:
        answers.append(inference.output_fn(inference.predict_fn(inference.input_fn(body, kind), model), accept))
    except ValueError as error:
        answers.append(str(error))
print(json.dumps(answers))  # noqa: T201
