"""The planted faults fit their files, so that the mutation rig keeps its worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.faults import FAULTS, Fault
from bench.mutation import planted

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_fits(fault: Fault) -> None:
    """Its line stands once in its file, the file stays Python, and its tests exist."""
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    wrong = planted(text, fault)
    assert wrong != text
    compile(wrong, fault.file, "exec")
    assert all((ROOT / test).exists() for test in fault.tests)


def test_faults_have_names_of_their_own() -> None:
    """A name says which fault survived, so no two share one."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
