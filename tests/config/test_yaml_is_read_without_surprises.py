"""YAML is read as plain data with the place of every key, or refused with the place and what to do."""

import re

import pytest

from forecast.config import settings_file
from forecast.config.settings_file import MAX_BYTES, MAX_VALUES, Position, parse_yaml, plain_scalar, read_yaml
from forecast.config.watchlist import MOST_DYADS, is_watchlist
from forecast.errors import ConfigError


def content(text: str) -> object:
    return parse_yaml(text, "f.yaml")[0]


def test_words_mean_what_the_json_schema_of_yaml_says():
    stay = ["NO", "on", "off", "yes", "Y", "12:30", "12:30:00", "010", "0o17", "0x1F", "1_000", "2023-07-10"]
    stay += [".inf", "+", "1e999", "9" * 5000]
    assert [plain_scalar(word) for word in stay] == stay
    turn = {"12": 12, "-3": -3, "0": 0, "0.5": 0.5, ".5": 0.5, "1e3": 1000.0, "true": True, "~": None}
    read = [plain_scalar(word) for word in turn]
    assert read == [*turn.values()]
    assert [*map(type, read)] == [*map(type, turn.values())]
    assert content("a: \"12\"\nb: '12'\n1: a\nno: b\nnull: c") == {
        "a": "12",
        "b": "12",
        "1": "a",
        "no": "b",
        "null": "c",
    }


def test_positions_are_those_of_the_keys_and_of_the_items():
    text = "top:\n  inner: 1\nlist:\n  - one\n  - {name: x,  date: y}\nflow: {a: [1, 2]}\n"
    assert parse_yaml(text, "f.yaml")[1].places == {
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
        (BOMB, r"1:4: anchor '&a' is not allowed"),
        ("a: *b", r"1:4: alias '\*b' is not allowed"),
        ("&k a: 1", r"1:1: anchor '&k' is not allowed"),
        ("a: !!python/object/apply:os.system [ls]", r"1:4: tag '!!python/object/apply:os.system'"),
        ("a: ! 12", r"1:4: tag '!' is not allowed"),
        ("a: 1\n---\nb: 2", r"2:1: a second document"),
        ("a: {b: 1,\n b: 2}", r"2:2: a.b: duplicate key, already set on line 1; keep one"),
        ("x: [1]\n'x': 2", r"2:1: x: duplicate key, already set on line 1"),
        ("{[1]: 2}", r"1:2: a list or mapping cannot be a key"),
        ("a: b: c", r"1:5: not valid YAML: .*put text that holds ': ' in quotes"),
        ("a:\n\t- 1", r"2:1: not valid YAML: .*indent with spaces, not tabs"),
        ("a: [1, 2", r"1:9: not valid YAML: .*closing brackets"),
        ("a: @x", r"1:4: not valid YAML: .*in quotes"),
        ("a: 1\nb\nc: 1", r"3:1: not valid YAML: .*is a colon or a closing quote missing"),
        ("a: 'x", r"1:6: not valid YAML: .*check quotes"),
        ("a: 1\nb: x\x01", r"2:5: control character U\+0001"),
        ("a: " + "[" * 3000, r"1:23: nested more than 20 levels deep"),
        ('a: "\\ud800"', r"1:4: '\\ud800' is half of a sign, which no file can hold"),
        ("", r"1:1: the file is empty"),
        ("# only a comment\n", r"1:1: the file is empty"),
        ("---\n", r"1:1: the file is empty"),
    ],
)
def test_what_is_refused_is_one_error_with_its_place(text, message):
    with pytest.raises(ConfigError, match=f"^f.yaml:{message}") as caught:
        parse_yaml(text, "f.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: 1\0\xff", "f.yaml:1: byte 0xff is not UTF-8"),
        (b"a: 1\0", r"f.yaml:1:5: control character U\+0000 is not allowed"),
        (b"a: 1\nb: \xe9\n", r"f.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "f.yaml:1: byte 0xff is not UTF-8"),
        (b"a: " + b"x" * MAX_BYTES, "larger than 1,000,000 bytes"),
        (b"- a\n", r"f.yaml:1:1: got a list; expected 'key: value' lines"),
        (b"just words\n", r"f.yaml:1:1: got 'just words'; expected 'key: value' lines"),
    ],
)
def test_files_that_are_no_small_utf8_text_of_keys_are_refused(tmp_path, raw, message):
    (tmp_path / "f.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=message):
        read_yaml(tmp_path / "f.yaml")


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
    (tmp_path / "f.yaml").write_bytes(raw)
    values, source = read_yaml(tmp_path / "f.yaml")
    assert (values, source.places["a",]) == ({"a": 1}, Position(1, 1))


def test_a_file_that_is_not_there_names_its_nearest_neighbour(tmp_path):
    (tmp_path / "us-china.yaml").write_text("a: 1")
    wrong = tmp_path / "us-chian.yaml"
    near = f"{wrong}: no such file. Did you mean '{tmp_path / 'us-china.yaml'}'?"
    for path, message in (
        (wrong, re.escape(near)),
        (tmp_path / "nowhere" / "a.yaml", "no such file. 'forecast new"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_yaml(path)
