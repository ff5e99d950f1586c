"""The two ways a tool says no, each with one clear sentence."""


class BadArgument(ValueError):
    """An argument that cannot be used as given: whoever called can correct it.

    `field` is the argument's name, the message one sentence with what would be valid.
    """

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field


class CannotAnswer(Exception):
    """The arguments are well formed but there is no answer: unknown pack, outside the valid range.

    The message is one sentence that names the bad thing and the nearest valid choice.
    """
