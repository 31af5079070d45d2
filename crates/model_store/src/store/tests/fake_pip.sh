#!/bin/sh
# Stands in for `python3 -m pip download … --dest DIR NAME==VERSION`. What it does is chosen by the package's name; the wheels
# it gives lie in `wheels/` beside the store, four folders above DIR. Its words are those of real pips.
for last; do :; done
[ "$last" = "--version" ] && { echo "pip 23.0.1 from /usr/lib/python3/dist-packages/pip (python 3.11)"; exit 0; }
while [ "$1" != "--dest" ]; do shift; done
dest=$2
home=$dest/../../../..
echo "$last" >> "$home/asked"
case $last in
  no-pip==*)
    echo "/usr/bin/python3: No module named pip" >&2; exit 1;;
  no-network==*)
    echo "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f450a812650>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/x/" >&2
    echo "ERROR: Could not find a version that satisfies the requirement $last (from versions: none)" >&2
    echo "ERROR: No matching distribution found for $last" >&2; exit 1;;
  no-version==*)
    echo "ERROR: Could not find a version that satisfies the requirement $last (from versions: 0.1, 0.1.1)" >&2
    echo "ERROR: No matching distribution found for $last" >&2; exit 1;;
  full-disk==*)
    echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device" >&2; exit 1;;
  silent==*)
    exit 1;;
  no-wheel==*)
    echo "Successfully downloaded nothing"; exit 0;;
  two-wheels==*)
    : > "$dest/a.whl"; : > "$dest/b.whl"; exit 0;;
esac
# One that never comes: a named pipe that nobody writes to.
[ -p "$home/wheels/$last.whl" ] && exec cat "$home/wheels/$last.whl"
cp "$home/wheels/$last.whl" "$dest/x-0-py3-none-any.whl" || { echo "ERROR: HTTP error 404 while getting $last" >&2; exit 1; }
