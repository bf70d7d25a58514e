"""Quantities add up, print as the API server prints them, and refuse what is none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from catalog import quantities
from catalog.tenant import CpuQuantity, MemoryQuantity

CPU: TypeAdapter[str] = TypeAdapter(CpuQuantity)
MEMORY: TypeAdapter[str] = TypeAdapter(MemoryQuantity)
amounts = st.integers(1, 10_000_000)


@given(amounts)
def test_cpu_survives_being_printed_and_is_a_quantity_of_the_catalog(thousandths):
    printed = quantities.cpu_quantity(thousandths)
    assert quantities.millicores(printed) == thousandths
    assert CPU.validate_python(printed) == printed


@given(amounts)
def test_memory_survives_being_printed_and_is_a_quantity_of_the_catalog(mib):
    printed = quantities.memory_quantity(mib)
    assert quantities.mebibytes(printed) == mib
    assert MEMORY.validate_python(printed) == printed


@given(st.from_regex("[1-9][0-9]{0,4}m?", fullmatch=True), st.integers(1, 50))
def test_cpu_taken_a_number_of_times_equals_its_repeated_sum(quantity, count):
    assert quantities.times_cpu(quantity, count) == quantities.add_cpu(*[quantity] * count)


@given(st.from_regex("[1-9][0-9]{0,4}(Mi|Gi)", fullmatch=True), st.integers(1, 50))
def test_memory_taken_a_number_of_times_equals_its_repeated_sum(quantity, count):
    assert quantities.times_memory(quantity, count) == quantities.add_memory(*[quantity] * count)


@pytest.mark.parametrize("wrong", ["0", "0m", "1.5", "-1", "1Gi", "", "250M", "٣"])
def test_what_is_no_cpu_quantity_is_refused_by_its_value(wrong):
    with pytest.raises(ValueError, match=re.escape(repr(wrong))):
        quantities.millicores(wrong)


@pytest.mark.parametrize("wrong", ["0Mi", "1", "1G", "1.5Gi", "", "1Ki"])
def test_what_is_no_memory_quantity_is_refused_by_its_value(wrong):
    with pytest.raises(ValueError, match=re.escape(repr(wrong))):
        quantities.mebibytes(wrong)


@pytest.mark.parametrize(
    "make", [quantities.cpu_quantity, quantities.memory_quantity], ids=["cpu", "memory"]
)
@pytest.mark.parametrize("amount", [0, -1])
def test_no_quantity_is_made_of_nothing(make, amount):
    with pytest.raises(ValueError, match="not a positive amount"):
        make(amount)
