"""One company, from people to orders, in the order in which things happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alignment_toolkit.simulation import care, clients, marketing, ratings, records, sales, teamwork
from alignment_toolkit.simulation.clock import NEVER, Floats, Ints
from alignment_toolkit.simulation.drawing import ids, only, optional
from alignment_toolkit.simulation.recipe import Recipe
from alignment_toolkit.simulation.truth import make_truth
from alignment_toolkit.simulation.world import World, finish_accounts, make_world
from alignment_toolkit.simulation.writing import write_answers, write_tables

COLUMNS: dict[str, tuple[str, ...]] = {
    "people": ("person_id", "department", "name", "role", "team", "region", "kind", "joined_on", "left_on"),
    "accounts": (
        "account_id", "name", "industry", "region", "country", "size", "segment", "owner", "territory", "created_at",
        "client_since", "contract_until", "service_contract", "fiscal_year_starts",
    ),
    "contacts": ("contact_id", "account_id", "name", "role", "preferred_channel", "known_on"),
    "assessments": (
        "assessment_id", "account_id", "department", "assessed_at", "assessor", "potential", "target",
    ),
    "intents": ("account_id", "intent", "decided_on", "department", "review_on"),
    "lists": ("list_id", "name", "field", "threshold", "freezes_on", "department"),
    "products": (
        "product_id", "name", "category", "list_price", "unit_cost", "positioning", "launched_on", "currency",
    ),
    "value_ratings": (
        "rating_id", "offer", "attribute", "rating", "rater_id", "account_id", "rated_on", "importance", "kind",
        "price", "currency", "owner", "product_id", "category",
    ),
    "campaigns": (
        "campaign_id", "name", "channel", "starts_on", "ends_on", "product_id", "theme", "positioning", "appeal",
        "offer", "audience", "target_role", "target_segment", "follow_up_channel",
    ),
    "spend": (
        "spend_id", "spent_on", "amount", "department", "channel", "campaign_id", "product_id", "region", "segment",
        "category", "audience", "currency",
    ),
    "results": ("result_id", "kind", "count", "on", "channel", "campaign_id", "product_id"),
    "leads": (
        "lead_id", "created_at", "account_id", "contact_id", "campaign_id", "product_id", "region", "channel",
        "response_channel", "need", "marketing_score", "sourced_by", "qualified_at", "received_by", "accepted_at",
        "rejected_at", "reject_reason", "owner", "status", "list_id", "converted_at", "referred_by",
    ),
    "opportunities": (
        "opportunity_id", "opened_at", "account_id", "lead_id", "owner", "product_id", "region", "channel",
        "campaign_id", "sourced_by", "stage", "closed_at", "outcome", "amount", "list_amount", "motion", "pitch",
        "competitor", "lost_reason", "win_reason", "currency",
    ),
    "opportunity_contacts": ("opportunity_id", "contact_id", "role"),
    "orders": (
        "order_id", "line_id", "ordered_at", "amount", "account_id", "product_id", "quantity", "list_amount", "cost",
        "opportunity_id", "channel", "region", "promised_on", "delivered_on", "currency",
    ),
    "touches": (
        "touch_id", "touched_at", "department", "account_id", "contact_id", "lead_id", "opportunity_id", "campaign_id",
        "product_id", "actor", "channel", "direction", "theme", "minutes", "automated",
    ),
    "edits": (
        "edit_id", "edited_at", "entity", "entity_id", "field", "department", "account_id", "actor", "old_value",
        "new_value",
    ),
    "training": ("actor", "trained_on", "product_id", "campaign_id", "kind"),
    "plan": ("dimension", "key", "department", "measure", "value", "period"),
    "signals": ("signal_id", "account_id", "signalled_at", "kind", "department", "person_id", "answered_at"),
    "survey": ("respondent_id", "department", "item", "answer", "wave"),
    "work": (
        "work_id", "kind", "started_on", "scope", "ended_on", "initiated_by", "team", "people", "approvals", "size",
        "marketing_invited", "sales_invited", "marketing_attended", "sales_attended", "outcome",
    ),
    "rates": ("currency", "valid_on", "rate"),
}  # fmt: skip
"""The canonical tables and their columns, in the order in which they are written."""


@dataclass(frozen=True)
class Simulated:
    """A made-up company: its canonical tables, and the answer key that no estimator may see."""

    tables: dict[str, pd.DataFrame]
    answers: dict[str, Any]
    end: date

    def write(self, folder: str | Path) -> Path:
        """Write ``folder/data/<table>.csv`` and, beside the data, ``folder/answers.json``; give the data's folder."""
        data = Path(folder) / "data"
        write_tables(self.tables, self.end, data)
        write_answers(self.answers, Path(folder) / "answers.json")
        return data


