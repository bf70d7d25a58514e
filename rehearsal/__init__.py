"""Evaluates the stack programs in-process, and applies them to a cloud on this machine."""
