"""What a model adds to a wiki: prose about each part of the code, from lines it is shown, each sentence checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from agent.asking import Library, Purse
from agent.contract import BudgetExhausted
from agent.describing import Author, Shelf, describe
from agent.model import ContextExceeded, ModelRejected, ModelUnavailable
from agent.prices import PriceUnknown
from codebase.wiki import Survey
from codebase.wiki.model import Paragraph
from codebase.wiki.spans import spans_of
from settings import load_settings
from workers.models import SCRIPTED, Models


@dataclass
class Prose:
    """By the index of a part, what may be published. `sentences` of it; `dropped`: those that failed, and why;
    `trouble`: why the parts that are missing have none, where the model did not answer for all."""

    paragraphs: dict[int, tuple[Paragraph, ...]] = field(default_factory=dict)
    asked: int = 0
    kept_before: int = 0
    sentences: int = 0
    dropped: list[dict[str, str]] = field(default_factory=list)
    trouble: str = ""
    tokens: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)

    def as_json(self) -> dict[str, Any]:
        return {
            "parts": len(self.paragraphs),
            "asked": self.asked,
            "from_before": self.kept_before,
            "sentences": self.sentences,
            "dropped": self.dropped,
            "trouble": self.trouble or None,
            "tokens": self.tokens,
            "cost_usd": float(self.cost_usd),
        }


def write_prose(survey: Survey, commit: str, model: str, told: Callable[[int, int], None]) -> Prose:
    """A description of each part of the code. A model that fails, or a budget that is used up, ends it early: what was
    written until then stays. Raises SettingsError and ScriptError."""
    settings = load_settings(model=model, models={}, model_fallbacks=())
    shelf = Shelf(settings.state_dir / "wiki-prose")
    purse = Purse(Decimal(str(settings.task_budget_usd)), settings.task_budget_tokens)
    known, found = survey.known, Prose()
    wanted = [number for number, part in enumerate(survey.parts) if part.role == "code" and survey.names[number]]
    models = Models(settings)
    try:
        client = models.client()
        for place, number in enumerate(wanted, start=1):
            told(place - 1, len(wanted))
            library = Library(known.corpus, known.contents, commit)
            said = describe(
                survey.parts[number].title, spans_of(survey, number), library, client,
                number=place, ledger=purse, shelf=shelf, author=author_of(model),
            )  # fmt: skip
            found.asked += not said.kept_before
            found.kept_before += said.kept_before
            found.tokens += said.tokens
            found.cost_usd += said.cost_usd
            found.dropped += [
                {"part": survey.parts[number].title, "text": one.text, "verdict": one.verdict, "reason": one.reason}
                for one in said.dropped
            ]
            if said.paragraphs:
                found.paragraphs[number] = said.paragraphs
                found.sentences += sum(len(paragraph.sentences) for paragraph in said.paragraphs)
    except (ModelUnavailable, ModelRejected, ContextExceeded, BudgetExhausted, PriceUnknown) as error:
        found.trouble = str(error)
    finally:
        models.close()
    return found


def author_of(model: str) -> Author:
    """A scripted model is another one when its file says something else."""
    if not model.startswith(SCRIPTED):
        return Author(model, model)
    script = Path(model.removeprefix(SCRIPTED))
    try:
        mark = sha256(script.read_bytes()).hexdigest()[:16]
    except OSError:
        mark = ""  # the script's own reader says what is wrong with it
    return Author(f"{SCRIPTED}{mark}", f"{SCRIPTED}{script.name}")
