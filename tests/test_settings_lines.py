"""The line of every key: by hand, then in made-up files of every style; tomllib says which keys there are."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment_toolkit.settings.lines import key_lines, line_of

BY_HAND = '''\
# a comment with [brackets] and = signs
top = 1
[company]
name = "Acme # no comment"   # [not] a header
dotted.key.deep = 2
"quoted key" . 'other one' = 3

[tables.leads.columns]
channel = { from = "Source", map = { "Google Ads" = "paid", "a.b" = "x" }, nulls = ["[", "}"] }
many = [
  "one",  # first
  { a = 1 },
  [ 2,
    3 ],
]
text = """
[fake]
key = 1 \\"""
"""
lit = \'\'\'
[fake]\'\'\'
after = 1979-05-27 07:32:00
[[tables.leads.union]]
from = "a.csv"
[[tables.leads.union]]
from = "b.csv"
[tables.leads.union.columns]
x = "y"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("company",), 3),
        (("company", "name"), 4),
        (("company", "dotted", "key", "deep"), 5),
        (("company", "quoted key", "other one"), 6),
        (("tables",), 8),
        (("tables", "leads", "columns", "channel", "map", "Google Ads"), 9),
        (("tables", "leads", "columns", "channel", "map", "a.b"), 9),
        (("tables", "leads", "columns", "channel", "nulls", 1), 9),
        (("tables", "leads", "columns", "many"), 10),
        (("tables", "leads", "columns", "many", 0), 11),
        (("tables", "leads", "columns", "many", 1, "a"), 12),
        (("tables", "leads", "columns", "many", 2, 1), 14),
        (("tables", "leads", "columns", "text"), 16),
        (("tables", "leads", "columns", "lit"), 20),
        (("tables", "leads", "columns", "after"), 22),
        (("tables", "leads", "union", 0, "from"), 24),
        (("tables", "leads", "union", 1), 25),
        (("tables", "leads", "union", 1, "columns", "x"), 28),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_by_hand(path, line, newline):
    text = BY_HAND.replace("\n", newline)
    tomllib.loads(text)
    assert key_lines(text)[path] == line


def test_a_path_that_is_not_written_has_the_line_of_what_is_above_it():
    lines = key_lines(BY_HAND)
    assert line_of(lines, ("company", "currency")) == 3
    assert line_of(lines, ("tables", "leads", "union", 5, "from")) == 23
    assert line_of(lines, ("privacy", "names")) is None
    assert not any("fake" in path for path in lines)


# --- made-up files -------------------------------------------------------------------------------------------------

words = st.sampled_from(
    ["a", "b-c", "d_e", "1", "x.y", "#", "[z]", "=", 'q"q', "it's", " ", "", "é", "k\\", "}", ","]
)
# Every number is written once, so that its place in the text says on which line it should be.
leaves = st.just("leaf")
trees = st.dictionaries(
    words,
    st.recursive(
        leaves,
        lambda inner: (
            st.dictionaries(words, inner, max_size=4)
            | st.lists(inner, max_size=3)
            | st.lists(st.dictionaries(words, inner, max_size=3), min_size=1, max_size=3)
        ),
        max_leaves=12,
    ),
    max_size=5,
)
NOISE = ["", "# [x] = 1", "\t# \"\"\" '''", "  "]
TRICKY = [
    '"""\n[n]\nk = 1\n\\""""""',
    "'''\n]\n# '' '''",
    '"a # \\" ]"',
    "'\"'",
    "1e3",
    "1979-05-27 07:32:00",
    "true",
    "0x1F",
]


class Writer:
    """Writes a tree in a style that is drawn: headers, dotted keys, inline tables, lists over several lines."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.number = 1000

    def pick(self, *choices):
        return self.data.draw(st.sampled_from(choices))

    def key(self, word: str) -> str:
        bare = word and all(c.isascii() and (c.isalnum() or c in "-_") for c in word)
        forms = [json.dumps(word, ensure_ascii=False)]
        forms += [word] if bare else []
        forms += [f"'{word}'"] if "'" not in word else []
        return self.pick(*forms)

    def leaf(self) -> str:
        self.number += 1
        return str(self.number)

    def inline(self, node) -> str:
        if node == "leaf":
            return self.leaf()
        if isinstance(node, list):
            gap = self.pick("", " ", "\n", " # [c], }\n  ")
            items = [f"{gap}{self.inline(item)}" for item in node]
            return f"[{','.join(items)}{',' if items and self.pick(True, False) else ''}{gap}]"
        return "{" + ", ".join(f"{self.key(k)} = {self.inline(v)}" for k, v in node.items()) + "}"

    def body(self, node: dict, above: list[str]) -> str:
        now, later = [], []
        for word, value in node.items():
            key = self.key(word)
            now += [self.pick(*NOISE)] if self.pick(True, False, False) else []
            tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if isinstance(value, dict) and self.pick(True, False):
                later.append(
                    f"[{self.pick('', ' ')}{'.'.join([*above, key])}] # ]\n{self.body(value, [*above, key])}"
                )
            elif tables and self.pick(True, False):
                for item in value:
                    later.append(f"[[{' . '.join([*above, key])} ]]\n{self.body(item, [*above, key])}")
            elif isinstance(value, dict) and value and self.pick(True, False):
                now += [
                    f"{key}{self.pick('.', ' . ')}{self.key(k)} = {self.inline(v)}" for k, v in value.items()
                ]
            else:
                now.append(f"{key}{self.pick('=', ' = ')}{self.inline(value)}{self.pick('', ' # c = [')}")
        if self.pick(True, False, False):
            now.append(f"tricky = {self.pick(*TRICKY)}")
        return "\n".join([*now, *later])


def paths(node, above=()):
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*above, key), value
        if isinstance(value, (dict, list)):
            yield from paths(value, (*above, key))


@given(trees, st.data())
def test_every_key_of_a_made_up_file_has_its_line(tree, data):
    text = Writer(data).body(tree, []) + "\n"
    found = list(paths(tomllib.loads(text)))
    lines = key_lines(text)
    assert set(lines) == {path for path, _ in found}
    for path, value in found:
        if type(value) is int and value > 1000:
            assert lines[path] == text[: text.index(str(value))].count("\n") + 1
        assert lines[path] >= max((lines[path[:n]] for n in range(1, len(path))), default=1)


def test_the_longest_file_takes_no_time():
    text = "\n".join(
        f'[tables."t{n}".columns]\nc = {{ from = "x", map = {{ "a" = "b" }} }}' for n in range(5000)
    )
    lines = key_lines(text)
    assert lines["tables", "t4999", "columns", "c", "map", "a"] == 10000
