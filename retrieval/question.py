"""What a search is asked: the person's own words, not what a language model made of them."""

import re
from collections.abc import Sequence

from retrieval.asked import asked
from retrieval.names import cells_meant
from tools.arguments import QUERY_CHARACTERS


def in_full(query: str, said: Sequence[str]) -> str:
    """The question as the person asked it, for a search; what the model made of it only where that says more.

    A small model drops and swaps words ("charge" for "discharge"), and search understands whole questions. Kept of the
    query is what earlier turns said ("and its mass?"), and all of it where the question alone asks for nothing.
    """
    question = " ".join(said[-1].split())
    here, before = _words(question), _words(" ".join(said[:-1]))
    written = query.split()
    if len(question) > QUERY_CHARACTERS:
        return query
    if asked(cells_meant(question)[1]).things:
        written = [word for word in written if _words(word) & before]
    longer = " ".join([*(word for word in written if not _words(word) <= here), question])
    return longer if len(longer) <= QUERY_CHARACTERS else question


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower()))
