"""All eight tools: those of `tools` and the search over documents."""

from tools.toolset import TOOLS

from retrieval.search import SearchDocumentsResult, search_documents
from tools.arguments import SearchDocuments
from tools.contract import Tool
from tools.errors import BadArgument

ALL_TOOLS = (*TOOLS, Tool(search_documents, SearchDocuments, SearchDocumentsResult))


def tool_named(name: str) -> Tool:
    """The tool of that name; raises BadArgument with the nearest name."""
    for tool in ALL_TOOLS:
        if tool.name == name:
            return tool
    from rapidfuzz import process

    nearest = process.extractOne(name, [tool.name for tool in ALL_TOOLS])[0]
    raise BadArgument("name", f"There is no tool {name!r}; the nearest is {nearest}.")
