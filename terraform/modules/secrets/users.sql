-- A database, its owner and the two users that take turns, as docs/operating.md has them. Run once by careway_admin:
--   SERVICE=genomics PASSWORD=… psql --no-psqlrc --file users.sql "host=… user=careway_admin dbname=postgres sslmode=verify-full …"
-- From the environment, since arguments are seen by every process of the machine.
\set ON_ERROR_STOP on
\getenv service SERVICE
\getenv password PASSWORD
SELECT 'careway_' || :'service' AS owner, 'careway_' || :'service' || '_app' AS app \gset

CREATE ROLE :"owner" NOLOGIN;
GRANT :"owner" TO CURRENT_USER;
CREATE DATABASE :"owner" OWNER :"owner";
REVOKE ALL ON DATABASE :"owner" FROM PUBLIC;
-- Rotation logs in here as the administrator, who on RDS is no superuser.
GRANT CONNECT ON DATABASE :"owner" TO CURRENT_USER;
REVOKE :"owner" FROM CURRENT_USER;

CREATE ROLE :"app" LOGIN PASSWORD :'password' IN ROLE :"owner";
-- Nobody logs in without a password: the first rotation gives one.
SELECT :'app' || '_clone' AS clone \gset
CREATE ROLE :"clone" LOGIN IN ROLE :"owner";
-- The notices speak of the administrator; the users may.
ALTER ROLE :"app" SET role = :"owner";
ALTER ROLE :"clone" SET role = :"owner";
