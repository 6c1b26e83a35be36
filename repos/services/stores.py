"""The stores as the settings name them: blobs in S3 or in a folder, nodes in packs of a network.

Clients are made once a process and shared by its threads; a node store is made for one piece of work.
"""

from __future__ import annotations
