"""Where machine code is kept when the usual folders cannot be written."""

import os
import stat
from pathlib import Path

import pytest

from forecast.errors import InputError
from forecast.models import choose_code_folder

SETTINGS = {
    "base_compiledir": lambda folder: {"PYTENSOR_FLAGS": f"base_compiledir={folder}"},
    "NUMBA_CACHE_DIR": lambda folder: {"NUMBA_CACHE_DIR": str(folder)},
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that can be written, or one in which no folder can be made."""

    def set_home(*, writable: bool = True) -> Path:
        folder = tmp_path if writable else tmp_path / "file"
        if not writable:
            folder.write_text("no folder can be made in a file")
        monkeypatch.setenv("HOME", str(folder))
        return folder

    return set_home


def assert_private(folder: Path | None, environment: dict) -> None:
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    assert environment["NUMBA_CACHE_DIR"] == str(folder / "kernels")


def test_a_writable_home_changes_nothing(home):
    folder, environment = home(), {"PYTENSOR_FLAGS": "floatX=float64"}
    assert choose_code_folder(environment) is None
    assert environment == {
        "PYTENSOR_FLAGS": f"floatX=float64,generated_src_dir={folder / '.pytensor/sources'}"
    }
    assert stat.S_IMODE((folder / ".pytensor").stat().st_mode) == 0o700


def test_a_home_that_cannot_be_written_gives_a_private_temporary_folder(home):
    home(writable=False)
    environment = {"PYTENSOR_FLAGS": "floatX=float64"}
    folder = choose_code_folder(environment)
    assert_private(folder, environment)
    assert environment["PYTENSOR_FLAGS"] == (
        f"floatX=float64,base_compiledir={folder},generated_src_dir={folder / 'sources'}"
    )


def test_a_writable_folder_that_is_named_is_used_for_all(tmp_path, home):
    home(writable=False)
    environment = {"PYTENSOR_FLAGS": f"floatX=float64,base_compiledir={tmp_path / 'code'}"}
    assert choose_code_folder(environment) is None
    assert environment["NUMBA_CACHE_DIR"] == str(tmp_path / "code" / "kernels")


@pytest.mark.parametrize(
    ("setting", "mode", "said"),
    [
        *((name, mode, "can be written by others.*0700") for name in SETTINGS for mode in (0o770, 0o707)),
        ("NUMBA_CACHE_DIR", 0o700, "belongs to another user"),
    ],
)
def test_a_named_folder_that_others_can_write_is_refused(tmp_path, home, monkeypatch, setting, mode, said):
    home()
    folder = tmp_path / "code"
    folder.mkdir()
    folder.chmod(mode)
    environment = SETTINGS[setting](folder)
    with monkeypatch.context() as patch:
        if mode == 0o700:
            patch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
        with pytest.raises(InputError, match=rf"{setting}=.*code: the folder .*{said}|{said}"):
            choose_code_folder(environment)
    folder.chmod(0o700)
    assert choose_code_folder(environment) is None


def test_the_usual_folder_is_left_alone_when_others_can_write_it(home, caplog):
    usual, environment = home() / ".pytensor", {}
    usual.mkdir()
    usual.chmod(0o777)
    assert_private(choose_code_folder(environment), environment)
    assert "chmod 700" in caplog.text
