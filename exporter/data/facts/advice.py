"""What a format knows of a target and the gates do not: facts and words for their sentences."""

from exporter.data.base import Frozen


class Advice(Frozen):
    """Of one target, from its format.

    Attributes:
        compresses: whether the target asks for anything that should make the artifact smaller than its float twin.
        integer_mode: the mode in which every operator is expected to compute in integers; empty where none is.
        slow_because: why compression may make the artifact slower, as a clause; empty where nothing is known.
        on_overflow: what to do where outputs become NaN or infinite, as a clause.
        keep_float: the settings that keep the end of a head in float, as a clause.
        keep_layer: what a rule sets to keep what it selects in float, such as ``keep = "float32"``; empty where the
            target takes no such rule.
    """

    compresses: bool = False
    integer_mode: str = ""
    slow_because: str = ""
    on_overflow: str = "look at the range of the values before the operation that gives them"
    keep_float: str = "keep in float the concatenation"
    keep_layer: str = ""


GENERAL = Advice()
"""What can be said of any format."""
