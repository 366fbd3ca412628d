"""The image as it was built: its files, its configuration, and how it runs.

CAREWAY_IMAGE names it: `make image`, then `CAREWAY_IMAGE=careway:0.1.0 make test ARGS=tests/image`. Without the variable
all of this is skipped: an image that happens to be here may be of another commit.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from urllib.request import urlopen

import pytest
from django.conf import settings

from docker.build import PROJECT
from docker.builders import Builder, builder
from tests.config.starting import HOUSE
from tests.image.archive import Archive, File
from tests.image.container import STATE, USER, Container, Run, Runner, runner_for
from tests.image.test_context import FILES, ROOMS
from tests.postgres import Postgres
from tests.servers import free_port
from tests.test_house import ROOT, TRACKED, name_of
from tests.worlds import world_of

IMAGE = os.environ.get("CAREWAY_IMAGE", "")
MOST_ON_TOP = 130_000_000
MOST_SECONDS = 3.0
pytestmark = pytest.mark.skipif(not IMAGE, reason="no image: CAREWAY_IMAGE names none (`make image` builds one)")


@pytest.fixture(scope="module")
def program() -> Builder:
    found = builder()
    assert found.has(IMAGE), f"{found.name} has no image {IMAGE}: make image builds it"
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("image")


@pytest.fixture(scope="module")
def archive(program: Builder, folder: Path) -> Archive:
    program.write(IMAGE, folder / "image.tar")
    return Archive(folder / "image.tar")


@pytest.fixture(scope="module")
def files(archive: Archive) -> dict[str, File]:
    found = archive.files()
    assert len(found) > 3000
    return found


@pytest.fixture(scope="module")
def contents(archive: Archive, files: dict[str, File]) -> dict[str, bytes]:
    """Of every file that is not large."""
    return {path: content for path, content in archive.contents() if len(content) < 2_000_000}


class TestOurFiles:
    def test_they_are_those_of_the_checkout_and_what_is_made_of_them(self, contents: dict[str, bytes]) -> None:
        ours = {path.removeprefix("/srv/careway/"): text for path, text in contents.items() if path.startswith("/srv/")}
        sources = {name: text for name, text in ours.items() if not re.match(r"static/|.*__pycache__/", name)}
        wanted = {
            name_of(path): path for path in TRACKED if name_of(path).split("/")[0] in ROOMS or name_of(path) in FILES
        }
        del wanted["requirements/runtime.txt"]
        assert sources.keys() == wanted.keys()
        assert [name for name, path in wanted.items() if sources[name] != path.read_bytes()] == [], "make image"

    def test_the_documents_page_is_collected(self, files: dict[str, File]) -> None:
        assert "/srv/careway/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in files

    def test_no_start_compiles_anything(self, files: dict[str, File], contents: dict[str, bytes]) -> None:
        """All has bytecode, that of Python's own library too, and none is compared with its source."""
        sources = [
            PurePosixPath(path) for path in files if path.endswith(".py") and path.startswith(("/srv/", "/opt/"))
        ]
        bytecode = {path: text for path, text in contents.items() if path.endswith(".pyc")}
        assert len(sources) > 1000
        made = {re.sub(r"__pycache__/(.+)\.cpython-\d+\.pyc$", r"\1.py", path) for path in bytecode}
        assert [str(path) for path in sources if str(path) not in made] == []
        assert any(path.endswith("/json/decoder.py") and not path.startswith("/opt/") for path in made)
        assert [path for path, text in bytecode.items() if text[4:8] != b"\1\0\0\0"] == []


