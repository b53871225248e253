"""Running what is pending, and saying by hand what became of a migration."""

from repot.folder.deploy.resolve import Resolution, resolve
from repot.folder.deploy.result import Deployment, Failure, Ran
from repot.folder.deploy.run import Options, deploy

__all__ = ["Deployment", "Failure", "Options", "Ran", "Resolution", "deploy", "resolve"]
