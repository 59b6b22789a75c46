#!/usr/bin/env bash
# On an offline machine with a GPU: builds, tests and times shinsaku from the pack that `npm run gpu-pack` made, with the
# torch of the Python at hand. Results go to build/gpu-results and, where it is set, to $OUT.
#   bash bench/gpu/run.sh [build] [test] [doctor] [exact] [bench] [--help for the rest]
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
export PATH="$root/node/bin:$root/node_modules/.bin:$PATH"
# Where pip has put CMake, Ninja and CUDA's headers, if they are nowhere else.
python=${SHINSAKU_PYTHON:-python3}
export PATH="$PATH:$("$python" -c 'import os, sys; print(os.path.dirname(sys.executable))' 2>/dev/null)"
headers=$("$python" -c 'import glob, sysconfig; print(":".join(glob.glob(sysconfig.get_path("purelib") + "/nvidia/*/include")))' 2>/dev/null)
[ -n "$headers" ] && export CPLUS_INCLUDE_PATH="${CPLUS_INCLUDE_PATH:+$CPLUS_INCLUDE_PATH:}$headers"
export PYTHONPATH="$root/python${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
export LIBTORCH_USE_PYTORCH=1 SHINSAKU_FETCH=0
# Where containers mount the driver without telling the linker.
if ! ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1'; then
  for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/local/cuda/compat; do
    [ -e "$folder/libcuda.so.1" ] && export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  done
fi
exec node "$root/bench/gpu/phases.mjs" "$@"
