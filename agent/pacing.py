"""When the loop itself speaks up: nudges, giving up, and shortening the conversation.

Pure decisions over a window's state, so that a resumed window takes the same ones.
"""

from __future__ import annotations

from agent import stuck
from agent.contract import ExitStatus, Limits, Phase
from agent.journal import Closed, Compacted, Nudged
from agent.window import Step, Window

KEEP = 10
"""Tool results always in full view."""
BLOCK = 10
"""Results are masked this many at a time, so that the provider's cache of the conversation's head stays good."""
SOFT_SHARE = 0.4
SOFT_TOKENS = 60_000
_SUMMARY_KEEPS = 2
_READING = 15
_LAST_STEPS = 5
_SHORTEST_BRIEF = 100
_FORCED = 6
_WRITING_PHASES = (Phase.implement, Phase.repair)

_NO_CALL = "Your reply called no tool, so nothing happened. Every reply calls a tool; when all is done, that is submit."
_CUT_OFF = (
    "Your reply was cut off because it was too long, and held no complete tool call. Be brief: one or two sentences "
    "and one tool call; write large files in several edits."
)


def soft_limit(context_tokens: int) -> int:
    """Tokens from which on a conversation is shortened."""
    return min(int(context_tokens * SOFT_SHARE), SOFT_TOKENS)


def interruption(window: Window, phase: Phase, limits: Limits) -> Nudged | Closed | None:
    """What the loop has to say after the last step, if anything and if not said yet."""
    last = window.last
    if not isinstance(last, Step):
        return None
    if not last.reply.calls:
        if window.monologue >= stuck.MONOLOGUE:
            return _stuck(f"{stuck.MONOLOGUE} replies in a row called no tool")
        cut = last.reply.finish_reason == "length"
        return Nudged(pattern="cut_off" if cut else "monologue", text=_CUT_OFF if cut else _NO_CALL)
    if window.malformed >= stuck.MALFORMED:
        reason = f"{stuck.MALFORMED} replies in a row held only calls that could not be read"
        return Closed(status=ExitStatus.repeated_format_error, reason=reason)
    circle = stuck.pattern(window.history)
    if circle is not None:
        if "circle" in window.nudges:
            return _stuck(f"{circle}, after a warning")
        return Nudged(
            pattern="circle",
            text=f"You are going round in circles: {circle}. Step back, say what you expected, and try something else; "
            "another such circle ends this window.",
        )
    if phase in _WRITING_PHASES and window.reading >= _READING:
        return Nudged(
            pattern="reading",
            text=f"The last {window.reading} steps only looked at things. You know enough to begin: make the first "
            "edit now, or call flag_for_human if something is missing.",
        )
    left = limits.steps - window.steps
    if 0 < left <= _LAST_STEPS and "ending" not in window.nudges:
        return Nudged(
            pattern="ending",
            text=f"{left} steps are left. Finish what is essential, run the tests once, and hand in with submit.",
        )
    return None


def compaction(window: Window, tokens: int, soft: int) -> Compacted | str | None:
    """How to shorten the conversation before the next call: a mask, `"summary"` (which needs a model), or None.

    `tokens` is the conversation's estimated size, `soft` the limit from which on it is shortened.
    """
    unmasked = len(window.observations) - window.masked
    if unmasked >= KEEP + BLOCK or (tokens > soft and unmasked > KEEP):
        upto = window.maskable(KEEP)
        if upto:
            return Compacted(how="mask", observations=upto)
    if tokens > soft and len(window.visible_steps) > _SUMMARY_KEEPS + 1:
        return "summary"
    return None


def forced_compaction(window: Window) -> Compacted | Closed | str:
    """The next thing to try after a provider refused the conversation as too long."""
    upto = window.maskable(1)
    if window.forced < _FORCED:
        if upto:
            return Compacted(how="mask", observations=upto, forced=True)
        if len(window.visible_steps) > _SUMMARY_KEEPS:
            return "summary"
        if len(window.brief) > _SHORTEST_BRIEF:
            return Compacted(how="shorten", chars=len(window.brief) // 2, forced=True)
    return Closed(
        status=ExitStatus.context_window,
        reason="the conversation does not fit the model's context window, even shortened as far as it goes; "
        "use a model with a larger one",
    )


def kept_by_summary(window: Window) -> int:
    """How many of the newest steps a summary leaves as they are."""
    return min(_SUMMARY_KEEPS, max(0, len(window.visible_steps) - 1))


def budget_line(window: Window, limits: Limits, seconds: float, *, replies: int) -> str:
    """What of the window's limits is used, as shown to the model after each step."""
    tokens = f"{window.tokens:,} tokens" + (f" of {limits.tokens:,}" if limits.tokens else "")
    minutes = f"{(window.seconds + seconds) / 60:.0f} of {limits.seconds / 60:.0f} minutes"
    return f"[step {replies} of {limits.steps}; used: {tokens}, {minutes}]"


def _stuck(reason: str) -> Closed:
    return Closed(status=ExitStatus.stuck, reason=f"the model was going round in circles: {reason}")
