"""What all tests share."""

from hypothesis import settings

# No test is judged by its time: the machine is shared.
settings.register_profile("tfscale", deadline=None)
settings.load_profile("tfscale")
