"""What can go wrong around an answer, each with one sentence for the person."""


class OracleError(Exception):
    """Base: the message is one sentence that can be shown."""


class BadQuestion(OracleError):
    """A question that cannot be taken: empty, or not a conversation."""


class QuestionTooLong(BadQuestion):
    """More text than the model can read."""


class ModelUnavailable(OracleError):
    """The language model does not answer."""


class CannotRecord(OracleError):
    """The audit log cannot be written or read; nothing is answered without a record."""


class CannotStart(OracleError):
    """A server or a build step cannot start; the sentence says what to do."""
