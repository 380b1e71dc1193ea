"""Entry point of the zip that the jobs run: `python3 code.zip preprocess|train|evaluate ...`."""

import importlib
import sys

COMMANDS = ("preprocess", "train", "evaluate")


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        sys.exit(f"say which step to run: {' or '.join(COMMANDS)}, not {command!r}")
    importlib.import_module(command).main(sys.argv[2:])


if __name__ == "__main__":
    main()
