"""The tables of alignment.toml, as models: what may stand there, and what it means."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from alignment_toolkit.settings import words
from alignment_toolkit.settings.words import MINUTES, wrong

__all__ = [
    "AttributionSettings",
    "BrandSettings",
    "CalendarSettings",
    "CatalogueSettings",
    "ColumnMapping",
    "CompanySettings",
    "EffortSettings",
    "PlaysSettings",
    "PrivacySettings",
    "ReportSettings",
    "ScorecardSettings",
    "SourceSettings",
    "TableMapping",
    "TablePart",
]

Day = Annotated[date, BeforeValidator(words.plain_date)]
Clock = Annotated[
    time,
    BeforeValidator(words.clock),
    # An unquoted TOML time reaches a schema's validator with seconds.
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}),
]
Weekday = Annotated[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], BeforeValidator(words.weekday)]
Department = Annotated[
    str, AfterValidator(words.department), WithJsonSchema({"type": "string", "enum": list(words.DEPARTMENTS)})
]
Channel = Annotated[
    str, AfterValidator(words.channel), WithJsonSchema({"type": "string", "enum": list(words.CHANNELS)})
]
Currency = Annotated[
    str, AfterValidator(words.currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})
]
DecimalMark = Annotated[Literal[".", ","], BeforeValidator(words.decimal)]
DigitMark = Annotated[
    str, AfterValidator(words.thousands), WithJsonSchema({"type": "string", "enum": list(words.THOUSANDS)})
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Scalar = str | bool | int | float
Options = Annotated[dict[str, Any], AfterValidator(words.options)]


class Strict(BaseModel):
    """A table in which every key is known and every value has its type."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, hide_input_in_errors=True
    )


class CompanySettings(Strict):
    """The company, its money and its time."""

    name: Annotated[str, Field(description="The company's name, as reports print it.")] = ""
    currency: Annotated[
        Currency,
        Field(
            description="Currency of all results, three letters (ISO 4217); XXX stands for none in particular."
        ),
    ] = "XXX"
    timezone: Annotated[
        str,
        AfterValidator(words.zone),
        Field(description="Time zone (IANA name) in which days begin and end."),
    ] = "UTC"
    fiscal_year_starts: Annotated[
        int, Field(ge=1, le=12, description="Month in which the fiscal year begins, 1 to 12.")
    ] = 1
    fiscal_year_names: Annotated[
        Literal["end", "start"],
        Field(description="Whether FY2026 is the fiscal year that ends or the one that starts in 2026."),
    ] = "end"
    as_of: Annotated[
        Day | None,
        Field(description="No data after this day is used; otherwise the data itself says how far it goes."),
    ] = None
    warm_up_days: Annotated[
        int, Field(ge=0, description="Days at the beginning of the data that KPIs of new clients leave out.")
    ] = 0
    episode_days: Annotated[
        int, Field(ge=1, description="Leads of one account at most so many days apart are one episode.")
    ] = 180
    grace_days: Annotated[
        int,
        Field(
            ge=0,
            description="A client so many days before the lead was created still counts as its conversion.",
        ),
    ] = 7


class CalendarSettings(Strict):
    """Working hours, in the company's time zone."""

    days: Annotated[tuple[Weekday, ...], Field(strict=False, min_length=1, description="Working days.")] = (
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
    )
    opens: Annotated[Clock, Field(alias="from", description="When a working day begins.")] = time(9)
    closes: Annotated[
        Clock, Field(alias="to", description="When it ends, on the same day; 23:59 is the latest.")
    ] = time(17)
    holidays: Annotated[tuple[Day, ...], Field(strict=False, description="Days without work.")] = ()

    @model_validator(mode="after")
    def _in_order(self) -> CalendarSettings:
        if self.closes <= self.opens:
            raise wrong(
                f"works from {self.opens:%H:%M} to {self.closes:%H:%M}; `to` must be later on the same day "
                "(23:59 is the latest)."
            )
        return self


