"""Who is there before anything happens: people, accounts, contacts, products and the plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alignment_toolkit.simulation.clock import DAY, NEVER, Bools, Floats, Ints, by_day, second, somewhere
from alignment_toolkit.simulation.drawing import Texts, ids, only, optional, parts, pick, pick_index, stream
from alignment_toolkit.simulation.recipe import Recipe
from alignment_toolkit.simulation.truth import Truth

REGIONS = ("North", "South", "East", "West", "Coast", "Highlands", "Lakes", "Islands")
COUNTRIES = ("DE", "AT", "CH", "NL", "DK", "PL", "CZ", "BE")
INDUSTRIES = {
    "food": "Foods", "chemicals": "Chemicals", "machinery": "Machines", "water": "Waterworks", "energy": "Energy",
    "paper": "Paper", "logistics": "Logistics", "plastics": "Plastics",
}  # fmt: skip
STEMS = (
    (
        "Al",
        "Bar",
        "Cor",
        "Dun",
        "El",
        "Fen",
        "Gar",
        "Hol",
        "Is",
        "Jar",
        "Kel",
        "Lor",
        "Mar",
        "Nor",
        "Ost",
        "Pel",
    ),
    ("ber", "da", "gen", "le", "mo", "ri", "sta", "ven", "wi", "zo"),
    (
        "bach",
        "brook",
        "dorf",
        "feld",
        "hain",
        "holt",
        "mere",
        "mond",
        "ner",
        "rup",
        "sund",
        "thal",
        "ton",
        "vik",
    ),
)
FIRST_NAMES = (
    "Ada", "Ben", "Cleo", "David", "Edda", "Finn", "Greta", "Hugo", "Ida", "Jonas", "Karla", "Leon", "Mira", "Nils",
    "Olga", "Paul", "Ruth", "Sven", "Tilda", "Uwe", "Vera", "Wim", "Yara", "Zeno",
)  # fmt: skip
PRODUCT_NAMES = (
    ("Flow Meter", "sensors"), ("Level Probe", "sensors"), ("Pressure Gauge", "sensors"),
    ("Line Controller", "controllers"), ("Edge Gateway", "controllers"), ("Valve Drive", "controllers"),
    ("Plant Monitor", "software"), ("Energy Ledger", "software"), ("Report Desk", "software"),
    ("Care Plan", "services"), ("Calibration Visit", "services"), ("Operator Course", "services"),
)  # fmt: skip
SIZES = ("1-49", "50-249", "250-999", "1000+")
RIVAL = "Rival"
CUT = 2.2
_DENSITY = math.exp(-CUT * CUT / 2) / math.sqrt(2 * math.pi)
CUT_SD = math.sqrt(
    math.erf(CUT / math.sqrt(2)) - 2 * CUT * _DENSITY + CUT * CUT * math.erfc(CUT / math.sqrt(2))
)
"""Standard deviation of a standard normal number that is cut at either end."""


@dataclass
class World:
    """The company and its market; positions in the arrays stand for the entities."""

    recipe: Recipe
    truth: Truth
    start: int
    end: int
    people: pd.DataFrame
    accounts: pd.DataFrame
    contacts: pd.DataFrame
    products: pd.DataFrame
    plan: pd.DataFrame
    region_names: Texts
    region_shares: Floats
    pushes: dict[str, Floats]
    z: Floats
    region: Ints
    seat: Ints
    known_before: Bools
    created: Ints
    client_since: Ints
    seat_region: Ints
    seat_change: Ints
    seat_first: Texts
    seat_second: Texts
    marketers: Texts
    contact_count: Ints
    contact_start: Ints
    preferred: Texts
    comes: Ints
    becomes_client: Ints
    neglected: Bools
    defended: Bools
    belief: Floats

    def rng(self, part: str) -> np.random.Generator:
        """The random stream of a part."""
        return stream(self.recipe.seed, part)

    def salesperson(self, seat: Ints, at: Ints) -> Texts:
        """Who sits on a salesperson's seat at a moment: some leave, and are followed by another on the same day."""
        changed = (self.seat_change[seat] != NEVER) & (at >= self.seat_change[seat])
        return np.asarray(np.where(changed, self.seat_second[seat], self.seat_first[seat]), dtype=object)

    def habit(self, part: str, seat: Ints, at: Ints) -> Floats:
        """A lasting trait of whoever sits on a seat: normal, cut at 2.2 and scaled to a standard deviation of 1."""
        drawn = self.rng(part).standard_normal((2, self.recipe.salespeople)).clip(-CUT, CUT) / CUT_SD
        second_one = (self.seat_change[seat] != NEVER) & (at >= self.seat_change[seat])
        return np.asarray(drawn[second_one.astype(int), seat], dtype=float)

    def a_seat(self, rng: np.random.Generator, region: Ints) -> Ints:
        """Any salesperson's seat in the region."""
        order = np.argsort(self.seat_region, kind="stable")
        counts = np.bincount(self.seat_region, minlength=len(self.region_names))
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return np.asarray(
            order[first[region] + (rng.random(len(region)) * counts[region]).astype(int)], dtype=np.int64
        )

    def a_contact(self, rng: np.random.Generator, account: Ints, share: float) -> Ints:
        """Any of the account's contacts, -1 where there is no account or nobody is named."""
        known = np.where(account < 0, 0, account)
        one = self.contact_start[known] + (rng.random(len(account)) * self.contact_count[known]).astype(int)
        return np.asarray(
            np.where((account < 0) | (rng.random(len(account)) >= share), -1, one), dtype=np.int64
        )

    def moments(self, rng: np.random.Generator, size: int) -> Ints:
        """Moments within the data, in working time."""
        return somewhere(np.full(size, self.start), np.full(size, self.end), rng.random(size))


