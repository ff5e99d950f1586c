"""What a tool is: one definition from which the schema, the agent's tool, the CLI and the training data come."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tools.arguments import Arguments
from tools.errors import BadArgument

EnvelopeName = Literal["datasheet", "physics"]


@dataclass(frozen=True)
class Context:
    """Where a tool runs: its stores, whose data it may read, which envelope holds.

    `tenant` None reads every tenant's data (an operator of the whole service).
    """

    home: Path
    tenant: str | None = None
    envelope: EnvelopeName = "datasheet"
    fleet_url: str | None = None  # SQLAlchemy URL; None: SQLite under home
    embedding_model: str = "all-MiniLM-L6-v2"  # that documents are indexed with


class Result(BaseModel):
    """Base of all results: frozen; `brief` is what a language model reads, the dump is everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def brief(self) -> dict[str, Any]:
        """The fields an answer needs, without the series that only plots need."""
        return self.model_dump(exclude_none=True)


@dataclass(frozen=True)
class Tool:
    """A typed function: `run(arguments, context) -> result`; name and description are the function's own.

    It runs with the catalogue of its context: the built-in cells and what the tenant confirmed of its documents.
    """

    run: Callable[[Any, Context], Result]
    arguments: type[Arguments]
    result: type[Result]

    def __post_init__(self):
        object.__setattr__(self, "run", _with_catalogue(self.run))

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def description(self) -> str:
        """First paragraph of the function's docstring, on one line."""
        return " ".join(inspect.getdoc(self.run).split("\n\n")[0].split())

    def parse(self, arguments: Mapping[str, Any]) -> Arguments:
        """Canonical arguments as a model; raises BadArgument naming the first bad field."""
        try:
            return self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            raise _first_problem(self, error) from None

    def wire_schema(self) -> dict[str, Any]:
        """OpenAI function schema. A quantity may be a number or the person's own words."""
        properties, required = {}, []
        for name, field in self.arguments.model_fields.items():
            properties[name] = _wire_property(field)
            if field.is_required():
                required.append(name)
        return {"type": "function", "function": {
            "name": self.name, "description": self.description, "strict": True,
            "parameters": {"type": "object", "properties": properties, "required": required,
                           "additionalProperties": False}}}


def _with_catalogue(run: Callable[[Any, Context], Result]) -> Callable[[Any, Context], Result]:
    @wraps(run)
    def running(arguments: Any, context: Context) -> Result:
        from tools.cells import using
        from tools.confirmed import catalogue_of

        with using(catalogue_of(context.home, context.tenant)):
            return run(arguments, context)

    return running


TEXT_QUANTITIES = ("asset_id", "cell_model", "site", "query")


def quantity_of(field) -> str | None:
    """How `tools.words` reads this field; None for an enumeration or a boolean."""
    return (field.json_schema_extra or {}).get("quantity")


def _wire_property(field) -> dict[str, Any]:
    quantity = quantity_of(field)
    if quantity in TEXT_QUANTITIES:
        kind = {"type": "string", "maxLength": 300 if quantity == "query" else 60}
    elif quantity is not None:
        kind = {"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 60}]}
    else:
        kind = _enumeration(field.annotation)
    return kind | ({"description": field.description} if field.description else {})


def _enumeration(annotation) -> dict[str, Any]:
    members = [a for a in getattr(annotation, "__args__", ()) if a is not type(None)] or [annotation]
    if members == [bool] or annotation is bool:
        return {"type": "boolean"}
    values = [v for m in members for v in (getattr(m, "__args__", None) or (m,))]
    return {"type": "string", "enum": values}


def _first_problem(tool: Tool, error: ValidationError) -> BadArgument:
    problem = error.errors()[0]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, BadArgument):
        return cause
    field = str(problem["loc"][0]) if problem["loc"] else tool.name
    known = tool.arguments.model_fields
    if problem["type"] == "extra_forbidden":
        return BadArgument(field, f"{tool.name} has no argument {field}; it takes {', '.join(known)}.")
    if problem["type"] == "missing":
        return BadArgument(field, f"{tool.name} needs {field}: {known[field].description}.")
    reason = problem["msg"][0].lower() + problem["msg"][1:]
    return BadArgument(field, f"{field} = {problem['input']!r} is not usable: {reason}.")
