"""The base of every noun."""

from pydantic import BaseModel, ConfigDict


class Word(BaseModel):
    """Base of every noun: frozen, keyword-only, and intolerant of unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