class SourceSettings(Strict):
    """Where the data is. Values may name secrets as ${NAME}; nothing of this table gets into any output."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())
    __pydantic_extra__: dict[str, Scalar]

    kind: Annotated[
        str | None,
        Field(description="Kind of source: folder, duckdb, sql, olist ...; guessed from url when absent."),
    ] = None
    url: Annotated[
        str | None,
        Field(
            description="Folder, file or database address; a relative path begins at this file's folder.",
        ),
    ] = None

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("kind", self.kind)]


def _from_name(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


class ColumnMapping(Strict):
    """Where the values of one canonical column come from: a column, a constant or an SQL expression."""

    from_: Annotated[Text | None, Field(alias="from", description="The column's name in the source.")] = None
    map: Annotated[
        dict[str, Scalar],
        Field(description="Words of the source and what they mean here; others stay as they are."),
    ] = {}
    nulls: Annotated[
        tuple[str, ...], Field(strict=False, description="Words of the source that mean: empty.")
    ] = ()
    value: Annotated[Scalar | date | None, Field(description="A constant for every row.")] = None
    sql: Annotated[Text | None, Field(description="One scalar SQL expression over the source's columns.")] = (
        None
    )

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        origins = [
            n for n, v in (("from", self.from_), ("value", self.value), ("sql", self.sql)) if v is not None
        ]
        if len(origins) > 1:
            raise wrong(f"has {' and '.join(origins)}; it must have one of from, value and sql.")
        if not origins and not (self.map or self.nulls):
            raise wrong("is empty; it must have one of from, value and sql.")
        if origins in (["value"], ["sql"]) and (self.map or self.nulls):
            raise wrong(f"has {origins[0]} with map or nulls, which belong to from only.")
        return self


class TablePart(Strict):
    """One file or table of the source, and how it is read."""

    from_: Annotated[
        Text | None,
        Field(alias="from", description="File or table in the source; otherwise the table's own name."),
    ] = None
    sheet: Annotated[
        Text | None,
        Field(
            description="Sheet of an Excel workbook; otherwise the one of the table's name, or the only one."
        ),
    ] = None
    where: Annotated[
        Text | None, Field(description="SQL condition over the source's columns; other rows are left out.")
    ] = None
    dates: Annotated[
        str | None,
        AfterValidator(words.date_format),
        Field(description="How dates are written, as in %d.%m.%Y; otherwise ISO."),
    ] = None
    decimal: Annotated[DecimalMark | None, Field(description="Decimal point of numbers.")] = None
    thousands: Annotated[
        DigitMark | None,
        Field(description="What groups the digits of large numbers."),
    ] = None
    delimiter: Annotated[
        str | None,
        Field(min_length=1, max_length=1, description="What stands between the cells of a CSV file."),
    ] = None
    encoding: Annotated[
        str | None,
        AfterValidator(words.encoding),
        Field(description="Encoding of a CSV file; otherwise UTF-8."),
    ] = None
    columns: Annotated[
        dict[
            str,
            Annotated[ColumnMapping, BeforeValidator(_from_name, json_schema_input_type=str | ColumnMapping)],
        ],
        Field(
            description="Canonical columns and where they come from; those that have their name already need no line."
        ),
    ] = {}

    @model_validator(mode="after")
    def _two_marks(self) -> TablePart:
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise wrong(f"has '{self.thousands}' both as thousands and as decimal; they must differ.")
        return self


class TableMapping(TablePart):
    """How one canonical table is brought in."""

    union: Annotated[
        tuple[Annotated[TablePart, BeforeValidator(_from_name, json_schema_input_type=str | TablePart)], ...],
        Field(
            strict=False,
            description="Several files or tables that make up this one; each may override what is said here.",
        ),
    ] = ()
    complete_until: Annotated[Day | None, Field(description="Last day for which this table is complete.")] = (
        None
    )

    @model_validator(mode="after")
    def _one_origin(self) -> TableMapping:
        if self.union and self.from_ is not None:
            raise wrong("has both from and union; it must have one of them.")
        return self

    def parts(self, name: str) -> tuple[TablePart, ...]:
        """Give the parts to be read, one where there is no union, each with everything that holds for it.

        Parameters
        ----------
        name
            The table's own name, used where no `from` is given.
        """
        own = {f: getattr(self, f) for f in TablePart.model_fields}
        whole = TablePart.model_construct(**{**own, "from_": self.from_ or name})
        if not self.union:
            return (whole,)
        parts = []
        for part in self.union:
            said = {f: v for f in TablePart.model_fields if (v := getattr(part, f)) not in (None, {})}
            said["columns"] = {**self.columns, **part.columns}
            if self.where and part.where:
                said["where"] = f"({self.where}) AND ({part.where})"
            parts.append(TablePart.model_construct(**{**own, "from_": name, **said}))
        return tuple(parts)


def _shares_sum(value: dict[str, float]) -> dict[str, float]:
    total = sum(value.values())
    if abs(total - 1) > 1e-9:
        raise wrong(f"has shares that sum to {total:.6g}; they must sum to 1.")
    return value


Owners = Annotated[dict[Department, Share], AfterValidator(_shares_sum)]


class ScorecardSettings(Strict):
    """One department's scorecard."""

    weights: Annotated[
        dict[str, Amount], Field(description="Weight of each KPI in the department's score.")
    ] = {}
    caps: Annotated[
        dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]],
        Field(description="Attainment beyond which a KPI counts no further, 1 = target reached."),
    ] = {}


