"""Names and addresses that are one whatever their case: asked for in the form that the unique indexes have.

`iexact` compares upper case, which no index of ours is about.
"""

from django.db.models.functions import Lower
from django.db.models.lookups import Exact


def folded(field: str, value: str) -> Exact:
    """`field` equals `value` whatever the case, by the index on Lower(field)."""
    return Exact(Lower(field), value.lower())
