"""A chat model that says what a test wrote down, and the agent around it."""

from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from pydantic import PrivateAttr

from oracle.agent import Agent
from oracle.settings import Settings

# what an answer about any of the tests' simulations has to say
TOLD = ("The anode stays above 0 V against lithium. Outside the datasheet envelope: it is above the 1.44 A allowed "
        "here (LG M50LT datasheet, 0 to 25 degC).")


class Scripted(FakeMessagesListChatModel):
    """Gives its responses in order; an exception among them is raised. Keeps what it was shown."""

    responses: list
    _seen: list = PrivateAttr(default_factory=list)
    _schemas: list = PrivateAttr(default_factory=list)

    def bind_tools(self, tools, **_):
        self._schemas[:] = tools
        return self

    def _generate(self, messages, *args, **kwargs):
        self._seen.append(messages)
        if isinstance(self.responses[self.i], Exception):
            self.i += 1
            raise self.responses[self.i - 1]
        return super()._generate(messages, *args, **kwargs)

    @property
    def seen(self) -> list:
        return self._seen


def calls(*wanted: tuple[str, dict]) -> AIMessage:
    """An answer that calls tools."""
    return AIMessage("", tool_calls=[{"name": n, "args": a, "id": f"c{i}"} for i, (n, a) in enumerate(wanted)])


def scripted_agent(home, *responses, **settings) -> Agent:
    """An agent with the real tools whose model says `responses`."""
    said = [AIMessage(r) if isinstance(r, str) else r for r in responses]
    return Agent(Settings(home=home, **settings), Scripted(responses=said))


def question(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]
