"""`mlflow_server.py DATABASE ARTIFACT_ROOT PORT`: MLflow's tracking server as one process on loopback.

`mlflow server` would be two: one that supervises and one that serves, each with all of MLflow in memory. The variables
are those that it hands to the one that serves, named by MLflow's own constants (3.17.2).
"""

# pyright: reportMissingImports=false
# MLflow lives in .venv-cloud only.
import os
import sys

import uvicorn
from mlflow import server

if __name__ == "__main__":
    database, artifact_root, port = sys.argv[1:]
    os.environ[server.BACKEND_STORE_URI_ENV_VAR] = f"sqlite:///{database}"
    os.environ[server.ARTIFACT_ROOT_ENV_VAR] = artifact_root
    os.environ["_MLFLOW_SGI_NAME"] = "uvicorn"
    uvicorn.run("mlflow.server.fastapi_app:app", host="127.0.0.1", port=int(port), log_level="warning")
