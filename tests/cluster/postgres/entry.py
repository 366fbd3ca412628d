"""What the official image's entry point does with the variables that the chart sets: makes a cluster, a user, a database."""

import os
import subprocess
from pathlib import Path

data, user, database = (os.environ[name] for name in ("PGDATA", "POSTGRES_USER", "POSTGRES_DB"))
if not Path(data, "PG_VERSION").exists():
    file = os.environ["POSTGRES_PASSWORD_FILE"]
    access = ["--auth-host=scram-sha-256", "--auth-local=trust", f"--pwfile={file}"]
    subprocess.run(
        ["initdb", "--pgdata", data, "--username", user, "--encoding=UTF8", "--locale=C", *access], check=True
    )
    with Path(data, "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\n")
    sockets = "/var/run/postgresql"
    begin = ["pg_ctl", "--pgdata", data, "--wait", "--options", f"-c listen_addresses= -k {sockets}", "start"]
    subprocess.run(begin, check=True)
    subprocess.run(["createdb", "--host", sockets, "--username", user, database], check=True)
    subprocess.run(["pg_ctl", "--pgdata", data, "--wait", "--mode=fast", "stop"], check=True)
os.execvp("postgres", ["postgres", "-D", data, "-h", "0.0.0.0", "-k", "/var/run/postgresql"])
