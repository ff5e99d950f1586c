"""What is searched: passages, cut from documents, each with its source and its owner."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["datasheet", "fleet_summary", "file"]

# A passage is data. Marks that a chat template or a tool parser would read as its own are taken out, so that no
# document can end a turn or place a call: ChatML, Llama, Qwen, DeepSeek (full-width bars), Mistral, Gemma.
_CONTROL_MARKS = re.compile(
    r"<\s*[|｜][^<>|｜]{0,60}[|｜]\s*>|<\s*/?\s*(?:tool_calls?|tool_responses?|tools|think(?:ing)?|function_calls?|invoke|"
    r"parameter|s|bos|eos|pad|unk|start_of_turn|end_of_turn|system|assistant|user|im_start|im_end)\b[^<>]{0,80}>|"
    r"\[\s*/?\s*(?:INST|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)\s*\]|<</?SYS>>|[▁]", re.IGNORECASE)


@dataclass(frozen=True)
class Passage:
    """A few sentences that can be cited.

    `tenant` owns it (None: the operator of the whole service) unless it is `public`. `names` are its
    subject's other names, `hints` other words for its topic: searched, never shown. `queries` names, for each
    number in a fleet summary, the store query that made it.
    """

    document: str
    text: str
    kind: Kind
    source: str
    page: int | None = None
    cell_model: str | None = None
    public: bool = False
    tenant: str | None = None
    site: str | None = None  # fleet summaries only; None: all sites
    month: str | None = None  # fleet summaries only, "2026-10"; None: several months
    names: str = ""
    hints: str = ""
    queries: dict[str, Any] = field(default_factory=dict)

    @property
    def embedded(self) -> str:
        """What the embedder reads: the topic and the text; names say little to it."""
        return f"{self.hints}. {self.text}"

    @property
    def searched(self) -> str:
        """What is indexed by words."""
        return f"{self.document}. {self.names}. {self.hints}. {self.text}"

    @property
    def digest(self) -> str:
        """SHA-256 of the embedded text: the same digest has the same vector."""
        return hashlib.sha256(self.embedded.encode()).hexdigest()

    def record(self) -> dict[str, Any]:
        """As a JSON object; the inverse of `Passage(**record)`."""
        return dict(vars(self))


def clean(text: str) -> str:
    """One line of plain text: control marks and control characters removed, white space collapsed."""
    visible = "".join(c if c.isprintable() else " " for c in text)
    previous = None
    while previous != visible:  # a mark may appear once another inside it is removed
        previous, visible = visible, _CONTROL_MARKS.sub(" ", visible)
    return " ".join(visible.split())
