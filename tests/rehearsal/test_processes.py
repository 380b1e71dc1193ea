"""Nothing that was started outlives its parent, however the parent ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rehearsal import processes
from rehearsal.embedded import ROOT


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_process_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    log = tmp_path / "log"
    process = processes.start([sys.executable, "-c", script], env=processes.clean_environment(), cwd=tmp_path, log=log)
    while not log.read_text():
        time.sleep(0.02)
    child = int(log.read_text())
    assert processes.stop(process, grace_seconds=0.2) == -signal.SIGKILL
    assert gone(child)


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from rehearsal import processes; import sys, time\n"
        "child = processes.start([sys.executable, '-c', 'import time; time.sleep(60)'],"
        f" env=processes.clean_environment(), cwd=Path('.'), log=Path({str(tmp_path / 'log')!r}))\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert gone(child)


def test_a_child_inherits_no_credentials(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    environment = processes.clean_environment(HOME="here")
    assert environment["HOME"] == "here"
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"} & set(environment)
