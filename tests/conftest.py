"""What all tests share."""

from hypothesis import settings

from tests.fixtures.side_by_side import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]

# No test is judged by its time: the machine is shared.
settings.register_profile("tfscale", deadline=None)
settings.load_profile("tfscale")
