"""The base of every noun, and how nouns are counted."""

from pydantic import BaseModel, ConfigDict


class Word(BaseModel):
    """Base of every noun: frozen, keyword-only, and intolerant of unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def counted(number: int, noun: str, ending: str = "s") -> str:
    """``1 target``, ``2 targets``; ``ending`` is what makes the noun a plural."""
    return f"{number} {noun}{'' if number == 1 else ending}"