def make_world(recipe: Recipe, truth: Truth) -> World:
    """Draw the company and its market."""
    start, end = second(recipe.start), second(recipe.end) + DAY
    rng = stream(recipe.seed, "world")
    count = recipe.accounts
    region_names = np.array(REGIONS[: recipe.regions], dtype=object)
    region_shares = truth.region_shares

    seat_region = np.concatenate(
        [np.full(n, r) for r, n in enumerate(parts(recipe.salespeople, region_shares, least=1))]
    ).astype(np.int64)
    people, first, second_, change, marketers = _people(recipe, region_names, seat_region, start, end)

    z = rng.standard_normal(count)
    region = pick_index(rng, recipe.regions, count, region_shares)
    known_before = rng.random(count) < 0.68
    created = by_day(start - (rng.random(count) * 5 * 365 * DAY).astype(np.int64) - DAY)
    client = known_before & (rng.random(count) < 0.10 + 0.12 / (1 + np.exp(-z)))
    since = np.where(client, created + ((start - created) * rng.random(count)).astype(np.int64), NEVER)

    contact_count = 1 + np.minimum(rng.poisson(0.9, count), 4)
    world = World(
        recipe=recipe, truth=truth, start=start, end=end, people=people, accounts=pd.DataFrame(),
        contacts=pd.DataFrame(), products=_products(recipe, truth, start), plan=_plan(recipe, truth, region_names),
        region_names=region_names, region_shares=region_shares,
        pushes={"marketing": truth.marketing_push, "sales": truth.sales_push},
        z=z, region=region, seat=np.zeros(count, dtype=np.int64), known_before=known_before, created=created,
        client_since=since.astype(np.int64), seat_region=seat_region, seat_change=change, seat_first=first,
        seat_second=second_, marketers=marketers, contact_count=contact_count.astype(np.int64),
        contact_start=np.concatenate([[0], np.cumsum(contact_count)[:-1]]).astype(np.int64),
        preferred=np.array([], dtype=object), comes=np.full(count, NEVER), becomes_client=np.full(count, NEVER),
        neglected=np.zeros(count, dtype=bool), defended=np.zeros(count, dtype=bool),
        belief=np.zeros(count),
    )  # fmt: skip
    world.seat = world.a_seat(rng, region)
    _contacts(world)
    return world


