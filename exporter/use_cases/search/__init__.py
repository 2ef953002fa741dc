"""The use case of `mobile-export search`: a model and budgets in, an answer, a front and a study out."""
