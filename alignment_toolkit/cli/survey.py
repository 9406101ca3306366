"""The commands of the questionnaire: survey form, survey import, survey read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignment_toolkit.brief import some
from alignment_toolkit.cli.common import As_json, Source, opened, print_json, print_table, say

__all__ = ["register"]

survey = typer.Typer(
    name="survey",
    help="The questionnaire on working together: a form to send out, the answers, what they say."
    "\n\nExample: alignment survey form --out form.xlsx --wave 2026-Q4",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Wave = Annotated[
    str | None, typer.Option("--wave", help="The round of the survey, named after its period: 2026-Q3.")
]


@survey.command()
def form(
    out: Annotated[Path, typer.Option("--out", help="The workbook to write.")] = Path("questionnaire.xlsx"),
    company: Annotated[str, typer.Option("--company", help="The company's name, printed on the form.")] = "",
    wave: Wave = None,
    language: Annotated[str, typer.Option("--language", help="The language of the form: en, de ...")] = "en",
) -> None:
    """Write the blank form: one workbook, which every person fills in and sends back.

    Example: alignment survey form --out form.xlsx --company Acme --wave 2026-Q3
    """
    from alignment_toolkit.questionnaire import write_form

    written = write_form(out, company=company, wave=wave or "", language=language)
    say(f"The blank form is in {written}. Send it to all people of marketing and sales alike.")


@survey.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(help="Filled forms (.xlsx), or wide files (.csv, .xlsx) with one person a row."),
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("survey.csv"),
    wave: Wave = None,
    as_json: As_json = False,
) -> None:
    """Read the forms that came back into one table; every problem is told at once, and nothing is taken over then.

    Example: alignment survey import returned/form1.xlsx returned/form2.xlsx --out data/survey.csv
    """
    from alignment_toolkit.questionnaire import read_returned, write_survey

    rows = read_returned(files, wave=wave)
    written = write_survey(rows, out)
    people = {(row["wave"], row["respondent_id"]): row["department"] for row in rows}
    counts = [
        {"wave": w, "department": d, "people": sum(1 for (v, _), e in people.items() if (v, e) == (w, d))}
        for w, d in sorted({(v, e) for (v, _), e in people.items()})
    ]
    if as_json:
        print_json({"file": str(written), "answers": len(rows), "people": counts})
        return
    print_table(["wave", "department", "people"], [list(c.values()) for c in counts], right=["people"])
    say(
        f"{some(len(rows), 'answer is', 'answers are')} in {written}."
        " No name is in it; delete the forms when you have checked it."
    )


@survey.command()
def read(source: Source, wave: Wave = None, as_json: As_json = False) -> None:
    """Say what the answers of one round tell; by default of the last.

    Example: alignment survey read data/sample --wave 2026-Q3
    """
    from alignment_toolkit.questionnaire import read_survey
    from alignment_toolkit.units import unit

    found = read_survey(opened(source), wave)
    if as_json:
        print_json(found.to_json())
        return
    others = ", ".join(w for w in found.waves if w and w != found.wave)
    say(
        f"{found.company}, questionnaire {found.wave or '(no name)'}"
        + (f"; also there: {others}" * bool(others))
    )
    if found.withheld:
        say(f"Withheld: {found.withheld}")
        return
    index, points = unit("index"), unit("points")
    print_table(
        ["department", "answered", "of", "total (20 to 100)", "95 % interval", "band", "alpha", "one number"],
        [
            [r["department"], r["answered"], r["of"], points.text(r["total"]), points.interval(r["low"], r["high"]),
             r["band"], index.text(r["alpha"]), r["straight_lines"]]
            for r in found.people
        ],
        right=["answered", "of"],
    )  # fmt: skip
    print_table(
        ["about both", "value", "95 % interval", "n"],
        [
            [r["label"], points.text(r["value"]), points.interval(r["low"], r["high"]), r["n"]]
            for r in found.numbers
        ],
        right=["n"],
    )
    print_table(
        ["item", "statement", "marketing", "sales", "difference", "q"],
        [
            [r["item"], r["text"], *(index.text(r[c]) for c in ("marketing", "sales", "gap", "q"))]
            for r in found.items
        ],
        right=["marketing", "sales", "difference", "q"],
    )


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(survey)
