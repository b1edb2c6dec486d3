"""Error bounds as Python says them, in the library's words."""

from __future__ import annotations

from collections.abc import Mapping

from baler.errors import InvalidArgumentError


def bound_of(**kinds: float | bool | None) -> str | None:
    """The one bound among the keywords as "KIND:VALUE"; `None` where there is none. Errors for two."""
    given = {k: v for k, v in kinds.items() if v is not None and v is not False}
    if len(given) > 1:
        raise InvalidArgumentError(f"{' and '.join(f'{k}=' for k in given)} are two bounds; give one")
    for kind, value in given.items():
        kind = kind.replace("bound_none", "none")
        if value is True:
            return kind
        try:
            return f"{kind}:{float(value)!r}"
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"{kind}={value!r} is no number") from None
    return None


def bounds_of(bounds: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """Bounds by name: {"pt": "abs:0.01"}."""
    if bounds is not None and not isinstance(bounds, Mapping):
        raise InvalidArgumentError(f"bounds={bounds!r}: want bounds by name, such as {{'pt': 'abs:0.01'}}")
    for name, bound in (bounds or {}).items():
        if not isinstance(bound, str):
            raise InvalidArgumentError(f"bounds={{'{name}': ...}}: want 'KIND:VALUE', such as 'abs:0.01', or 'lossless'")
    return list((bounds or {}).items())
