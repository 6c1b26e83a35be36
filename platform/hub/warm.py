"""What the first visitor of a web process would wait for, made while the process starts and nobody waits.

Modules are imported, templates compiled and clients built; nobody is spoken to, so that a web server starts whether
the services are there or not. Who has something that is made at its first use names it in AppConfig.ready.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.urls import get_resolver

from hub.celery import prepare_sending
from hub.web.markdown import render

_named: list[Callable[[], object]] = []


def at_start(make: Callable[[], object]) -> None:
    """Have `make` called when a web process starts: it must not need a service that may be away."""
    _named.append(make)


def run() -> None:
    get_resolver().url_patterns  # noqa: B018 - every view is imported
    _templates()
    render("[a link](https://example.org), and www.example.org")
    prepare_sending()
    for make in _named:
        make()
    settle()


def settle() -> None:
    """What is there by now stays as long as the process: the collector of garbage need not look through it again."""
    gc.collect()
    gc.freeze()


def _templates() -> None:
    """Every template of ours, compiled into the cache of its engine."""
    for engine in engines.all():
        if isinstance(engine, DjangoTemplates):
            engine.engine.template_context_processors  # noqa: B018
        for folder in engine.dirs:
            for path in sorted(Path(folder).rglob("*.html")):
                engine.get_template(str(path.relative_to(folder)))
