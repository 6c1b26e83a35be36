from reviews.models.discussion import Comment, Review, Thread
from reviews.models.pull import PullEvent, PullNumber, PullRequest
from reviews.models.resolution import Resolution, ResolutionRule
from reviews.models.viewed import ViewedSample

__all__ = [
    "Comment",
    "PullEvent",
    "PullNumber",
    "PullRequest",
    "Resolution",
    "ResolutionRule",
    "Review",
    "Thread",
    "ViewedSample",
]
