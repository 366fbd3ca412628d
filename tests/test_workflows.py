"""The workflows of GitHub: nothing unpinned, no right too many, no key, and one digest on its way to production."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_docs import CODE, rows, section

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yaml"))
# PyYAML takes `on` for true.
WORKFLOWS: dict[str, dict[Any, Any]] = {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VERBS = set(re.findall(r"^([a-z.][a-z.-]*):", MAKEFILE, re.MULTILINE))
# In the order of the promotion. The folders are those of Terraform.
ENVIRONMENTS = ["dev", "staging", "production"]
DIGEST = "sha256:" + "1" * 64
OWN = "$/.github/workflows/"
CALLERS = {"deploy.yaml": "deploy-environment.yaml", "apply-terraform.yaml": "apply-environment.yaml"}
PLANNED, GIVEN = "${{ matrix.environment }}-plan", "${{ inputs.environment }}"

PAGE = section((ROOT / "docs" / "aws.md").read_text(encoding="utf-8"), "From GitHub")

EACH_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, workflow in WORKFLOWS.items():
        for job, content in workflow["jobs"].items():
            yield f"{name} {job}", content


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for job, content in jobs():
        for step in content.get("steps", []):
            yield job, step


def scripts() -> Iterator[tuple[str, str]]:
    return ((job, step["run"]) for job, step in steps() if "run" in step)


def script_with(words: str) -> str:
    (found,) = (script for _, script in scripts() if words in script)
    return found


def run(script: str, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """As GitHub runs it where the shell is bash."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    environment = {"PATH": "/usr/bin:/bin", **given}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def helm_is(script: str, folder: Path) -> None:
    """A helm of a script's, and two releases that the ground knows."""
    helm, values = folder / ".venv" / "bin" / "helm", folder / "build" / "values" / "dev"
    for each in (helm.parent, values):
        each.mkdir(parents=True)
    (values / "namespaces").write_text("one first\ntwo second\n", encoding="utf-8")
    helm.write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
    helm.chmod(0o755)


def own(job: dict[str, Any]) -> str:
    """The workflow of this repository that a job calls; nothing where it has steps of its own."""
    return str(job.get("uses", "")).removeprefix(OWN)


