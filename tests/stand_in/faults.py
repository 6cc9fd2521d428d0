"""All faults of the stand-in, in the order in which they were written."""

from stand_in import (
    faults_fifth,
    faults_fifth_more,
    faults_fourth_answers,
    faults_fourth_effects,
    faults_fourth_lists,
    faults_of_access,
    faults_of_effects,
    faults_of_lists,
    faults_of_views,
    faults_second,
    faults_second_answers,
    faults_second_lists,
    faults_third_access,
    faults_third_effects,
    faults_third_lists,
    faults_third_views,
)
from stand_in.fault import FAULTS, Fault

__all__ = ["ALL", "FAULTS", "FIFTH", "FIRST", "FOURTH", "PARTS", "SECOND", "THIRD", "Fault"]

PARTS = (
    faults_of_effects,
    faults_of_lists,
    faults_of_views,
    faults_of_access,
    faults_second,
    faults_second_lists,
    faults_second_answers,
    faults_third_lists,
    faults_third_effects,
    faults_third_views,
    faults_third_access,
    faults_fourth_lists,
    faults_fourth_effects,
    faults_fourth_answers,
    faults_fifth,
    faults_fifth_more,
)
ALL = sorted(FAULTS.values(), key=lambda fault: fault.number)
#: Each later set was written to tell whether what the sets before it led to is general.
FIRST, SECOND, THIRD, FOURTH, FIFTH = (
    [fault for fault in ALL if start < fault.number <= end]
    for start, end in ((0, 200), (200, 300), (300, 400), (400, 500), (500, 600))
)
