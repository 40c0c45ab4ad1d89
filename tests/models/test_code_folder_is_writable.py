"""Where machine code is kept when the usual folders cannot be written."""

import os
import stat
from pathlib import Path

import pytest

from forecast.errors import InputError
from forecast.models import choose_code_folder


@pytest.fixture
def home(monkeypatch):
    def set_home(folder: Path) -> None:
        monkeypatch.setenv("HOME", str(folder))

    return set_home


def test_a_writable_home_changes_nothing(tmp_path, home):
    home(tmp_path)
    environment = {"PYTENSOR_FLAGS": "floatX=float64"}
    assert choose_code_folder(environment) is None
    assert environment == {
        "PYTENSOR_FLAGS": f"floatX=float64,generated_src_dir={tmp_path / '.pytensor/sources'}"
    }
    assert stat.S_IMODE((tmp_path / ".pytensor").stat().st_mode) == 0o700


def test_a_home_that_cannot_be_written_gives_a_private_temporary_folder(tmp_path, home):
    (tmp_path / "file").write_text("no folder can be made in a file")
    home(tmp_path / "file")
    environment = {"PYTENSOR_FLAGS": "floatX=float64"}
    folder = choose_code_folder(environment)
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    assert environment["PYTENSOR_FLAGS"] == (
        f"floatX=float64,base_compiledir={folder},generated_src_dir={folder / 'sources'}"
    )
    assert environment["NUMBA_CACHE_DIR"] == str(folder / "kernels")


def test_a_writable_folder_that_is_named_is_used_for_all(tmp_path, home):
    (tmp_path / "file").write_text("")
    home(tmp_path / "file")
    environment = {"PYTENSOR_FLAGS": f"floatX=float64,base_compiledir={tmp_path / 'code'}"}
    assert choose_code_folder(environment) is None
    assert environment["NUMBA_CACHE_DIR"] == str(tmp_path / "code" / "kernels")


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
@pytest.mark.parametrize("setting", ["base_compiledir", "NUMBA_CACHE_DIR"])
def test_a_named_folder_that_others_can_write_is_refused(tmp_path, home, setting, mode):
    home(tmp_path)
    folder = tmp_path / "code"
    folder.mkdir()
    folder.chmod(mode)
    environment = {"PYTENSOR_FLAGS": f"base_compiledir={folder}"}
    if setting == "NUMBA_CACHE_DIR":
        environment = {setting: str(folder)}
    with pytest.raises(InputError, match=rf"{setting}=.*code: the folder can be written by others.*0700"):
        choose_code_folder(environment)
    folder.chmod(0o700)
    assert choose_code_folder(environment) is None


def test_a_named_folder_of_another_user_is_refused(tmp_path, home, monkeypatch):
    home(tmp_path)
    folder = tmp_path / "code"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(InputError, match="belongs to another user"):
        choose_code_folder({"PYTENSOR_FLAGS": f"base_compiledir={folder}"})


def test_the_usual_folder_is_left_alone_when_others_can_write_it(tmp_path, home, caplog):
    home(tmp_path)
    (tmp_path / ".pytensor").mkdir()
    (tmp_path / ".pytensor").chmod(0o777)
    environment = {}
    folder = choose_code_folder(environment)
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    assert environment["NUMBA_CACHE_DIR"] == str(folder / "kernels")
    assert "chmod 700" in caplog.text
