"""What every model promises, over every recipe x event x condition: the laws of `pipeline.laws`."""

from __future__ import annotations

import pytest
from toys import Toy, subject, toys

from pipeline.laws.law import Law
from pipeline.laws.models import LAWS
from pipeline.laws.subject import Subject

each_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
every = pytest.mark.parametrize("toy", toys(), ids="-".join)


@each_law
@every
def test_the_contract(toy: Toy, law: Law[Subject]) -> None:
    put_to = subject(toy)
    if law.concerns(put_to):
        law.check(put_to)
