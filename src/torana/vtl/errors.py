"""What can be wrong with a template, and with rendering one."""


class TemplateError(Exception):
    """The template's text is no template: says where."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message, self.line, self.column = message, line, column


class TemplateFailure(Exception):
    """A template could not be rendered for a request."""


class BodyNotJson(TemplateFailure):
    """The template looks into a body that is not JSON."""


class TemplateLimit(TemplateFailure):
    """The template did more than a template may."""
