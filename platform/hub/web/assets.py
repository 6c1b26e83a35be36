"""The built front end as a running server sees it: read again when it was built again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_vite.core.asset_loader import DjangoViteAppClient, ManifestClient
from django_vite.core.exceptions import DjangoViteManifestError
from whitenoise.middleware import WhiteNoiseMiddleware

log = structlog.get_logger(__name__)


def built_at(manifest: Path) -> int:
    """When it was written, in nanoseconds; 0 while there is none."""
    try:
        return manifest.stat().st_mtime_ns
    except OSError:
        return 0


class FreshManifest(ManifestClient):  # type: ignore[misc]
    """One look at the clock of the file for every name that is asked for. Half a manifest leaves the old one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._built_at = built_at(self.manifest_path)

    def get(self, path: str) -> Any:
        now = built_at(self.manifest_path)
        if now and now != self._built_at:
            self._read(now)
        return super().get(path)

    def _read(self, now: int) -> None:
        try:
            self._entries, self.legacy_polyfills_entry = self._parse_manifest()
        except DjangoViteManifestError as error:
            log.warning("the manifest of the front end cannot be read yet", error=str(error))
            return
        self._built_at = now


class FreshClient(DjangoViteAppClient):  # type: ignore[misc]
    ManifestClient = FreshManifest


class FreshStaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise lists the files when it starts; a build that came after that is listed when it is there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._manifest = Path(str(settings.DJANGO_VITE["default"]["manifest_path"]))
        self._built_at = built_at(self._manifest)
        super().__init__(get_response)

    def __call__(self, request: HttpRequest) -> Any:
        now = built_at(self._manifest)
        if now and now != self._built_at:
            self._built_at = now
            self.add_files_from_finders()
        file = self.files.get(request.path_info)
        if file is None:
            return self.get_response(request)
        try:
            return self.serve(file, request)
        except FileNotFoundError:  # of an earlier build, and gone
            self.files.pop(request.path_info, None)
            return self.get_response(request)
