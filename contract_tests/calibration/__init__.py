"""Calibration: learns the dials of a server, and compares it with its profile.

``learning`` replays a server's exchanges to a mock, once with each value of each dial. ``order``
learns the keys of lists, ``effects`` the effects of changes, and ``worded`` the texts and codes of
responses, with the facts of ``decision_tree``. The commands of ``cli`` call
``calibrate_command`` and ``diff_command``.
"""
