"""What may stand in no file that is committed: hosts of package registries, and paths of one machine."""

import re
import subprocess

from config.load import ROOT

REGISTRIES = re.compile(
    "|".join(["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org", "deb.deb" + "ian.org"])
)
MACHINE = re.compile(r"(?<![\w.])/(root|home|Users)/\w")


def test_no_committed_file_names_a_registry_or_a_path_of_a_machine() -> None:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    texts = {name: (ROOT / name).read_text(errors="replace") for name in names if name and (ROOT / name).is_file()}
    assert len(texts) > 50
    assert not [name for name, text in texts.items() if REGISTRIES.search(text)]
    assert not [name for name, text in texts.items() if MACHINE.search(text)]
