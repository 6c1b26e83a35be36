"""The root of the application's errors: data in attributes, the sentence in a template, a code for programs.

Each module puts its errors beside what raises them, as subclasses of the kinds below. The HTTP status of a kind
stands in one table, hub.http.problems.STATUS; nothing else knows about HTTP.
"""

from typing import ClassVar


class HubError(Exception):
    """Root. `code` is for programs and stable; `template` is a sentence over the keyword data."""

    code: ClassVar[str] = "error"
    template: ClassVar[str] = "the request could not be carried out"

    def __init__(self, **data: object) -> None:
        super().__init__(self.template.format(**data))
        self.data = data


class Missing(HubError):
    """Not there, or not for this actor: the answer is the same."""

    code = "not_found"
    template = "not found"


class Gone(HubError):
    """It was there and was removed for good; the answer may say so, and why."""

    code = "gone"
    template = "removed for good"


class Refused(HubError):
    """The actor may see the object but not do this to it."""

    code = "forbidden"
    template = "you may not do this"


class Invalid(HubError):
    """What was sent breaks a rule; `key`, `annotation` and `field` name the place where known."""

    code = "invalid"
    template = "{message}"

    def __init__(self, message: str = "the request is not valid", **data: object) -> None:
        super().__init__(message=message, **data)


class Conflict(HubError):
    """The present state does not allow it: a name is taken, a branch has moved."""

    code = "conflict"
    template = "{message}"

    def __init__(self, message: str = "the present state does not allow this", **data: object) -> None:
        super().__init__(message=message, **data)


class Stale(HubError):
    """A precondition (expected head, ETag) no longer holds."""

    code = "stale"
    template = "{message}"

    def __init__(self, message: str = "it has changed since you read it", **data: object) -> None:
        super().__init__(message=message, **data)


class TooLarge(HubError):
    """Beyond a limit that is there to protect everybody."""

    code = "too_large"
    template = "{what} may be at most {limit}"


class Unavailable(HubError):
    """A service this needs does not answer; trying again later makes sense."""

    code = "unavailable"
    template = "{service} does not answer; try again later"
