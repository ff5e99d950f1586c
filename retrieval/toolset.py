"""All eight tools: those of `tools` and the search over documents."""

from retrieval.search import SearchDocumentsResult, search_documents
from tools import toolset
from tools.arguments import SearchDocuments
from tools.contract import Tool

ALL_TOOLS = (*toolset.TOOLS, Tool(search_documents, SearchDocuments, SearchDocumentsResult))


def tool_named(name: str) -> Tool:
    """The tool of that name; raises BadArgument with the nearest name."""
    return toolset.tool_named(name, ALL_TOOLS)
