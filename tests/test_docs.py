"""What README and docs say is so: links lead somewhere, commands and settings exist, code runs."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.source_tree import PROJECT

PAGES = {
    path.relative_to(PROJECT).as_posix(): path.read_text("utf-8")
    for path in [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    if "_build" not in path.parts
}


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def targets(text: str) -> list[str]:
    """Return the files that a page links to."""
    linked = re.findall(r"\]\(([^)\s#]+)[^)]*\)", text)
    for listed in re.findall(r"^```\{toctree\}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        linked += [f"{line}.md" for line in listed.split("\n") if line and line[0] != ":" and "*" not in line]
    return [link for link in linked if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page):
    folder = (PROJECT / page).parent
    assert [link for link in targets(PAGES[page]) if not (folder / link).is_file()] == []


def test_every_page_of_the_docs_is_in_the_contents():
    listed = set()
    for page, text in PAGES.items():
        if page != "README.md":
            folder = (PROJECT / page).parent
            listed |= {(folder / link).resolve() for link in targets(text) if "toctree" in text}
            listed |= {path.resolve() for path in folder.glob("0*.md") if "\n0*\n" in text}
    pages = {(PROJECT / page).resolve() for page in PAGES if page not in {"README.md", "docs/index.md"}}
    assert {path.relative_to(PROJECT).as_posix() for path in pages - listed} == set()


def commands(text: str) -> list[str]:
    """Return the `alignment ...` lines of a page's shell blocks."""
    lines = [line.strip() for block in blocks(text, "sh") for line in block.replace("\\\n", " ").split("\n")]
    return [line for line in lines if re.match(r"(\.venv/bin/)?alignment ", line)]


SAID = [(page, line) for page, text in PAGES.items() for line in commands(text)]


@pytest.fixture(scope="module")
def known_commands():
    """Return the options of every command."""
    import typer.main

    from alignment_toolkit.cli import app

    group = typer.main.get_command(app)
    return {
        name: {
            option
            for one in (command, *getattr(command, "commands", {}).values())
            for each in one.params
            for option in [*each.opts, *each.secondary_opts]
        }
        | {"--help"}
        for name, command in group.commands.items()
    }


@pytest.mark.parametrize(("page", "line"), SAID)
def test_commands_and_options_exist(page, line, known_commands):
    words = shlex.split(line, comments=True)[1:]
    assert words[0] in known_commands
    used = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
    assert used <= known_commands[words[0]]


def test_the_command_table_of_the_readme_is_whole(known_commands):
    named = set(re.findall(r"`alignment ([a-z-]+)", PAGES["README.md"]))
    assert named == set(known_commands)


def test_make_targets_exist():
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    for page, text in PAGES.items():
        for target in re.findall(r"^make ([a-z]+)|`make ([a-z]+)", text, flags=re.MULTILINE):
            name = "".join(target)
            assert re.search(rf"^{name}:", makefile, flags=re.MULTILINE), f"{page}: make {name}"


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if blocks(text, "toml")])
def test_settings_in_the_docs_are_read(page):
    from alignment_toolkit.settings import Settings

    for text in blocks(PAGES[page], "toml"):
        Settings.from_toml(text, file=page)


LEADS = "lead_id,created_at,account_id,channel,qualified_at\n" + "".join(
    f"L{i},2026-07-{1 + i % 28:02},A{i % 9},{('email', 'web')[i % 2]},2026-08-{1 + i % 28:02}\n"
    for i in range(60)
)
ORDERS = "order_id,ordered_at,account_id,amount\n" + "".join(
    f"O{i},2026-0{4 + i % 6}-09,A{i % 9},{100 + i}.00\n" for i in range(60)
)


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if blocks(text, "python")])
def test_python_in_the_docs_runs(page, sample_dir, tmp_path, monkeypatch):
    # Pages open the sample as `data/sample`, or as a company's own folder, `data`.
    (tmp_path / "data").mkdir()
    if page == "README.md":  # it makes the whole report, which other tests make of the sample
        (tmp_path / "data" / "sample").mkdir()
        (tmp_path / "data" / "sample" / "leads.csv").write_text(LEADS)
        (tmp_path / "data" / "sample" / "orders.csv").write_text(ORDERS)
    else:
        for found in [sample_dir, *sample_dir.iterdir()]:
            (tmp_path / "data" / found.name).symlink_to(found)
    monkeypatch.chdir(tmp_path)
    for text in blocks(PAGES[page], "python"):
        exec(compile(text, page, "exec"), {"__name__": "__page__"})
    assert page != "README.md" or [*(tmp_path / "reports").rglob("*.html")]
