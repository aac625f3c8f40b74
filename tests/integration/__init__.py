"""Tests against real sshds, browsers and nodes."""

import pytest

# What fails in a helper says what was compared, as it does in a test.
pytest.register_assert_rewrite("tests.integration.proving", "tests.integration.alive")