def _people(
    recipe: Recipe, regions: Texts, seat_region: Ints, start: int, end: int
) -> tuple[pd.DataFrame, Texts, Texts, Ints, Texts]:
    rng = stream(recipe.seed, "people")
    rows: list[dict[str, object]] = []

    def add(department: str, role: str, team: str, region: object = None, kind: str = "human",
            joined: int | None = None, left: int | None = None) -> str:  # fmt: skip
        number = len(rows) + 1
        name = (
            f"{FIRST_NAMES[int(rng.integers(len(FIRST_NAMES)))]} Sample {number}" if kind == "human" else team
        )
        at = joined if joined is not None else start - int(rng.integers(60, 3000)) * DAY
        rows.append({
            "person_id": f"P{number:04d}", "department": department, "name": name, "role": role, "team": team,
            "region": region, "kind": kind, "joined_on": at, "left_on": NEVER if left is None else left,
        })  # fmt: skip
        return f"P{number:04d}"

    add("marketing", "head", "marketing")
    add("sales", "head", "sales")
    marketers = [
        add("marketing", "manager" if i % 4 == 0 else "member", "demand" if i % 2 else "brand")
        for i in range(max(5, recipe.salespeople // 4))
    ]
    for r in regions:
        add("sales", "manager", f"sales {r}", r)
    firsts, seconds, changes = [], [], []
    leaves = rng.random(len(seat_region)) < 0.12
    for seat, r in enumerate(seat_region):
        change = (
            start + int((0.15 + 0.7 * rng.random()) * (end - start)) // DAY * DAY if leaves[seat] else NEVER
        )
        place = regions[r]
        one = add("sales", "member", f"sales {place}", place, left=None if change == NEVER else change - DAY)
        two = add("sales", "member", f"sales {place}", place, joined=change) if change != NEVER else one
        firsts.append(one)
        seconds.append(two)
        changes.append(change)
    for _ in range(4):
        add("service", "member", "client service")
    for _ in range(3):
        add("operations", "member", "order desk")
    growth, heads = growth_of_heads(recipe), len(rows) - int(np.sum(leaves))
    for n in range(round(heads * math.expm1(growth * (end - start) / (365.25 * DAY))) if growth else 0):
        day = math.log1p((n + 0.5) / heads) / growth * 365.25
        department = str(rows[(37 * n + 11) % heads]["department"])
        add(department, "member", f"{department} office", joined=start + int(day) * DAY)
    add("marketing", "member", "Marketing automation", kind="system")
    return (
        pd.DataFrame(rows), np.array(firsts, dtype=object), np.array(seconds, dtype=object),
        np.array(changes, dtype=np.int64), np.array(marketers, dtype=object),
    )  # fmt: skip


def growth_of_heads(recipe: Recipe) -> float:
    """How fast the number of heads grows a year (log): it doubles in two years where the firm grows, else stays."""
    return recipe.confounded("growing_firm") * math.log(2) / 2


def _products(recipe: Recipe, truth: Truth, start: int) -> pd.DataFrame:
    rng = stream(recipe.seed, "products")
    number = np.arange(recipe.products)
    names = [f"{PRODUCT_NAMES[n % 12][0]}{' Pro' if n >= 12 else ''}" for n in number]
    price = np.round(np.exp(rng.normal(np.log(900), 0.6, recipe.products)), -1)
    launched = start - np.sort(rng.integers(100, 3000, recipe.products))[::-1] * DAY
    return pd.DataFrame({
        "product_id": ids("PR", recipe.products, 2), "name": names,
        "category": [PRODUCT_NAMES[n % 12][1] for n in number], "list_price": price,
        "unit_cost": np.round(price * rng.uniform(0.42, 0.62, recipe.products), 2),
        "positioning": np.where(truth.benefit, "benefit", "price"), "launched_on": launched, "currency": "EUR",
    })  # fmt: skip


def _plan(recipe: Recipe, truth: Truth, regions: Texts) -> pd.DataFrame:
    rows: list[tuple[str, str, str, str, float, str | None]] = []
    products = ids("PR", recipe.products, 2)
    for department, shares, step in (
        ("marketing", truth.marketing_plan, truth.gaps["price_ambition"] / 2),
        ("sales", truth.sales_plan, -truth.gaps["price_ambition"] / 2),
    ):  # fmt: skip
        rows += [
            ("product", p, department, "share", float(s), None) for p, s in zip(products, shares, strict=True)
        ]
        rows += [("product", p, department, "price", 1.05 + step, None) for p in products]
        rows += [("segment", s, department, "share", w, None)
                 for s, w in (("key", 0.4), ("growth", 0.4), ("standard", 0.2))]  # fmt: skip
        rows += [("region", r, department, "share", float(w), None)
                 for r, w in zip(regions, truth.region_shares, strict=True)]  # fmt: skip
    rows += [("channel", c, "marketing", "share", float(w), None)
             for c, w in zip(truth.channels, truth.channel_shares, strict=True)]  # fmt: skip
    for period in pd.period_range(recipe.start.isoformat(), recipe.end.isoformat(), freq="Q"):
        label = f"{period.year}-Q{period.quarter}"
        rows += [
            ("kpi", "lead-to-client", "marketing", "target", 0.10, label),
            ("kpi", "leads", "marketing", "target", float(round(recipe.leads / 8, -1)), label),
            ("kpi", "win-rate", "sales", "target", 0.30, label),
            ("kpi", "arpu", "company", "target", 10_000.0, label),
        ]
    return pd.DataFrame(rows, columns=["dimension", "key", "department", "measure", "value", "period"])


def _contacts(world: World) -> None:
    rng = world.rng("contacts")
    account = np.repeat(np.arange(world.recipe.accounts), world.contact_count)
    first = np.concatenate([[True], account[1:] != account[:-1]])
    total = len(account)
    role = np.where(
        first, pick(rng, ("decision_maker", "influencer", "user"), total, (0.6, 0.2, 0.2)),
        pick(rng, ("influencer", "user", "gatekeeper", "decision_maker"), total, (0.35, 0.35, 0.2, 0.1)),
    )  # fmt: skip
    prefers = pick(rng, ("email", "phone", "meeting", "chat"), total, (0.45, 0.35, 0.12, 0.08))
    world.preferred = only(rng.random(total) < 0.35, prefers)
    world.contacts = pd.DataFrame({
        "contact_id": ids("C", total), "_account": account,
        "name": [f"{a} Example {n}" for n, a in enumerate(pick(rng, FIRST_NAMES, total), 1)],
        "role": role, "preferred_channel": world.preferred, "_known_lag": rng.integers(0, 200, total),
    })  # fmt: skip


def finish_accounts(world: World, first_seen: Ints) -> None:
    """Write the accounts once it is known when each of the new ones was first seen."""
    rng = world.rng("accounts")
    count = world.recipe.accounts
    unseen = by_day(world.start + (rng.random(count) * (world.end - world.start)).astype(np.int64))
    new = np.where(first_seen == NEVER, unseen, first_seen)
    world.created = np.where(world.known_before, world.created, new)
    industry = pick(rng, tuple(INDUSTRIES), count)
    bigness = 0.6 * world.z + 0.8 * rng.standard_normal(count)
    value = world.z + 0.5 * rng.standard_normal(count)
    client = world.client_since != NEVER
    end_seat = world.salesperson(world.seat, np.full(count, world.end - 1))
    world.accounts = pd.DataFrame({
        "account_id": ids("A", count, 5), "name": _names(rng, industry), "industry": industry,
        "region": world.region_names[world.region], "country": np.array(COUNTRIES, dtype=object)[world.region],
        "size": np.array(SIZES, dtype=object)[np.digitize(bigness, (-0.4, 0.6, 1.4))],
        "segment": np.array(("standard", "growth", "key"), dtype=object)[np.digitize(value, (-0.2, 0.9))],
        "owner": end_seat, "territory": [f"T{seat + 1:02d}" for seat in world.seat], "created_at": world.created,
        "client_since": np.where(client, world.client_since // DAY * DAY, NEVER),
        "contract_until": np.where(client & (rng.random(count) < 0.5),
                                   world.end // DAY * DAY + rng.integers(-200, 700, count) * DAY, NEVER),
        "service_contract": client & (rng.random(count) < 0.3),
        "fiscal_year_starts": np.array([1, 4, 7, 10])[pick_index(rng, 4, count, (0.75, 0.1, 0.05, 0.1))],
    })  # fmt: skip
    owner = world.contacts["_account"].to_numpy()
    known = world.created[owner] + world.contacts["_known_lag"].to_numpy() * DAY
    world.contacts["account_id"] = optional(world.accounts["account_id"].to_numpy(object), owner)
    world.contacts["known_on"] = np.where(known < world.end, known // DAY * DAY, NEVER)


def _names(rng: np.random.Generator, industry: Texts) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    pieces = [rng.integers(0, len(each), len(industry)) for each in STEMS]
    legal = pick(rng, ("GmbH", "AG", "KG", "BV", "AS"), len(industry), (0.55, 0.1, 0.15, 0.1, 0.1))
    for i, (a, b, c) in enumerate(zip(*pieces, strict=True)):
        name = f"{STEMS[0][a]}{STEMS[1][b]}{STEMS[2][c]} {INDUSTRIES[industry[i]]} {legal[i]}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names
