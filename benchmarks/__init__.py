"""How fast the mock is: beside other mock servers, and as its world grows.

Run it by ``make bench``. Nothing imports this folder, and no test needs it.
"""
