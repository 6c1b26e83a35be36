"""A user's program that sends one large file in parts: `python -m tests.soak.sender BASE TOKEN OWNER/NAME FILE`.

It keeps nothing: begun again with the same file it goes on. One line a part that it sent, then the upload's document.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from tests.real.api import Api


def main(base: str, token: str, repository: str, path: str) -> None:
    api, data = Api(base, token), Path(path).read_bytes()
    uploads = f"repos/{repository}/media/uploads"
    announced = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "media_type": "video/mp4",
    }
    upload = api.post(uploads, announced)
    for part in api.pages(f"{uploads}/{upload['id']}/parts?limit=3"):
        if part["sent"]:
            continue
        body = data[part["offset"] : part["offset"] + part["size"]]
        answer = api.pool.request("PUT", part["url"], body=body)
        if answer.status != 200:
            raise SystemExit(f"part {part['number']}: {answer.status} {answer.data[:500]!r}")
        print(part["number"], flush=True)
    print(json.dumps(api.post(f"{uploads}/{upload['id']}")), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
