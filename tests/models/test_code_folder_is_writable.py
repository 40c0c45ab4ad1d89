"""Where machine code is kept when the usual folder cannot be written."""

import os

import pytest

from forecast.errors import InputError
from forecast.models import choose_code_folder


def test_a_temporary_folder_is_used_where_the_home_cannot_be_written(tmp_path, monkeypatch):
    environment = {}
    monkeypatch.setenv("HOME", str(tmp_path))
    assert choose_code_folder(environment) is None
    assert environment == {}
    (tmp_path / "file").write_text("no folder can be made in a file")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    folder = choose_code_folder(environment)
    assert folder.stat().st_mode & 0o077 == 0
    assert environment == {"NUMBA_CACHE_DIR": str(folder)}
    # A container whose volume belongs to another user: Numba would not be imported.
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "file/numba")}
    folder = choose_code_folder(environment)
    assert environment == {"NUMBA_CACHE_DIR": str(folder)}


@pytest.mark.parametrize(
    ("mode", "said"), [(0o770, "written by others"), (0o707, "written by others"), (0o700, "another user")]
)
def test_a_named_folder_that_others_can_write_is_refused(tmp_path, monkeypatch, mode, said):
    folder = tmp_path / "code"
    folder.mkdir()
    folder.chmod(mode)
    environment = {"NUMBA_CACHE_DIR": str(folder)}
    with monkeypatch.context() as patch:
        if mode == 0o700:
            patch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
        with pytest.raises(InputError, match=rf"NUMBA_CACHE_DIR=.*code: the folder .*{said}.*0700"):
            choose_code_folder(environment)
    folder.chmod(0o700)
    assert choose_code_folder(environment) is None
    assert environment == {"NUMBA_CACHE_DIR": str(folder)}
