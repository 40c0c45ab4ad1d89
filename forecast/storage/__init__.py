"""Every file and folder that the program writes: built aside, synced, moved into place by one rename.

``leavings``   temporary names, and what dead processes left under them
``claims``     one writer a place
``files``      a file, whole or as before
``folders``    a folder, whole or as before
``scratch``   temporary folders outside the results
``kept_rows``   finished rows of a long computation, so that it can go on
"""

from forecast.storage.claims import claim
from forecast.storage.files import copy_file, new_file, new_text, sync_file, sync_folder, write_file
from forecast.storage.folders import amended_folder, new_folder
from forecast.storage.leavings import remove_leavings
from forecast.storage.reading import content_of, open_plain, read_json, read_plain
from forecast.storage.scratch import scratch_folder

__all__ = [
    "amended_folder",
    "claim",
    "content_of",
    "copy_file",
    "new_file",
    "new_folder",
    "new_text",
    "open_plain",
    "read_json",
    "read_plain",
    "remove_leavings",
    "scratch_folder",
    "sync_file",
    "sync_folder",
    "write_file",
]
