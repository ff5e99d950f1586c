"""What can go wrong around an answer, each with one sentence for the person."""


class BadQuestion(ValueError):
    """A question that cannot be taken: empty, or not a conversation."""


class QuestionTooLong(BadQuestion):
    """More text than the model can read."""


class ModelUnavailable(Exception):
    """The language model does not answer."""


class CannotStart(Exception):
    """A server or a build step cannot start; the sentence says what to do."""
