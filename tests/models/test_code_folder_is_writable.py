"""Where machine code is kept when the usual folders cannot be written."""

from pathlib import Path

import pytest

from forecast.models.code_folder import choose_code_folder


@pytest.fixture
def home(monkeypatch):
    def set_home(folder: Path) -> None:
        monkeypatch.setenv("HOME", str(folder))

    return set_home


def test_a_writable_home_changes_nothing(tmp_path, home):
    home(tmp_path)
    environment = {"PYTENSOR_FLAGS": "floatX=float64"}
    assert choose_code_folder(environment) is None
    assert environment == {"PYTENSOR_FLAGS": "floatX=float64"}


def test_a_home_that_cannot_be_written_gives_a_private_temporary_folder(tmp_path, home):
    (tmp_path / "file").write_text("no folder can be made in a file")
    home(tmp_path / "file")
    environment = {"PYTENSOR_FLAGS": "floatX=float64"}
    folder = choose_code_folder(environment)
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    assert environment["PYTENSOR_FLAGS"] == f"floatX=float64,base_compiledir={folder}"
    assert environment["NUMBA_CACHE_DIR"] == str(folder / "kernels")


def test_a_writable_folder_that_is_named_is_used_for_all(tmp_path, home):
    (tmp_path / "file").write_text("")
    home(tmp_path / "file")
    environment = {"PYTENSOR_FLAGS": f"floatX=float64,base_compiledir={tmp_path / 'code'}"}
    assert choose_code_folder(environment) is None
    assert environment["NUMBA_CACHE_DIR"] == str(tmp_path / "code" / "kernels")
