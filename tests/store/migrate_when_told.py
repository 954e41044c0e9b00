"""A process of its own that migrates each database whose URL comes in as a line, and answers "done"."""

import sys

from store.database import Database
from store.migrating import migrate

if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        database = Database(line.strip())
        migrate(database)
        database.close()
        print("done", flush=True)
