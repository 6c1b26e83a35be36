"""What every template loads: icons drawn inline, so that they take the colour of the text beside them."""

from __future__ import annotations

import json
from functools import cache

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@cache
def _icons() -> dict[str, str]:
    """Inner SVG by name; the file is ours and part of the release, so its text is trusted."""
    path = settings.FRONTEND / "icons" / "octicons.json"
    icons: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return icons


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """An icon of the set; an unknown name is a mistake in a template and fails loudly."""
    inner = _icons()[name]
    return format_html(
        '<svg class="i" viewBox="0 0 16 16" width="{}" height="{}" fill="currentColor" aria-hidden="true">{}</svg>',
        size,
        size,
        mark_safe(inner),  # noqa: S308 - from our own file
    )
