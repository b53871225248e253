"""What the folder does, told from its texts: each file's objects followed through the order."""

from repot.folder.rules.story.replay import Story, tell
from repot.folder.rules.story.shapes import Incident, Place, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import World

__all__ = ["Incident", "Place", "Sort", "Step", "Story", "World", "tell"]
