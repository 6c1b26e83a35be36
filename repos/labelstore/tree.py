"""The ordered Merkle tree: everything that is done with one, by name.

Invariant: a tree is a value. Its root depends on its entries, its target (keys per leaf) and its leaf format alone.
"""

from repos.labelstore.boundary import target_for
from repos.labelstore.build import build
from repos.labelstore.edit import ContradictingEdit, edit
from repos.labelstore.folders import Folder, folders
from repos.labelstore.read import get, nth, rank, scan
from repos.labelstore.repack import is_canonical, repack
from repos.labelstore.root import TreeRoot, decode_root, empty_root, encode_root

__all__ = [
    "ContradictingEdit",
    "Folder",
    "TreeRoot",
    "build",
    "decode_root",
    "edit",
    "empty_root",
    "encode_root",
    "folders",
    "get",
    "is_canonical",
    "nth",
    "rank",
    "repack",
    "scan",
    "target_for",
]
