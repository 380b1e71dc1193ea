"""A commit's files in a folder of their own, with the packages that git does not hold, run with that commit's code."""

import ast
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from review.application import SourceError, git

PACKAGES = (".venv", "venv", "node_modules", "build")
# Where one of these is, `build` may hold what the head's sources were compiled to.
COMPILED_BY = ("tsconfig.json", "build.gradle", "build.gradle.kts", "pom.xml", "go.mod")
_MAPPING = re.compile(r"^MAPPING(?:: [^=]+)? = (\{.*\})$", re.MULTILINE)


@contextmanager
def checked_out(repository: Path, commit: str, folder: Path) -> Iterator[Path]:
    """`folder` with the files of the commit. Raises SourceError."""
    try:
        added = git(repository, "worktree", "add", "--detach", "--quiet", str(folder), commit)
        if added.returncode:
            raise SourceError(f"git cannot check out {commit}: {added.stderr.strip()}")
        _link_packages(repository, folder)
        yield folder
    finally:
        git(repository, "worktree", "remove", "--force", str(folder))
        # Where git does not (a file of ours is in its way), the folder's own end removes it.
        shutil.rmtree(folder, ignore_errors=True)


def python_path(repository: Path, folder: Path) -> str:
    """PYTHONPATH with which Python takes the commit's modules where an editable install names the repository's.

    Its folders stand in the environment's `.pth` files, which come after PYTHONPATH.
    """
    given = [Path(each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    installed = [path for site in _sites(repository) for path in _editable(site)]
    moved = [_moved(path, repository, folder) for path in (*given, *installed)]
    return os.pathsep.join(dict.fromkeys(str(path) for path in moved if path))


def _moved(path: Path, repository: Path, folder: Path) -> Path | None:
    """The commit's folder for one of the repository; others stay; None for packages within the repository."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 (links stay as they are)
    for root in {repository, repository.resolve()}:
        if path.is_relative_to(root):
            inner = path.relative_to(root)
            return None if {*inner.parts} & {*PACKAGES[:3]} else folder / inner
    return path


def _sites(repository: Path) -> Iterator[Path]:
    """The folders of packages of each Python that the application may run with."""
    environments = [path for path in _untracked(repository) if path.name in PACKAGES[:2]]
    environments += [Path(os.environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if os.environ.get(name)]
    found = (shutil.which(name) for name in ("python3", "python"))
    environments += [Path(program).parent.parent for program in found if program]
    for environment in dict.fromkeys(environments):
        yield from environment.glob("lib/python3*/site-packages")
        yield from environment.glob("lib/python3*/dist-packages")
    yield from (Path.home() / ".local").glob("lib/python3*/site-packages")


def _editable(site: Path) -> Iterator[Path]:
    """The folders that editable installs add: a line of a `.pth` each, or a map in setuptools' finder."""
    for path in sorted(site.glob("*.pth")):
        for line in path.read_text("utf-8", errors="replace").splitlines():
            if line.strip() and not line.startswith(("import ", "import\t", "#")) and "\0" not in line:
                yield site / line.strip()
    for path in sorted(site.glob("__editable__*_finder.py")):
        for found in _MAPPING.findall(path.read_text("utf-8", errors="replace")):
            for package in ast.literal_eval(found).values():
                yield Path(package).parent


def _untracked(repository: Path) -> list[Path]:
    """Files and folders that git does not hold, a folder without any of its files as one."""
    listed = git(repository, "ls-files", "--others", "--directory", "-z").stdout.split("\0")
    return [repository / name.rstrip("/") for name in listed if name]


def _link_packages(repository: Path, folder: Path) -> None:
    for path in _untracked(repository):
        compiled = path.name == "build" and any((path.parent / name).exists() for name in COMPILED_BY)
        target = folder / path.relative_to(repository)
        if path.name not in PACKAGES or compiled or target.exists() or not target.parent.is_dir():
            continue
        if path.name == "node_modules":
            _link_modules(path, target, repository, folder)
        else:
            target.symlink_to(path)


def _link_modules(modules: Path, target: Path, repository: Path, folder: Path) -> None:
    """Each package, since those of a workspace are links to the repository's own sources: they become the commit's."""
    target.mkdir()
    for path in modules.iterdir():
        if path.name.startswith("@") and not path.is_symlink():
            _link_modules(path, target / path.name, repository, folder)
            continue
        where = path.resolve()
        own = where.is_relative_to(repository.resolve()) and "node_modules" not in where.parts
        moved = _moved(where, repository, folder) if own else None
        (target / path.name).symlink_to(moved or path)
