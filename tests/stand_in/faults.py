"""All faults of the stand-in, in the order in which they were written."""

from stand_in import (
    faults_of_access,
    faults_of_effects,
    faults_of_lists,
    faults_of_views,
    faults_second,
    faults_second_answers,
    faults_second_lists,
)
from stand_in.fault import FAULTS, Fault

__all__ = ["ALL", "FAULTS", "FIRST", "PARTS", "SECOND", "Fault"]

PARTS = (
    faults_of_effects,
    faults_of_lists,
    faults_of_views,
    faults_of_access,
    faults_second,
    faults_second_lists,
    faults_second_answers,
)
ALL = sorted(FAULTS.values(), key=lambda fault: fault.number)
#: The second set was written later, to tell whether what the first set led to is general.
FIRST, SECOND = ([f for f in ALL if (f.number > 200) == later] for later in (False, True))
