"""Without its extra the package says what to install."""

import subprocess
import sys


def test_the_absence_of_joserfc_is_named_with_the_remedy():
    program = "import sys; sys.modules['joserfc'] = None; import hardy.adapters.jwt"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "hardy.adapters.jwt needs joserfc. Install it with: pip install 'hardy[auth]'" in done.stderr
