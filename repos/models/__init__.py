from repos.models.blobs import Blob, BlobGrant, UploadSession
from repos.models.derived import Derived
from repos.models.erasure import CommitSuccessor, Reason, Tombstone
from repos.models.identity import ExternalIdentity, PredictionSet
from repos.models.network import CommitRecord, DiscardedObject, MissedNode, Network, NodeLocation, Pack
from repos.models.refs import Ref, ReflogEntry
from repos.models.repository import Collaborator, Repository, Role, Star, Visibility
from repos.models.staging import StagingArea, StagingOperation
from repos.models.uploads import JobRefusal, Upload, UploadedFile

__all__ = [
    "Blob",
    "BlobGrant",
    "Collaborator",
    "CommitRecord",
    "CommitSuccessor",
    "Derived",
    "DiscardedObject",
    "ExternalIdentity",
    "JobRefusal",
    "MissedNode",
    "Network",
    "NodeLocation",
    "Pack",
    "PredictionSet",
    "Reason",
    "Ref",
    "ReflogEntry",
    "Repository",
    "Role",
    "StagingArea",
    "StagingOperation",
    "Star",
    "Tombstone",
    "Upload",
    "UploadSession",
    "UploadedFile",
    "Visibility",
]