class TestWhatIsNotThere:
    @pytest.mark.parametrize(
        "pattern",
        [
            r"/\.\w*history$|/\.lesshst$|/\.viminfo$|/\.wget-hsts$",
            r"/\.git(/|$)|/\.gitignore$|/\.env$|/\.netrc$|/\.pypirc$|/pip\.conf$|^/run/secrets/.",
            r"/\.cache/|^/var/cache/.|^/var/lib/apt/lists/.|^/var/log/.|^/(root|home)/.|^/(var/)?tmp/.",
            r"/tests(/|$)|(?<!/attributes)/test_[^/]*\.py$|/conftest\.py$|^/srv/careway/(bench|drill|docs|chart|requirements)(/|$)",
            r"/(pip|setuptools|wheel|ensurepip|pkg_resources|idlelib|turtledemo)(/|$)|/pip[\d.]*$|/idle[\d.]*$",
            r"/bin/(\S+-)?(gcc|g\+\+|cc|c\+\+|clang|ld|as|make|cargo|rustc|go)(-[\d.]+)?$|^/usr/include/.|/python[^/]*-config$",
            r"\.(key|p12|pfx|jks|kdbx)$|/id_(rsa|ed25519|ecdsa)$|/ssh_host_|development-key",
        ],
        ids=["histories", "checkouts and settings", "caches", "tests", "installers", "compilers", "keys"],
    )
    def test_there_are_no(self, files: dict[str, File], pattern: str) -> None:
        assert [path for path in files if re.search(pattern, path)] == []

    def test_nothing_of_the_other_locks(self, files: dict[str, File]) -> None:
        installed = {PurePosixPath(path).name for path in files if path.endswith(".dist-info")}
        locked = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
        wanted = {name.lower().replace("-", "_") for name in re.findall(r"^([\w.-]+)==", locked, re.MULTILINE)}
        assert len(installed) > 30
        assert {re.split(r"-\d", name)[0].lower().replace("-", "_") for name in installed} - wanted == set()

    def test_no_file_holds_a_private_key(self, contents: dict[str, bytes]) -> None:
        pem = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}")
        assert [path for path, content in contents.items() if pem.search(content)] == []

    def test_no_variable_holds_a_secret(self, archive: Archive) -> None:
        names = [each.partition("=")[0] for each in archive.configuration["config"]["Env"]]
        # The official base names the key that Python's release was signed with.
        assert [
            name for name in names if re.search(r"TOKEN|PASS|SECRET|CREDENTIAL|KEY|INDEX", name) and name != "GPG_KEY"
        ] == []


class TestPermissions:
    def test_nobody_becomes_somebody_else(self, files: dict[str, File]) -> None:
        marked = stat.S_ISUID | stat.S_ISGID
        assert [path for path, file in files.items() if file.entry.mode & marked and not file.entry.issym()] == []

    def test_only_folders_for_temporary_files_can_be_written_by_all(self, files: dict[str, File]) -> None:
        """What the base has in /dev is hidden: each container has its own."""
        open_to_all = {
            path: file.entry
            for path, file in files.items()
            if file.entry.mode & stat.S_IWOTH and not file.entry.issym() and not path.startswith("/dev/")
        }
        assert {
            path for path, entry in open_to_all.items() if not (entry.isdir() and entry.mode & stat.S_ISVTX)
        } == set()
        assert set(open_to_all) <= {"/tmp", "/var/tmp", "/run/lock"}

    def test_the_user_owns_the_place_of_a_mount_and_nothing_else(self, files: dict[str, File]) -> None:
        owned = [path for path, file in files.items() if USER in {file.entry.uid, file.entry.gid}]
        assert owned == [STATE]

    def test_our_files_are_roots_and_readable(self, files: dict[str, File]) -> None:
        ours = {path: file.entry for path, file in files.items() if path.startswith(("/srv/careway/", "/opt/careway/"))}
        assert [path for path, entry in ours.items() if path != STATE and (entry.uid, entry.gid) != (0, 0)] == []
        assert [path for path, entry in ours.items() if path != STATE and not entry.mode & stat.S_IROTH] == []


class TestTheConfiguration:
    def test_it_starts_as_a_number_with_one_command(self, archive: Archive) -> None:
        found = archive.configuration["config"]
        assert (found["User"], found["WorkingDir"]) == (f"{USER}:{USER}", "/srv/careway")
        assert (found["Entrypoint"], found["Cmd"]) == (["careway"], ["serve"])
        assert (found["StopSignal"], list(found["ExposedPorts"])) == ("SIGTERM", ["8000/tcp"])

    def test_its_labels_name_version_and_revision(self, archive: Archive) -> None:
        labels = archive.configuration["config"]["Labels"]
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        assert labels["org.opencontainers.image.version"] == PROJECT["version"]
        assert labels["org.opencontainers.image.revision"].removesuffix("-dirty") == head.stdout.strip()
        assert labels["org.opencontainers.image.created"].endswith("Z")

    def test_it_is_small_on_top_of_its_base(self, program: Builder, archive: Archive) -> None:
        below = program.layers(archive.configuration["config"]["Labels"]["org.opencontainers.image.base.name"])
        layers = archive.layers()
        assert [each.digest for each in layers[: len(below)]] == below
        assert sum(each.size for each in layers[len(below) :]) <= MOST_ON_TOP


@pytest.fixture(scope="module")
def runner(program: Builder, archive: Archive, folder: Path) -> Runner:
    if program.name != "docker" and os.geteuid() != 0:
        pytest.skip("runc needs root, and there is no Docker")
    return runner_for(program, IMAGE, folder)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture(scope="module", params=settings.SERVICES)
def variables(request: pytest.FixtureRequest, postgres: Postgres, runner: Runner) -> dict[str, str]:
    """Of production, for one service, in a database that the image itself has migrated."""
    service = str(request.param)
    found = {
        **HOUSE,
        **world_of(service).variables,
        "CAREWAY_SERVICES": service,
        "CAREWAY_DRAIN_SECONDS": "0",
        "CAREWAY_PORT": str(free_port()),
        "DATABASE_URL": postgres.create_database(f"image_{service}"),
    }
    with Container(runner, Run(["migrate"], found)) as migration:
        status, output = migration.end(timeout=120)
    assert status == 0, output
    return found


