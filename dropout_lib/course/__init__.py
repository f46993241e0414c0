"""What makes notebooks a course: claims, exercises, the check-up."""

from dropout_lib.course.checkup import report
from dropout_lib.course.claims import claim, what_we_checked
from dropout_lib.course.exercises import check

__all__ = ["check", "claim", "report", "what_we_checked"]
