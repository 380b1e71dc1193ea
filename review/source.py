"""The two sides of a review, as the user names them: a folder that `cdk synth` wrote, `.`, or a git ref."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from review.application import SourceError, Synthesis, git, has_application
from review.cloud_assembly import Assembly, read
from review.interruption import Interruption
from review.model import Side
from review.worktree import checked_out, python_path

__all__ = ["Opened", "SourceError", "open_side", "open_sides"]

PREFIX = "sluice-review-"
# What decides which packages an application runs with.
LOCKS = ("*requirements*.txt", "*.lock", "package-lock.json", "package.json", "pyproject.toml", "pnpm-lock.yaml")


@dataclass(frozen=True)
class Opened:
    """One side. Its assembly's files are there as long as the side is open."""

    side: Side
    assembly: Assembly
    notes: tuple[str, ...] = ()
    """What to know of how it was made; what could not be read of it is among the assembly's own notes."""


@dataclass
class _Asked:
    side: Side
    root: Path
    """From which lines of code are named."""
    folder: Path | Synthesis
    notes: tuple[str, ...] = ()
    made_in: Path | None = None

    def opened(self) -> Opened:
        folder = self.folder.finish() if isinstance(self.folder, Synthesis) else self.folder
        return Opened(self.side, read(folder, self.root, self.made_in), self.notes)


@contextmanager
def open_side(text: str, here: Path | None = None) -> Iterator[Opened]:
    """What `text` names, seen from the folder `here`. Raises AssemblyError, of which SourceError is one."""
    with _opened((text,), here) as found:
        yield found[0]


@contextmanager
def open_sides(base: str, head: str, here: Path | None = None) -> Iterator[tuple[Opened, Opened]]:
    """Both, synthesized at the same time where they have to be. Raises AssemblyError."""
    with _opened((base, head), here) as found:
        yield found[0], found[1]


@contextmanager
def _opened(texts: tuple[str, ...], here: Path | None) -> Iterator[list[Opened]]:
    place = (here or Path.cwd()).absolute()
    with Interruption() as interruption:
        stack = ExitStack()
        try:
            with interruption.held():
                scratch = Path(stack.enter_context(TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)))
                asked = [_asked(text, place, scratch / str(n), stack) for n, text in enumerate(texts)]
            yield [each.opened() for each in asked]
        finally:
            interruption.over()
            stack.close()


def _asked(text: str, here: Path, scratch: Path, stack: ExitStack) -> _Asked:
    """Starts whatever has to run for it."""
    scratch.mkdir()
    folder = here / text
    if (folder / "manifest.json").is_file():
        return _Asked(Side(name=text), _top(folder) or here, folder)
    if has_application(folder):
        running = _run(text, folder, scratch / "cdk.out", {}, stack)
        return _Asked(Side(name=text, commit=_state(folder)), _top(folder) or folder, running, made_in=folder)
    if text in ("", ".") or text.endswith("/"):
        raise SourceError(f"{folder} has no cdk.json: go to the folder of the CDK application, or name a cdk.out")
    commit = _commit(text, here)
    top = _top(here)
    assert top  # _commit has found the repository
    tree = stack.enter_context(checked_out(top, commit, scratch / "tree"))
    inner = here.resolve().relative_to(top.resolve())
    if not has_application(tree / inner):
        raise SourceError(
            f"{text} has no {inner / 'cdk.json'}: go to the folder of the CDK application as that commit has it, or "
            "name the cdk.out that was synthesized from it"
        )
    path = python_path(top, tree)
    running = _run(text, tree / inner, scratch / "cdk.out", {"PYTHONPATH": path} if path else {}, stack)
    return _Asked(Side(name=text, commit=commit), tree, running, _about_packages(text, top, commit), tree / inner)


def _run(name: str, folder: Path, outdir: Path, more: dict[str, str], stack: ExitStack) -> Synthesis:
    running = Synthesis(name, folder, outdir, more)
    stack.callback(running.end)
    return running


def _top(folder: Path) -> Path | None:
    found = git(folder, "rev-parse", "--show-toplevel")
    return Path(found.stdout.rstrip("\n")) if found.returncode == 0 else None


def _commit(ref: str, here: Path) -> str:
    """Of a ref, or of the branch of that name that was fetched."""
    if not _top(here):
        raise SourceError(
            f"{ref} is no folder with a cdk.json or a manifest.json, and {here} is in no git repository: synthesize it "
            f"with `cdk synth --output {ref}`, or go to the repository"
        )
    for name in (ref, f"origin/{ref}"):
        found = git(here, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.returncode == 0:
            return found.stdout.strip()
    if (here / ref).exists():
        raise SourceError(
            f"{ref} is no commit, branch or tag, and holds neither the manifest.json that `cdk synth` writes nor a "
            "cdk.json: name the cdk.out itself, or the application's folder"
        )
    if Path(ref).is_absolute():
        raise SourceError(f"{ref} is not there: write it with `cdk synth --output {ref}`")
    raise SourceError(
        f"{ref} is neither a commit, branch or tag that is here, nor a folder that `cdk synth` wrote: type "
        f"`git fetch --depth 1 origin {ref}` and name FETCH_HEAD, or `cdk synth --output {ref}`"
    )


def _state(folder: Path) -> str:
    """The working tree's commit, with `-dirty` after it where files differ from it; empty outside a repository."""
    found = git(folder, "rev-parse", "HEAD")
    if found.returncode:
        return ""
    changed = git(folder, "status", "--porcelain", "--untracked-files=normal").stdout
    return found.stdout.strip() + ("-dirty" if changed else "")


def _about_packages(name: str, top: Path, commit: str) -> tuple[str, ...]:
    notes = []
    if changed := git(top, "diff", "--name-only", commit, "--", *LOCKS).stdout.split():
        notes.append(f"{name} was synthesized with the working tree's packages, though {', '.join(changed[:3])} differ")
    if git(top, "cat-file", "-e", f"{commit}:.gitmodules").returncode == 0:
        notes.append(f"{name} was synthesized without its submodules, which are not checked out for a review")
    return tuple(notes)
