"""All faults of the stand-in, in the order in which they were written."""

from stand_in import faults_of_access, faults_of_effects, faults_of_lists, faults_of_views
from stand_in.fault import FAULTS, Fault

__all__ = ["ALL", "FAULTS", "PARTS", "Fault"]

PARTS = (faults_of_effects, faults_of_lists, faults_of_views, faults_of_access)
ALL = sorted(FAULTS.values(), key=lambda fault: fault.number)
