"""What is wrong with a rule."""


class BadRule(Exception):
    """A web ACL's part that cannot be evaluated. `field`, `parameter` and `reason` are the terms
    of the service's WAFInvalidParameterException."""

    def __init__(self, field: str, parameter: str, reason: str) -> None:
        super().__init__(f"{field} {parameter!r}: {reason}")
        self.field, self.parameter, self.reason = field, parameter, reason
