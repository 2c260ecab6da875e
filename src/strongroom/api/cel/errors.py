"""What compiling and evaluating CEL raises. Messages never quote values of data."""


class CelError(Exception):
    """An expression that does not compile, or whose evaluation ends in an error.

    ``str()`` is the message that upstream puts behind the name of the field or rule.
    """


class CompileError(CelError):
    """No expression of its environment: syntax, unknown names, types that do not fit."""


class CelBudgetError(CelError):
    """An evaluation that would cost more than it may.

    ``overall`` says that what all expressions of the request may cost together is spent, so that
    evaluating further ones is no use.
    """

    def __init__(self, message: str, *, overall: bool = False) -> None:
        super().__init__(message)
        self.overall = overall