def simulate(recipe: Recipe | None = None) -> Simulated:
    """Make a company up.

    Examples
    --------
    >>> made_up = simulate(Recipe(accounts=60, salespeople=8, plant={"dropped_leads": 1}))
    >>> made_up.answers["gaps"]["dropped_leads"]
    {'value': 0.2, 'unit': 'share', 'window': 'period'}
    >>> made_up.answers["misaligned"]
    ['dropped_leads']
    """
    recipe = recipe or Recipe()
    truth = make_truth(recipe)
    world = make_world(recipe, truth)
    work = marketing.make_marketing(world)
    finish_accounts(world, _first_seen(world, work))
    world.belief = world.rng("belief").standard_normal(recipe.accounts)
    handover = sales.make_handover(world, work)
    deals = sales.make_deals(world, work, handover)
    care.make_care(world)
    care.let_go(world, work, handover, deals)
    assessments = ratings.make_assessments(world)
    intents = care.make_intents(world, work, handover)
    silences = sales.Silences(world, work, handover)
    touches = care.play(
        world, work, silences, deals, intents, sales.make_touches(world, work, handover, deals, silences),
        marketing.make_marketing_touches(world, work), assessments,
    )  # fmt: skip
    lists = records.make_lists(world)
    lifted, score = records.lift(world, work, lists)
    raw = {
        "people": world.people, "accounts": world.accounts, "contacts": world.contacts,
        "assessments": assessments, "intents": care.intent_table(world, intents), "lists": lists,
        "products": world.products, "value_ratings": clients.make_value_ratings(world), "campaigns": work.campaigns,
        "spend": marketing.make_spend(world, work, clients.make_commissions(world, deals)),
        "results": marketing.make_results(world, work),
        "leads": _leads(world, work, handover, deals, lists, score), "opportunities": deals,
        "opportunity_contacts": teamwork.make_opportunity_contacts(world, deals),
        "orders": clients.make_orders(world, deals), "touches": _touches(world, work, deals, touches),
        "edits": records.make_edits(world, work, handover, lifted, score),
        "training": teamwork.make_training(world, work, handover),
        "plan": world.plan, "signals": clients.make_signals(world), "survey": teamwork.make_survey(world),
        "work": teamwork.make_work(world), "rates": teamwork.make_rates(world),
    }  # fmt: skip
    tables = {name: _typed(raw[name][list(columns)]) for name, columns in COLUMNS.items()}
    return Simulated(tables=tables, answers=truth.answers(recipe), end=recipe.end)


def _first_seen(world: World, work: marketing.Marketing) -> Ints:
    seen = np.full(world.recipe.accounts, np.iinfo(np.int64).max)
    known = work.account >= 0
    np.minimum.at(seen, work.account[known], work.at[known])
    return np.where(seen == np.iinfo(np.int64).max, NEVER, seen)


def _leads(
    world: World,
    work: marketing.Marketing,
    handover: sales.Handover,
    deals: pd.DataFrame,
    lists: pd.DataFrame,
    score: Floats,
) -> pd.DataFrame:
    rng = world.rng("lead table")
    leads = marketing.lead_table(world, work)
    total = len(leads)
    handed = handover.qualified != NEVER
    taken = handed | work.by_sales
    opened, bought = np.zeros(total, dtype=bool), np.full(total, NEVER)
    linked = deals["_lead"].to_numpy()
    opened[linked[linked >= 0]] = True
    won = deals[(deals["_lead"] >= 0) & (deals["outcome"] == "won")]
    bought[won["_lead"].to_numpy()] = won["closed_at"].to_numpy()
    at = np.where(handed, handover.qualified, work.at)
    status = np.select(
        [bought != NEVER, opened, handover.accepted != NEVER, handover.rejected != NEVER, taken],
        ["converted", "opportunity", "accepted", "rejected", "qualified"], "new",
    ).astype(object)  # fmt: skip
    frozen = lists["freezes_on"].to_numpy()
    place = np.searchsorted(frozen, work.at)
    listed = np.where(
        (rng.random(total) < 0.5) & (work.score >= records.LIST_THRESHOLD) & (place < len(frozen)), place, -1
    )
    return leads.assign(
        qualified_at=handover.qualified, accepted_at=handover.accepted, rejected_at=handover.rejected,
        received_by=only(handed, world.salesperson(handover.seat, at)), reject_reason=handover.reason,
        owner=only(taken, world.salesperson(handover.seat, np.full(total, world.end - 1))), status=status,
        list_id=optional(lists["list_id"].to_numpy(object), listed), converted_at=bought,
        marketing_score=score,
    )  # fmt: skip


def _touches(
    world: World, work: marketing.Marketing, deals: pd.DataFrame, touches: pd.DataFrame
) -> pd.DataFrame:
    touches = touches.sort_values(
        ["_at", "_account", "_lead", "_opportunity"], kind="stable", ignore_index=True
    )
    campaigns = work.campaigns["campaign_id"].to_numpy(object)
    return touches.assign(
        touch_id=ids("U", len(touches), 5), touched_at=touches["_at"],
        account_id=optional(world.accounts["account_id"].to_numpy(object), touches["_account"].to_numpy()),
        contact_id=optional(world.contacts["contact_id"].to_numpy(object), touches["_contact"].to_numpy()),
        lead_id=optional(ids("L", len(work.at), 5), touches["_lead"].to_numpy()),
        opportunity_id=optional(deals["opportunity_id"].to_numpy(object), touches["_opportunity"].to_numpy()),
        campaign_id=optional(campaigns, touches["_campaign"].to_numpy()),
        product_id=world.products["product_id"].to_numpy(object)[touches["_product"]],
    )  # fmt: skip


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Seconds become timestamps; what is a date by its name is one."""
    found = table.reset_index(drop=True).copy()
    for name in found.columns:
        if name.endswith(("_at", "_on")) or name in ("on", "client_since", "contract_until"):
            found[name] = found[name].to_numpy().astype(np.int64).astype("datetime64[s]")
    return found
