"""Loads files of variables with python-dotenv and prints what each sets, as JSON.

usage: read.py FOLDER        files 0, 1, 2, … of the folder
"""

import json
import os
import sys

from dotenv import dotenv_values

folder = sys.argv[1]
os.environ.clear()
found = []
for name in sorted(os.listdir(folder), key=int):
    found.append(dict(dotenv_values(os.path.join(folder, name))))
json.dump(found, sys.stdout)
