import os
import sys

# Bytecode is kept whatever the environment says: many processes import the library, and each would compile it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
