"""The only place that makes verdicts: facts and limits in, `Verdict` out."""
