"""The checks that a pull request must pass; each is a job of the workflow `pull-request`."""

from __future__ import annotations

REQUIRED_CHECKS = ("check", "plan")
"""Names of jobs. GitHub waits for ever for one that no workflow has: a test compares them."""

GITHUB_ACTIONS = 15368
"""The id of the app that reports them, so that nobody else can: GitHub Actions, on github.com.

Source: https://api.github.com/apps/github-actions
"""