def _with_defaults(value: dict[str, float]) -> dict[str, float]:
    return {**MINUTES, **value}


class EffortSettings(Strict):
    """What a touch takes and what an hour costs."""

    minutes: Annotated[
        dict[Channel, Amount],
        AfterValidator(_with_defaults),
        Field(description="Minutes of a touch without `minutes`, by channel.", validate_default=True),
    ] = {}
    cost_per_hour: Annotated[
        dict[Department, Amount],
        Field(description="Cost of an hour's work by department, in the company's currency."),
    ] = {}


class AttributionSettings(Strict):
    """How sales are shared among the steps that led to them."""

    sale: Annotated[
        Literal["new_client", "won_deal"],
        Field(description="What paths lead to: an account's becoming a client, or every won opportunity."),
    ] = "new_client"
    lookback_days: Annotated[
        int, Field(ge=1, description="Steps at most so many days before the sale are on its path.")
    ] = 180
    half_life_days: Annotated[
        float,
        Field(
            gt=0,
            allow_inf_nan=False,
            description="Time decay: days before the sale by which a step weighs half.",
        ),
    ] = 7.0
    direct: Annotated[
        tuple[Text, ...],
        Field(strict=False, description="Channels that last non-direct touch passes over."),
    ] = ("direct", "direct_traffic")
    markov_order: Annotated[
        int, Field(ge=1, le=5, description="How many of the last channels the Markov chain remembers.")
    ] = 1
    shapley: Annotated[
        Literal["within", "chain"],
        Field(
            description="What a coalition of channels is worth: sales whose paths use no other channel, or those "
            "expected from the Markov chain where only these channels work."
        ),
    ] = "within"


class PlaysSettings(Strict):
    """From where on a play is proposed for an account; a person decides."""

    alive_below: Annotated[
        Share, Field(description="Defend a client whose probability of still being one is below this.")
    ] = 0.5
    few_products: Annotated[
        int,
        Field(
            ge=0,
            description="Grow a client, probably still one, that buys at most so many products in a year.",
        ),
    ] = 2
    release_quarters: Annotated[
        int,
        Field(
            ge=1,
            le=4,
            description="Release a client whose margin did not pay for the work in so many of the last four quarters.",
        ),
    ] = 4


class PrivacySettings(Strict):
    """What may be shown of people and clients."""

    names: Annotated[
        bool, Field(description="Names of people and clients as they are, instead of pseudonyms.")
    ] = False
    heads: Annotated[bool, Field(description="Let the two heads be compared, in internal reports only.")] = (
        False
    )
    key: Annotated[
        SecretStr | None,
        Field(
            strict=False,
            description="Key of the pseudonyms, best as ${NAME}; nothing of it gets into any output.",
        ),
    ] = None


class BrandSettings(Strict):
    """What a report shows of the house that makes it."""

    name: Annotated[str, Field(description="The name at the foot of every page.")] = ""
    colour: Annotated[
        str, Field(pattern="^(#[0-9A-Fa-f]{6})?$", description="The first colour of the slides, as #0072B2.")
    ] = ""
    font: Annotated[str, Field(description="The font of the slides; it is not put into the file.")] = ""
    footer: Annotated[str, Field(description="The foot's words instead of the name.")] = ""
    logo: Annotated[
        str,
        Field(description="A PNG or SVG in the settings' folder, up to 200 kB; it is kept in the analysis."),
    ] = ""


class ReportSettings(Strict):
    """How reports are made where a command does not say otherwise."""

    audience: Annotated[Literal["internal", "client", "public"], Field(description="Who reads it.")] = (
        "internal"
    )
    formats: Annotated[
        tuple[Literal["html", "pdf", "pptx", "xlsx", "json"], ...],
        Field(strict=False, min_length=1, description="Formats to write."),
    ] = ("html", "json")
    kind: Annotated[
        Literal["full", "executive", "workshop"],
        Field(
            description="How much is told: all, two pages, or a page per finding with questions to discuss."
        ),
    ] = "full"
    language: Annotated[
        str,
        AfterValidator(words.language),
        WithJsonSchema({"type": "string", "pattern": "^[a-z]{2}(_[A-Z]{2})?$"}),
        Field(description="The language of the analysis and its reports: en, or one that has a file (de)."),
    ] = "en"
    template: Annotated[
        str | None,
        Field(description="The company's own slides to start from, a .pptx in the settings' folder."),
    ] = None
    brand: Annotated[BrandSettings, Field(description="Whose report it is.")] = BrandSettings()


class CatalogueSettings(Strict):
    """Where a company's own KPIs and indicators are."""

    folders: Annotated[
        tuple[Text, ...],
        Field(
            strict=False,
            description="Folders of indicator files, beside `alignment_indicators/`, which is always looked into.",
        ),
    ] = ()