def test_the_linter_of_workflows_finds_nothing() -> None:
    linter = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert linter
    command = [
        linter,
        "--offline",
        "--no-config",
        "--strict-collection",
        "--quiet",
        "--no-progress",
        "--color",
        "never",
        str(FOLDER),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class TestEveryJob:
    def test_it_ends(self) -> None:
        """What is called has minutes in its own file, and may have none where it is called."""
        assert [job for job, content in jobs() if "uses" not in content and "timeout-minutes" not in content] == []
        minutes = [content.get("timeout-minutes", 1) for _, content in jobs()]
        assert [each for each in minutes if each != "${{ matrix.minutes }}" and not 1 <= each <= 120] == []
        verbs = WORKFLOWS["checks.yaml"]["jobs"]["house"]["strategy"]["matrix"]["include"]
        assert [each for each in verbs if not 1 <= each["minutes"] <= 120] == []

    def test_it_says_what_it_may(self) -> None:
        allowed = [{"contents": "read"}, {"contents": "read", "id-token": "write"}]
        assert {name for name, workflow in WORKFLOWS.items() if workflow["permissions"] != {}} == set()
        assert [job for job, content in jobs() if content.get("permissions") not in allowed] == []

    def test_it_may_ask_for_a_token_only_to_become_a_role(self) -> None:
        for job, content in jobs():
            if "steps" in content:
                uses = [step.get("uses", "") for step in content["steps"]]
                becomes = any(each.startswith("aws-actions/configure-aws-credentials@") for each in uses)
                assert ("id-token" in content["permissions"]) == becomes, job

    def test_no_checkout_leaves_its_token_behind(self) -> None:
        checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
        assert checkouts
        assert [step for step in checkouts if step.get("with", {}).get("persist-credentials") is not False] == []

    def test_a_pipe_that_breaks_fails_it(self) -> None:
        piping = {job.partition(" ")[0] for job, script in scripts() if "|" in script}
        assert {
            name for name in piping if WORKFLOWS[name].get("defaults", {}).get("run", {}).get("shell") != "bash"
        } == set()


class TestWhatIsUsed:
    @EACH_FILE
    def test_it_is_pinned_by_its_commit_and_says_its_version(self, file: Path) -> None:
        used = re.findall(r"^\s*(?:- )?uses: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
        assert [each for each in used if not each.startswith(OWN) and not pinned.fullmatch(each)] == []

    def test_one_action_has_one_commit(self) -> None:
        used = {step["uses"] for _, step in steps() if "uses" in step}
        assert len(used) == len({each.partition("@")[0] for each in used})

    def test_what_is_called_here_exists(self) -> None:
        called = {own(content) for _, content in jobs() if "uses" in content}
        assert called
        assert called <= set(WORKFLOWS)

    def test_every_verb_exists(self) -> None:
        named = {verb for _, script in scripts() for verb in re.findall(r"\bmake ([a-z.][a-z.-]*)", script)}
        named |= {each["verb"] for each in WORKFLOWS["checks.yaml"]["jobs"]["house"]["strategy"]["matrix"]["include"]}
        assert {
            "lint",
            "test",
            "secrets",
            "audit",
            "check-terraform",
            "publish",
            "values",
            "plan",
            "apply",
            "drift",
        } <= named
        assert named <= VERBS

    def test_no_script_holds_what_others_wrote(self) -> None:
        assert [job for job, script in scripts() if "${{" in script] == []

    def test_there_is_one_version_of_terraform(self) -> None:
        given = [step["with"] for _, step in steps() if step.get("uses", "").startswith("hashicorp/setup-terraform@")]
        assert {each["terraform_version"] for each in given} == {"1.11.4"}
        # The wrapper would write what it thinks of an output into it.
        assert {each["terraform_wrapper"] for each in given} == {False}


class TestKeys:
    @EACH_FILE
    def test_there_is_no_secret_and_no_key_of_aws(self, file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        assert re.findall(r"(?i)secrets\.|secrets: inherit|access[-_]key|AKIA|ASIA|password:", text) == []

    def test_who_becomes_a_role_does_it_in_an_environment(self) -> None:
        """The role believes a token that names the environment: without one nobody gets in."""
        for job, content in jobs():
            if "id-token" in content["permissions"] and "steps" in content:
                assert content.get("environment"), job

    def test_who_only_looks_is_not_who_changes(self) -> None:
        roles = {
            (str(content["environment"]).endswith("-plan"), step["with"]["role-to-assume"])
            for _, content in jobs()
            for step in content.get("steps", [])
            if "role-to-assume" in step.get("with", {})
        }
        assert {role for looks, role in roles if looks} == {"${{ vars.AWS_PLAN_ROLE }}"}
        assert "${{ vars.AWS_PLAN_ROLE }}" not in {role for looks, role in roles if not looks}


class TestEnvironments:
    def test_they_are_those_of_the_ground(self) -> None:
        assert {path.name for path in (ROOT / "terraform" / "environments").iterdir() if path.is_dir()} == set(
            ENVIRONMENTS
        )

    def test_each_name_is_one_of_them(self) -> None:
        known = {*ENVIRONMENTS, *(f"{each}-plan" for each in ENVIRONMENTS), PLANNED, GIVEN, f"{GIVEN}-plan"}
        assert {str(content["environment"]) for _, content in jobs() if "environment" in content} <= known
        asked = [
            content["strategy"]["matrix"]["environment"]
            for _, content in jobs()
            if content.get("environment") == PLANNED
        ]
        assert asked == [ENVIRONMENTS] * len(asked)
        assert asked

    @pytest.mark.parametrize("caller", CALLERS)
    def test_one_comes_after_the_other(self, caller: str) -> None:
        chain = WORKFLOWS[caller]["jobs"]
        assert list(chain) == ENVIRONMENTS
        assert [job.get("needs") for job in chain.values()] == [None, "dev", "staging"]
        assert [job["with"]["environment"] for job in chain.values()] == ENVIRONMENTS
        assert {own(job) for job in chain.values()} == {CALLERS[caller]}
        assert WORKFLOWS[caller]["concurrency"]["cancel-in-progress"] is False

    def test_nothing_else_reaches_production(self) -> None:
        """Its environment is named by the two chains alone, and what they call is called by nobody else."""
        given = {job for job, content in jobs() if content.get("environment") == GIVEN}
        assert given == {"deploy-environment.yaml roll-out", "apply-environment.yaml apply"}
        for caller, called in CALLERS.items():
            assert {job.partition(" ")[0] for job, content in jobs() if own(content) == called} == {caller}
            assert list(WORKFLOWS[called][True]) == ["workflow_call"]
        assert [job for job, content in jobs() if content.get("environment") == "production"] == []

    def test_a_pull_request_becomes_no_role_but_the_one_that_looks_at_dev(self) -> None:
        """Its code is run before anybody has read it, and a role that plans reads the environment's secrets."""
        asked = [content for job, content in jobs() if "pull_request" in WORKFLOWS[job.split()[0]][True]]
        assert {content.get("environment") for content in asked if "id-token" in content["permissions"]} == {"dev-plan"}

    def test_a_pull_request_changes_nothing(self) -> None:
        asked = {name for name, workflow in WORKFLOWS.items() if "pull_request" in workflow[True]}
        assert asked == {"checks.yaml", "terraform.yaml"}
        assert [name for name, workflow in WORKFLOWS.items() if "pull_request_target" in workflow[True]] == []
        written = {
            verb
            for job, script in scripts()
            for verb in re.findall(r"make ([a-z-]+)", script)
            if job.split()[0] in asked
        }
        assert written & {"apply", "publish", "values"} == set()


class TestTheDigest:
    def test_what_was_published_is_what_is_deployed(self) -> None:
        release = WORKFLOWS["release.yaml"]["jobs"]
        assert own(release["deploy"]) == "deploy.yaml"
        assert (release["publish"]["needs"], release["deploy"]["needs"]) == ("checks", "publish")
        assert release["deploy"]["with"] == {"chart": "${{ needs.publish.outputs.chart }}"}
        assert release["publish"]["outputs"] == {
            each: f"${{{{ steps.publish.outputs.{each} }}}}" for each in ("image", "chart")
        }

    def test_it_is_the_same_in_every_environment(self) -> None:
        """The chart's alone: it names its image, and so no two can be brought together that were not published together."""
        given = [job["with"] for job in WORKFLOWS["deploy.yaml"]["jobs"].values()]
        assert given == [{"environment": each, "chart": "${{ inputs.chart }}"} for each in ENVIRONMENTS]

    def test_it_is_built_once(self) -> None:
        building = [job for job, script in scripts() if re.search(r"make (image|publish)\b", script)]
        assert set(building) == {"release.yaml publish"}
        # The image that was tested, and no second one.
        assert 'IMAGE="$IMAGE"' in script_with("make publish")

    @pytest.mark.parametrize(("line", "output"), [
        ("image  123.dkr.ecr.eu-central-1.amazonaws.com/careway@" + DIGEST, "image"),
        ("chart  123.dkr.ecr.eu-central-1.amazonaws.com/charts/careway@" + DIGEST, "chart"),
        (f"sbom   {DIGEST}, a referrer of the image", ""),
        (f"To install it: helm install NAME oci://123.example/charts/careway@{DIGEST} --values YOURS.yaml", ""),
    ])  # fmt: skip
    def test_it_is_read_from_what_publish_prints(self, line: str, output: str) -> None:
        expression = re.search(r"sed -nE '(.+)' build/published.txt", script_with("make publish"))
        assert expression
        told = subprocess.run(
            ["sed", "-nE", expression[1]], input=line, capture_output=True, text=True, check=True
        ).stdout
        assert told.strip() == (f"{output}={line.split()[1]}" if output else "")

    @pytest.mark.parametrize(("chart", "fine"), [
        ("123.dkr.ecr.eu-central-1.amazonaws.com/charts/careway@" + DIGEST, True),
        ("123.dkr.ecr.eu-central-1.amazonaws.com/charts/careway:0.1.0", False),
        ("123.dkr.ecr.eu-central-1.amazonaws.com/charts/careway@sha256:1", False),
        (f"x --set a=b @{DIGEST}", False),
    ])  # fmt: skip
    def test_a_chart_without_a_digest_is_refused(self, chart: str, fine: bool, tmp_path: Path) -> None:
        done = run(script_with("is not named by digest"), tmp_path, CHART=chart)
        assert (done.returncode == 0) == fine
        assert fine or chart in done.stderr

    def test_every_release_of_the_ground_is_rolled_out_by_it(self, tmp_path: Path) -> None:
        # It reads what it is given, as the real one may: the next release would be lost with it.
        helm_is('echo "$@" >>told; cat >/dev/null', tmp_path)
        done = run(script_with("helm upgrade"), tmp_path, ENVIRONMENT="dev", CHART=f"host/charts/careway@{DIGEST}")
        assert done.returncode == 0, done.stderr
        upgrade = (
            "upgrade --install {0} oci://host/charts/careway@{2} --namespace {1} --values build/values/dev/{0}.yaml"
        )
        told = (tmp_path / "told").read_text(encoding="utf-8").splitlines()
        assert [line.partition(" --values releases")[0] for line in told] == [
            *(upgrade.format("one", "first", DIGEST), "test one --namespace first --logs"),
            *(upgrade.format("two", "second", DIGEST), "test two --namespace second --logs"),
        ]

    def test_a_release_that_fails_ends_it(self, tmp_path: Path) -> None:
        helm_is('echo "$@" >>told; exit 1', tmp_path)
        assert run(script_with("helm upgrade"), tmp_path, ENVIRONMENT="dev", CHART="host/chart").returncode == 1
        assert len((tmp_path / "told").read_text(encoding="utf-8").splitlines()) == 1


class TestThePage:
    """docs/aws.md, From GitHub: what has to be set there, since no file can."""

    def test_it_has_every_workflow_that_starts_by_itself_or_by_hand(self) -> None:
        named = {CODE.findall(row[0])[0] for row in rows(PAGE) if row[0].endswith(".yaml`")}
        called = {own(content) for _, content in jobs() if own(content)} - {"deploy.yaml", "checks.yaml"}
        assert named == set(WORKFLOWS) - called

    def test_it_has_every_variable_that_is_read_and_no_other(self) -> None:
        read = {name for file in FILES for name in re.findall(r"\bvars\.([A-Z_]+)", file.read_text(encoding="utf-8"))}
        named = {
            name for row in rows(PAGE) for name in CODE.findall(row[0]) if re.fullmatch(r"(AWS|CAREWAY)_[A-Z_]+", name)
        }
        assert named == read

    def test_it_has_every_environment(self) -> None:
        named = {name for row in rows(PAGE) for name in CODE.findall(row[0])}
        assert {*ENVIRONMENTS, *(f"{each}-plan" for each in ENVIRONMENTS)} <= named


class TestThePlan:
    def test_what_is_applied_is_what_was_approved(self) -> None:
        apply = WORKFLOWS["apply-environment.yaml"]["jobs"]
        assert apply["apply"]["needs"] == "plan"
        assert apply["apply"]["environment"] == GIVEN
        kept = next(
            step["with"]
            for step in apply["plan"]["steps"]
            if step.get("uses", "").startswith("actions/upload-artifact@")
        )
        taken = next(
            step["with"]
            for step in apply["apply"]["steps"]
            if step.get("uses", "").startswith("actions/download-artifact@")
        )
        assert kept["name"] == taken["name"]
        # The lock file's name begins with a dot; without it another provider would be refused.
        assert "build/terraform/${{ inputs.environment }}.tfplan" in kept["path"]
        assert ".terraform.lock.hcl" in kept["path"]
        assert kept["include-hidden-files"] is True
        assert [
            script for job, script in scripts() if job == "apply-environment.yaml apply" and "make plan" in script
        ] == []

    def test_drift_is_looked_for_every_day_and_fails(self) -> None:
        drift = WORKFLOWS["drift.yaml"]
        assert re.fullmatch(r"\d+ \d+ \* \* \*", drift[True]["schedule"][0]["cron"])
        compare = next(step for step in drift["jobs"]["drift"]["steps"] if "make drift" in step.get("run", ""))
        assert "continue-on-error" not in compare
        kept = next(
            step
            for step in drift["jobs"]["drift"]["steps"]
            if step.get("uses", "").startswith("actions/upload-artifact@")
        )
        assert kept["if"] == "always()"
        assert kept["with"]["path"].endswith("-drift.json")
