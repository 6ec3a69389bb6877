"""What all tests share."""

from hypothesis import settings

from tests.fixtures.side_by_side import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]

# No test is judged by its time: the machine is shared. `make test` tries the same examples each time, so that it says of a change what
# the change did; `make e2e-full` looks for new ones, by --hypothesis-profile=search.
settings.register_profile("search", deadline=None)
settings.register_profile("tfscale", deadline=None, derandomize=True)
settings.load_profile("tfscale")
