"""A JSON merge patch (RFC 7396) laid over what is there."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from booking.api.problem import field_errors
from booking.errors import Invalid

Model = TypeVar("Model", bound=BaseModel)


def merged(model: type[Model], now: BaseModel, patch: BaseModel, *besides: str) -> Model:
    """What `now` becomes with the fields that were sent; `besides` are not the model's own.

    Raises Invalid with the faults of the whole.
    """
    sent = patch.model_dump(exclude_unset=True, exclude=set(besides))
    values: dict[str, Any] = now.model_dump() | sent
    try:
        return model.model_validate(values)
    except ValidationError as refused:
        raise Invalid(fields=field_errors(refused.errors())) from None
