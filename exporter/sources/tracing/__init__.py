"""A source as one traced graph, in operators that converters know."""
