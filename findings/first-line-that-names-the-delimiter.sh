#!/usr/bin/env bash
# CSV files whose first line is `sep=,` (Excel reads it, many programs write it for Excel): what do
# the usual readers make of it?
#
# Guess, written down before the first run: DuckDB's sniffer skips the line, since it looks for the
# header; all others take it for the header.
# Seen: DuckDB reads the table; polars and pyarrow refuse it; pandas gives no error: all rows, under the
# columns `sep=` and `Unnamed: 1`, the header among the rows, the first column moved to the
# index without a word, so that what is called `sep=` is the second column.
#
# Downloads about 150 MB from the package index. Exits with 1 once it is otherwise.
set -euo pipefail
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
python3 -m venv "$W/venv"
"$W/venv/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
cd "$W"
printf 'sep=,\r\nname,amount,note\r\n' > a.csv
for n in 1 2 3 4 5 6 7 8 9; do printf 'Ada %s,%s,x\r\n' "$n" "$n" >> a.csv; done
venv/bin/python - <<'PY'
import importlib.metadata, sys

import duckdb, pandas, polars, pyarrow.csv


def told(read):
    try:
        return read()
    except Exception as error:
        return type(error).__name__


def in_pandas():
    frame = pandas.read_csv("a.csv")
    return list(frame.columns), len(frame), [str(part) for part in (frame.index[1], *frame.iloc[1])]


seen = {
    "duckdb": told(lambda: (duckdb.read_csv("a.csv").columns, len(duckdb.read_csv("a.csv").fetchall()))),
    "polars": told(lambda: polars.read_csv("a.csv").columns),
    "pyarrow": told(lambda: pyarrow.csv.read_csv("a.csv").column_names),
    "pandas": told(in_pandas),
}
for package, found in seen.items():
    print(package, importlib.metadata.version(package), found)
right = {
    "duckdb": (["name", "amount", "note"], 9),
    "polars": "ComputeError",
    "pyarrow": "ArrowInvalid",
    "pandas": (["sep=", "Unnamed: 1"], 10, ["Ada 1", "1", "x"]),
}
sys.exit(0 if seen == right else 1)
PY
