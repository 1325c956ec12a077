"""Properties: one file per kind of disagreement, each a pure function from an observation to judgements.

A property holds parties against each other and says for each thing it compared: agreement, disagreement, or
abstention with a reason.  :mod:`conformance.properties.registry` has a row for each.
"""
