"""A client of another environment, run as its user would."""

import subprocess
from pathlib import Path

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.processes import clean_environment


def run(cloud: EmbeddedCloud, home: Path, *command: str, **extra: str) -> str:
    """What a client of another environment prints, with the account's credentials in its variables only."""
    env = clean_environment(
        HOME=str(home),
        AWS_ACCESS_KEY_ID=ACCOUNT,
        AWS_SECRET_ACCESS_KEY="rehearsal",
        AWS_DEFAULT_REGION=cloud.region,
        AWS_REGION=cloud.region,
        AWS_ENDPOINT_URL=cloud.url,
        SAGEMAKER_TELEMETRY_OPT_OUT="true",
        **extra,
    )
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout
