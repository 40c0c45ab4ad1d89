import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.config import settings_file
from forecast.config.settings_file import MAX_BYTES, MAX_VALUES, Position, parse_yaml, plain_scalar, read_yaml
from forecast.config.watchlist import MOST_DYADS, is_watchlist
from forecast.errors import ConfigError


def content(text: str) -> object:
    return parse_yaml(text, "f.yaml")[0]


@pytest.mark.parametrize("word", ["NO", "no", "on", "off", "yes", "Y", "n"])
def test_the_booleans_of_yaml_1_1_stay_text(word):
    assert content(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    "word", ["12:30", "12:30:00", "010", "0o17", "0x1F", "1_000", "2023-07-10", ".inf", "+"]
)
def test_times_octals_hexadecimals_and_dates_stay_text(word):
    assert content(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
    ],
)
def test_numbers_true_and_empty_are_read_as_such(word, value):
    read = content(f"a: {word}")["a"]
    assert (read, type(read)) == (value, type(value))


def test_a_number_too_long_to_be_meant_stays_text():
    assert plain_scalar("9" * 5000) == "9" * 5000
    assert plain_scalar("1e999") == "1e999"


@pytest.mark.parametrize("quoted", ['"12"', "'12'"])
def test_quotes_make_text(quoted):
    assert content(f"a: {quoted}") == {"a": "12"}


def test_keys_are_text_even_when_they_look_like_numbers():
    assert content("1: a\nno: b\nnull: c") == {"1": "a", "no": "b", "null": "c"}


def test_positions_are_those_of_the_keys_and_of_the_items():
    text = "top:\n  inner: 1\nlist:\n  - one\n  - {name: x,  date: y}\nflow: {a: [1, 2]}\n"
    positions = parse_yaml(text, "f.yaml")[1].places
    assert positions == {
        (): Position(1, 1),
        ("top",): Position(1, 1),
        ("top", "inner"): Position(2, 3),
        ("list",): Position(3, 1),
        ("list", 0): Position(4, 5),
        ("list", 1): Position(5, 5),
        ("list", 1, "name"): Position(5, 6),
        ("list", 1, "date"): Position(5, 16),
        ("flow",): Position(6, 1),
        ("flow", "a"): Position(6, 8),
        ("flow", "a", 0): Position(6, 12),
        ("flow", "a", 1): Position(6, 15),
    }


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"f.yaml:1:4: anchor '&a' is not allowed"),
        ("a: *b", r"f.yaml:1:4: alias '\*b' is not allowed"),
        ("&k a: 1", r"f.yaml:1:1: anchor '&k' is not allowed"),
        ("a: !!python/object/apply:os.system [ls]", r"f.yaml:1:4: tag '!!python/object/apply:os.system'"),
        ("a: ! 12", r"f.yaml:1:4: tag '!' is not allowed"),
        ("a: 1\n---\nb: 2", r"f.yaml:2:1: a second document"),
        ("a: {b: 1,\n b: 2}", r"f.yaml:2:2: a.b: duplicate key, already set on line 1; keep one"),
        ("x: [1]\n'x': 2", r"f.yaml:2:1: x: duplicate key, already set on line 1"),
        ("{[1]: 2}", r"f.yaml:1:2: a list or mapping cannot be a key"),
        ("a: b: c", r"f.yaml:1:5: not valid YAML: .*put text that holds ': ' in quotes"),
        ("a:\n\t- 1", r"f.yaml:2:1: not valid YAML: .*indent with spaces, not tabs"),
        ("a: [1, 2", r"f.yaml:1:9: not valid YAML: .*closing brackets"),
        ("a: @x", r"f.yaml:1:4: not valid YAML: .*in quotes"),
        ("a: 1\nb\nc: 1", r"f.yaml:3:1: not valid YAML: .*is a colon or a closing quote missing"),
        ("a: 'x", r"f.yaml:1:6: not valid YAML: .*check quotes"),
        ("a: 1\nb: x\x01", r"f.yaml:2:5: control character U\+0001"),
        ("a: " + "[" * 3000, r"f.yaml:1:23: nested more than 20 levels deep"),
        ("", r"f.yaml:1:1: the file is empty"),
        ("# only a comment\n", r"f.yaml:1:1: the file is empty"),
        ("---\n", r"f.yaml:1:1: the file is empty"),
    ],
)
def test_what_is_refused_is_one_error_with_its_place(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_yaml(text, "f.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: 1\0\xff", "bytes.yaml:1: byte 0xff is not UTF-8"),
        (b"a: 1\0", r"bytes.yaml:1:5: control character U\+0000 is not allowed"),
        (b"a: 1\nb: \xe9\n", r"bytes.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "bytes.yaml:1: byte 0xff is not UTF-8"),
        (b"a: " + b"x" * MAX_BYTES, "larger than 1,000,000 bytes"),
        (b"", "the file is empty"),
    ],
)
def test_files_that_are_not_a_small_utf8_text_are_refused(tmp_path, raw, message):
    path = tmp_path / "bytes.yaml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)


def test_a_file_of_more_keys_than_allowed_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(settings_file, "MAX_VALUES", 10)
    assert len(content("".join(f"k{key}: 1\n" for key in range(4)))) == 4
    # What comes after the tenth is not looked at, so that its fault is not the one that is told.
    with pytest.raises(ConfigError, match=r"^f\.yaml:5:5: more than 10 keys and values"):
        content("".join(f"k{key}: 1\n" for key in range(20)) + "a: *b\n")


def test_the_longest_watchlist_has_no_more_keys_than_allowed(monkeypatch, tmp_path):
    """A hundredth of it stands for all, with a hundredth of what is allowed."""
    monkeypatch.setattr(settings_file, "MAX_VALUES", MAX_VALUES // 100)
    dyads = (f"  - {{a: A{n}, b: B{n}, name: d{n}, label: Dyad {n}}}\n" for n in range(MOST_DYADS // 100))
    path = tmp_path / "list.yaml"
    path.write_text("name: long\nevents: [e.csv]\ndyads:\n" + "".join(dyads))
    assert is_watchlist(path)


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbfa: 1\n", b"a: 1\r\n", b"a: 1"])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path, raw):
    path = tmp_path / "f.yaml"
    path.write_bytes(raw)
    content, source = read_yaml(path)
    assert content == {"a": 1}
    assert source.places["a",] == Position(1, 1)


def test_a_missing_file_names_its_nearest_neighbour(tmp_path):
    (tmp_path / "us-china.yaml").write_text("a: 1")
    wrong = tmp_path / "us-chian.yaml"
    expected = f"{wrong}: no such file. Did you mean '{tmp_path / 'us-china.yaml'}'?"
    with pytest.raises(ConfigError, match=re.escape(expected)):
        read_yaml(wrong)
    with pytest.raises(ConfigError, match="no such file"):
        read_yaml(Path(tmp_path / "nowhere" / "a.yaml"))


def test_a_folder_is_not_a_config(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_one_clear_error(text):
    outcome = refusal(text)
    assert outcome is None or outcome.startswith("f.yaml:")


def refusal(text: str) -> str | None:
    try:
        parse_yaml(text, "f.yaml")
    except ConfigError as error:
        return str(error)
    return None
