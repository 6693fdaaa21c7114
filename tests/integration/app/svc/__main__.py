from hardy import run
from svc.app import build

run(build)
