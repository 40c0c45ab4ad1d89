"""Files and folders: ``files`` writes them whole or not at all, ``reading`` reads those of others."""

from forecast.storage.files import amended_folder as amended_folder
from forecast.storage.files import copy_file as copy_file
from forecast.storage.files import locked as locked
from forecast.storage.files import new_file as new_file
from forecast.storage.files import new_folder as new_folder
from forecast.storage.files import new_text as new_text
from forecast.storage.files import remove_stale as remove_stale
from forecast.storage.files import scratch_folder as scratch_folder
from forecast.storage.files import sync_file as sync_file
from forecast.storage.files import write_file as write_file
from forecast.storage.reading import content_of as content_of
from forecast.storage.reading import open_plain as open_plain
from forecast.storage.reading import read_json as read_json
from forecast.storage.reading import read_plain as read_plain
