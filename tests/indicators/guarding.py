"""A guard fires here and keeps quiet there: what a test says of it, and which guards no test has spoken of."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


def fires(owner: str, guard: str, seen: Any, said: str = "") -> None:
    """Claim that a guard of `owner` (an indicator, or a part of the kind) fires; `said` tells two of one name apart."""
    told = [(g.guard, g.message) for g in seen.guards]
    assert any(name == guard and said in message for name, message in told), (owner, guard, said, told)


def quiet(owner: str, guard: str, seen: Any, said: str = "") -> None:
    """Claim that it does not fire."""
    told = [(g.guard, g.message) for g in seen.guards]
    assert not any(name == guard and said in message for name, message in told), (owner, guard, said, told)


@dataclass(frozen=True)
class Site:
    """One place in the code at which a guard is made, and what it says there."""

    owner: str
    guard: str
    says: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.owner} {self.guard} {self.says[:1]}"


def sites(owner: str, source: str) -> tuple[Site, ...]:
    """Find the guards of one file: those made in it, and those that its shared parts make for it."""
    return tuple(dict.fromkeys(_sites(owner, source)))


def _sites(owner: str, source: str) -> Iterator[Site]:
    tree = ast.parse(source)
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        for call in (n for n in ast.walk(function) if isinstance(n, ast.Call)):
            name = getattr(call.func, "id", "")
            if name == "Guard":
                yield Site(owner, _text(call.args[0]), tuple(_said(call, function)))
            elif name == "left_out":
                yield Site(owner, "join_health", ())
            elif name == "without_rate":
                yield Site(owner, "join_health", ("has no rate in `rates`",))
            elif name == "without_amount":
                yield Site(owner, "join_health", ("have no amount",))
            elif name == "conversion":
                yield Site(owner, "small_cells", ())
            elif name in ("other_way", "unrecorded"):
                yield Site(owner, name, ())
            elif name == "between":
                yield Site(owner, "confounding", ("cannot be compared", "no more than may lie between"))


def _said(call: ast.Call, function: ast.FunctionDef) -> Iterator[str]:
    """Yield the texts of a guard; where the message is a name, what was last put under that name."""
    yield from (t for arg in call.args[1:] for t in _texts(arg))
    for name in (n.id for arg in call.args[1:] for n in ast.walk(arg) if isinstance(n, ast.Name)):
        made = [
            n
            for n in ast.walk(function)
            if isinstance(n, ast.Assign)
            and n.lineno < call.lineno
            and any(isinstance(t, ast.Name) and t.id == name for t in n.targets)
        ]
        if made:
            yield from _texts(max(made, key=lambda n: n.lineno).value)


def _texts(node: ast.AST) -> Iterator[str]:
    for n in ast.walk(node):
        if isinstance(n, ast.Constant) and isinstance(n.value, str):
            yield n.value


def _text(node: ast.AST) -> str:
    assert isinstance(node, ast.Constant), "the name of a guard is written out"
    assert isinstance(node.value, str)
    return node.value


def claims(source: str) -> Iterator[tuple[str, str, str, str]]:
    """Find what a file of tests claims: (fires or quiet, owner, guard, said)."""
    for call in (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call)):
        name = getattr(call.func, "id", "")
        if name in ("fires", "quiet"):
            said = next(
                (_text(v) for v in [*call.args[3:], *(k.value for k in call.keywords if k.arg == "said")]), ""
            )
            yield name, _text(call.args[0]), _text(call.args[1]), said


def unproven(code: Mapping[str, str], tests: Iterable[str]) -> list[str]:
    """Name the guards of which no test claims both that they fire and that they do not."""
    found = [site for owner, source in code.items() for site in sites(owner, source)]
    claimed = [claim for source in tests for claim in claims(source)]
    missing = []
    for site in found:
        alone = sum((s.owner, s.guard) == (site.owner, site.guard) for s in found) == 1
        for kind in ("fires", "quiet"):
            fitting = [said for k, *rest, said in claimed if (k, *rest) == (kind, site.owner, site.guard)]
            # A quiet guard of several of one name may be any of them: then none of them spoke.
            named = any(said and any(said in text for text in site.says) for said in fitting)
            if not (named or (fitting and (alone or (kind == "quiet" and "" in fitting)))):
                missing.append(f"{site}: no test in which it {'fires' if kind == 'fires' else 'keeps quiet'}")
    return missing
