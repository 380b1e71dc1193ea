"""Entry point of the zip that processing jobs run: `python3 code.zip preprocess|evaluate ...`."""

import sys

import evaluate
import preprocess

COMMANDS = {"preprocess": preprocess.main, "evaluate": evaluate.main}


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        sys.exit(f"say which step to run: {' or '.join(COMMANDS)}, not {command!r}")
    COMMANDS[command](sys.argv[2:])


if __name__ == "__main__":
    main()
