"""Without its extra the package says what to install."""

import subprocess
import sys


def test_the_absence_of_aiosqlite_is_named_with_the_remedy():
    program = "import sys; sys.modules['aiosqlite'] = None; import hardy.adapters.sql"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "hardy.adapters.sql needs aiosqlite. Install it with: pip install 'hardy[sql]'" in done.stderr
