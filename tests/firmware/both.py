"""Runs situations on MicroPython, all of a module in one process. Refuses to hide a failure's traceback."""

from pathlib import Path

HERE = Path(__file__).parent


def situations(module, prefix):
    return [name for name in vars(module) if name.startswith(prefix)]


def run_all(run_micropython, compiled, module, prefix):
    """-> what the interpreter printed: `ok <name>` or `failed <name>` and why, one for each situation."""
    names = situations(module, prefix)
    # The threshold: the unix port has been seen to refuse a large block with 7 of 8 MB free, when it waits for a
    # full heap before it collects.
    script = f"""
import gc, sys
gc.threshold(500_000)
import {module.__name__} as module
for name in {names}:
    try:
        gc.collect()
        getattr(module, name)()
        print("ok", name)
    except Exception as e:
        print("failed", name)
        sys.print_exception(e, sys.stdout)
"""
    done = run_micropython(script, heap="4096wK", path=f"{compiled}:{HERE}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
