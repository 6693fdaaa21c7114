import json

import pytest

from hardy.server import problem


@pytest.mark.parametrize("status", [400, 408, 413, 414, 417, 431, 500, 503])
def test_the_engines_errors_are_problem_documents_with_a_canonical_code(status):
    response = problem(status, "why")
    document = json.loads(response.body)

    assert (response.status, document["status"], document["detail"]) == (status, status, "why")
    assert (b"content-type", b"application/problem+json") in response.headers
    assert document["type"] == "about:blank"
    assert document["title"]
    assert document["code"].isupper()
    assert document["code"] != "UNKNOWN"
