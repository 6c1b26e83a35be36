"""Markdown of cards, descriptions and comments: rendered, then sanitised, always both.

The renderer's preset keeps raw HTML out; the sanitiser is the second wall and also bounds links. Relative links of a
card stay inside its repository.
"""

from __future__ import annotations

from functools import cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

LIMIT = 512 * 1024
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "input", "label",
    "li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"type", "checked", "disabled"},
    "code": {"class"},
    "li": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
    "ul": {"class"},
}
SET = {"pre": {"tabindex": "0"}}  # long lines scroll: also by keys
SCHEMES = {"http", "https", "mailto"}


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("js-default", {"linkify": True, "typographer": False})
    return renderer.use(front_matter_plugin).use(tasklists_plugin, label=True)


def render(text: str) -> SafeString:
    """Safe HTML of a Markdown text; a front matter block (a data card's metadata) is left out."""
    html = _renderer().render(text[:LIMIT])
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        set_tag_attribute_values=SET,
        url_schemes=SCHEMES,
        link_rel="nofollow ugc noopener",
    )
    return mark_safe(clean)  # noqa: S308 - sanitised on the line above
