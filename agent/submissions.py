"""What each phase hands in: the schemas of `submit`, and how a submission reads as a document.

The field names are the keys of `PhaseResult.data`.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from agent.tools import Arguments


class Location(Arguments):
    path: str = Field(min_length=1)
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    why: str = Field(min_length=1, description="What stands there and why it matters.")


class Research(Arguments):
    document: str = Field(min_length=1, description="What you found out, in Markdown: cause, context, open questions.")
    locations: list[Location] = Field(default_factory=list, description="The places in the code that matter.")

    def read(self) -> str:
        lines = [f"- `{at.path}:{at.start_line}-{at.end_line}`: {at.why}" for at in self.locations]
        return self.document + ("\n\nPlaces that matter:\n" + "\n".join(lines) if lines else "")


class Plan(Arguments):
    steps: list[str] = Field(min_length=1, description="What to do, in order.")
    files: list[str] = Field(default_factory=list, description="Files to change or create.")
    tests: list[str] = Field(default_factory=list, description="Commands to run, the narrowest first.")
    reproduction: str = Field(
        default="", description="How to show the problem: a command that fails before the change."
    )
    risks: list[str] = Field(default_factory=list, description="What the change could break.")

    def read(self) -> str:
        parts = ["\n".join(f"{number}. {step}" for number, step in enumerate(self.steps, start=1))]
        if self.files:
            parts.append("Files: " + ", ".join(f"`{path}`" for path in self.files))
        if self.tests:
            parts.append("Tests: " + ", ".join(f"`{command}`" for command in self.tests))
        if self.reproduction:
            parts.append(f"Reproduction: {self.reproduction}")
        if self.risks:
            parts.append("Risks:\n" + "\n".join(f"- {risk}" for risk in self.risks))
        return "\n\n".join(parts)


class Change(Arguments):
    summary: str = Field(min_length=1, description="What was changed and why, for the pull request.")
    test_commands: list[str] = Field(min_length=1, description="Commands you ran well after the last edit, verbatim.")
    pr_title: str = Field(min_length=1, max_length=120, description="Title of the pull request, imperative mood.")

    def read(self) -> str:
        return self.summary


class Reproduction(Arguments):
    command: str = Field(min_length=1, description="Fails on the base, passes with the change.")
    files: list[str] = Field(min_length=1, description="The test files it needs, paths in the tree.")
    expectation: str = Field(min_length=1, description="What it shows, in a sentence.")


class Evidence(Arguments):
    reproduction: Reproduction | None = Field(default=None, description="Leave out only where nothing can be executed.")
    no_reproduction_reason: str = Field(default="", description="Why nothing can be executed, if so.")
    claims: list[str] = Field(default_factory=list, description="What the change does, each in a checkable sentence.")

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.reproduction is None) == (not self.no_reproduction_reason.strip()):
            raise ValueError("give either reproduction, or no_reproduction_reason")
        return self

    def read(self) -> str:
        if self.reproduction is None:
            text = f"No reproduction: {self.no_reproduction_reason}"
        else:
            text = f"`{self.reproduction.command}`: {self.reproduction.expectation}"
        return text + "".join(f"\n- {claim}" for claim in self.claims)


class Repair(Arguments):
    summary: str = Field(default="", description="The cause of the failure and what was changed.")
    test_commands: list[str] = Field(
        default_factory=list, description="Commands run well after the last edit, verbatim."
    )
    give_up_reason: str = Field(default="", description="Why it cannot be repaired here; leave empty otherwise.")

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.summary.strip()) == bool(self.give_up_reason.strip()):
            raise ValueError("give either summary with test_commands, or give_up_reason")
        if self.summary.strip() and not self.test_commands:
            raise ValueError("summary needs test_commands: the commands that show the repair")
        return self

    def read(self) -> str:
        return self.summary or f"Not repaired: {self.give_up_reason}"


class ReviewReply(Arguments):
    comment_id: str
    body: str = Field(min_length=1, description="The answer, as it will be posted.")
    changed: bool = Field(description="Whether the code was changed because of this comment.")


class Review(Arguments):
    replies: list[ReviewReply] = Field(description="One answer to each comment id.")
    summary: str = Field(min_length=1, description="What was changed, for people.")

    def read(self) -> str:
        return self.summary
