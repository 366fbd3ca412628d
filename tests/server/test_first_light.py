from tests.genomics import factories
from tests.servers import Server


def test_it_serves(server: Server) -> None:
    assert server.get("/readyz").status == 200
    assert server.get("analyses").status == 200
    assert factories.signed_report(server)["status"] == "final"
