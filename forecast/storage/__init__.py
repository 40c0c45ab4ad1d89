"""Every file and folder that the program writes: built aside, synced, moved into place by one rename.

``locks``      one writer a place; temporary names, and what dead processes left under them
``files``      a file or a folder, whole or as before; temporary folders outside the results
``reading``    files of others, up to a size
``sheets``     CSV sheets that people fill in
"""

from forecast.storage.files import (
    amended_folder,
    copy_file,
    new_file,
    new_folder,
    new_text,
    scratch_folder,
    sync_file,
    sync_folder,
    write_file,
)
from forecast.storage.locks import locked, remove_stale
from forecast.storage.reading import content_of, open_plain, read_json, read_plain

__all__ = [
    "amended_folder",
    "content_of",
    "copy_file",
    "locked",
    "new_file",
    "new_folder",
    "new_text",
    "open_plain",
    "read_json",
    "read_plain",
    "remove_stale",
    "scratch_folder",
    "sync_file",
    "sync_folder",
    "write_file",
]
