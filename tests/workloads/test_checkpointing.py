"""No process that ends, wherever it is, leaves a checkpoint that is loaded by mistake or takes a finished one away."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import spot_drill
from workloads.toolkit.checkpointing import MAGIC, Checkpoints


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_state_comes_back_and_only_so_many_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "new", keep=2)
    assert checkpoints.restore() is None
    for step in range(1, 6):
        checkpoints.save(step, f"state {step}".encode())
    assert checkpoints.restore() == (5, b"state 5")
    assert names(tmp_path / "new") == ["step-00000004.checkpoint", "step-00000005.checkpoint"]
    with pytest.raises(ValueError, match="keep is 0"):
        Checkpoints(tmp_path, keep=0)


def test_a_step_saved_again_replaces_itself_and_steps_order_by_number(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step, state in ((99_999_999, b"old"), (100_000_000, b"new"), (100_000_000, b"newer")):
        checkpoints.save(step, state)
    assert checkpoints.restore() == (100_000_000, b"newer")


def test_what_s3_brought_back_half_written_is_passed_over_and_swept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, b"one")
    whole = (tmp_path / "step-00000001.checkpoint").read_bytes()
    (tmp_path / "step-00000002.checkpoint.part").write_bytes(whole)  # even if every byte is there
    (tmp_path / "step-00000003.checkpoint").write_bytes(whole[:-1])
    (tmp_path / "step-00000004.checkpoint").write_bytes(b"")
    (tmp_path / "alerts").mkdir()
    assert checkpoints.restore() == (1, b"one")
    checkpoints.save(2, b"two")
    assert checkpoints.restore() == (2, b"two")
    assert not list(tmp_path.glob("*.part"))


@settings(max_examples=200, deadline=None)
@given(state=st.binary(max_size=300), data=st.data())
def test_no_cut_and_no_flipped_bit_is_ever_loaded(
    tmp_path_factory: pytest.TempPathFactory, state: bytes, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("bits")
    checkpoints = Checkpoints(folder)
    checkpoints.save(1, b"first")
    checkpoints.save(2, state)
    newest = folder / "step-00000002.checkpoint"
    content = newest.read_bytes()
    assert content.startswith(MAGIC)
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        content = content[:at] + bytes([content[at] ^ 1 << data.draw(st.integers(0, 7))]) + content[at + 1 :]
    newest.write_bytes(content)
    assert checkpoints.restore() == (1, b"first")
    shutil.rmtree(folder)


def test_killed_at_random_points_it_loses_no_finished_epoch_and_loads_nothing_half_written(tmp_path: Path) -> None:
    """200 times; 2,000 with `SLUICE_PROFILE=nightly`."""
    drill = spot_drill.drill(spot_drill.KILLS, tmp_path)
    assert drill.kills >= spot_drill.KILLS
    assert (drill.lost_epochs, drill.half_written_loaded) == (0, 0)


class Hasty(Checkpoints):
    """Writes under the final name, and does not wait for the disk."""

    def _write(self, path: Path, content: bytes) -> None:
        file = self._disk.open(path.with_suffix(""), 0o1101, 0o644)
        self._disk.write(file, content)
        self._disk.close(file)
        shutil.copyfile(path.with_suffix(""), path)


class Trusting(Hasty):
    """And believes whatever is there."""

    def restore(self) -> tuple[int, bytes] | None:
        steps = sorted(self._steps())
        return (steps[-1][0], steps[-1][1].read_bytes()[len(MAGIC) + 32 :]) if steps else None


class Forgetful(Checkpoints):
    """Does not wait until the disk has the new name."""

    def _sync(self, folder: Path) -> None: ...


@pytest.mark.parametrize(
    ("careless", "harm"),
    [(Hasty, "lost_epochs"), (Trusting, "half_written_loaded"), (Forgetful, "lost_epochs")],
)
def test_the_drill_finds_a_careless_writer(tmp_path: Path, careless: type[Checkpoints], harm: str) -> None:
    assert getattr(spot_drill.drill(30, tmp_path, careless), harm) > 0
