"""The base of every noun, and how nouns are counted."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

FEW = 3
"""As many things are named in a sentence; of more it says how many more there are."""


class Word(BaseModel):
    """Base of every noun: frozen, keyword-only, and intolerant of unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def counted(number: int, noun: str, ending: str = "s") -> str:
    """``1 target``, ``2 targets``; ``ending`` is what makes the noun a plural."""
    return f"{number} {noun}{'' if number == 1 else ending}"


def few(names: Sequence[str], sign: str = ", ") -> str:
    """``a, b, c and 2 more``."""
    rest = len(names) - FEW
    return sign.join(names[:FEW]) + (f" and {rest} more" if rest > 0 else "")