def asked_until_nobody_listens(url: str) -> tuple[list[int], float]:
    """How long each answer was, and when there was none."""
    sizes = []
    while True:
        try:
            with urlopen(url, timeout=30) as answer:
                sizes.append(len(answer.read()))
        except OSError:
            return sizes, time.monotonic()


class TestRunning:
    @pytest.mark.parametrize("user", [USER, 1_000_680_000], ids=["its own user", "another number"])
    def test_it_is_ready_soon_and_ends_well(self, runner: Runner, variables: dict[str, str], user: int) -> None:
        with Container(runner, Run(["serve"], variables, user)) as container:
            seconds = container.wait_until_ready(int(variables["CAREWAY_PORT"]))
            first = container.processes()[0]
            status = Path(f"/proc/{first}/status").read_text(encoding="utf-8")
            runner.signal(container.name, 15)
            ended, output = container.end(timeout=40)
        assert seconds < MOST_SECONDS
        assert re.search(rf"^Uid:\t{user}\t{user}\t{user}\t{user}$", status, re.MULTILINE)
        assert re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\t0+$", status, re.MULTILINE).__len__() == 4
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
        assert re.search(r"^NSpid:\t\d+\t1$", status, re.MULTILINE), "gunicorn's master is process 1"
        assert ended == 0, output
        assert '"message": "stopped"' in output

    def test_its_version_is_that_of_the_image(self, runner: Runner, variables: dict[str, str]) -> None:
        with Container(runner, Run(["serve"], variables)) as container:
            container.wait_until_ready(int(variables["CAREWAY_PORT"]))
            runner.signal(container.name, 15)
            _, output = container.end(timeout=40)
        assert f'"version": "{PROJECT["version"]}"' in output

    def test_the_other_words_are_commands_whose_status_is_kept(self, runner: Runner, variables: dict[str, str]) -> None:
        found = {}
        for words in (["migrate", "--check"], ["purge_idempotency"], ["no_such_command"], ["migrate", "--wait", "x"]):
            with Container(runner, Run(words, variables)) as container:
                found[" ".join(words)] = container.end()[0]
        assert found == {"migrate --check": 0, "purge_idempotency": 0, "no_such_command": 1, "migrate --wait x": 2}

    def test_told_to_stop_under_load_it_serves_while_it_drains(self, runner: Runner, variables: dict[str, str]) -> None:
        path = f"http://127.0.0.1:{variables['CAREWAY_PORT']}/{variables['CAREWAY_SERVICES']}/v1/openapi.json"
        own = {**variables, "CAREWAY_ALLOWED_HOSTS": "127.0.0.1", "CAREWAY_DRAIN_SECONDS": "2"}
        with Container(runner, Run(["serve"], own)) as container, ThreadPoolExecutor(4) as clients:
            container.wait_until_ready(int(variables["CAREWAY_PORT"]))
            with urlopen(path, timeout=30) as first:  # which takes longest: it is made only then
                whole = len(first.read())
            asking = [clients.submit(asked_until_nobody_listens, path) for _ in range(4)]
            time.sleep(1)
            told = time.monotonic()
            runner.signal(container.name, 15)
            ended, output = container.end(timeout=40)
            asked = [each.result(timeout=60) for each in asking]
        assert ended == 0, output
        assert {size for sizes, _ in asked for size in sizes} == {whole}
        assert all(until - told >= 2 for _, until in asked)

    def test_development_without_a_database_names_the_setting(self, runner: Runner, variables: dict[str, str]) -> None:
        own = {"CAREWAY_SERVICES": variables["CAREWAY_SERVICES"], "CAREWAY_ENVIRONMENT": "development"}
        for words in (["serve"], ["migrate"]):
            with Container(runner, Run(words, own, memory=[STATE])) as container:
                status, output = container.end()
            assert status == 1
            assert re.search(r"^DATABASE_URL is required: ", output, re.MULTILINE)
            assert "Traceback" not in output

    def test_development_runs_with_what_is_in_the_image(self, runner: Runner, variables: dict[str, str]) -> None:
        """A trial in a cluster: no issuer and no secret yet, and one place more to write."""
        own = {name: variables[name] for name in ("CAREWAY_SERVICES", "DATABASE_URL")}
        port = free_port()
        run = Run(["serve", "--bind", f"[::]:{port}"], {**own, "CAREWAY_ENVIRONMENT": "development"}, memory=[STATE])
        with Container(runner, run) as container:
            container.wait_until_ready(port)
            runner.signal(container.name, 15)
            assert container.end(timeout=40)[0] == 0
