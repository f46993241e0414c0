"""What makes notebooks a course: claims with a verdict that is measured, and the table of what was checked."""

from dropout_lib.course.claims import claim, what_we_checked

__all__ = ["claim", "what_we_checked"]
