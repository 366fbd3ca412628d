-- A database and a role for each service, as docs/operating.md has it. The passwords are made up: nothing but the
-- containers of docker/compose.yaml reaches this server.
CREATE ROLE careway_genomics LOGIN PASSWORD 'made-up-genomics';
CREATE DATABASE careway_genomics OWNER careway_genomics;
REVOKE ALL ON DATABASE careway_genomics FROM PUBLIC;

CREATE ROLE careway_clinical LOGIN PASSWORD 'made-up-clinical';
CREATE DATABASE careway_clinical OWNER careway_clinical;
REVOKE ALL ON DATABASE careway_clinical FROM PUBLIC;
