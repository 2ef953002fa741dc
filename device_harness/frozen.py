"""The one base of frozen data."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable data that takes no unknown field; NaN and infinity survive JSON as text."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")
