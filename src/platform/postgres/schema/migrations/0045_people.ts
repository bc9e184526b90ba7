/**
 * People: their addresses, names, and roles for one website or, without `website_config_id`, for all. `granted_by` is the session
 * or the key that created the invitation; null if the command line did.
 *
 * A session of a person has no role or websites of its own, and a link with `email` creates its person when it is opened. From
 * now on `link_expires_at` is also the time at which an open session ends unless it is used: `SESSION_IDLE` after its last use.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const roles = "CHECK (role IN ('viewer', 'member', 'owner'))"

const statements = [
  `CREATE TABLE person (
    person_id uuid PRIMARY KEY,
    email text NOT NULL,
    name text,
    created_at timestamptz NOT NULL
  )`,
  "CREATE UNIQUE INDEX person_email ON person (lower(email))",
  "CREATE INDEX person_created ON person (created_at, person_id)",
  `CREATE TABLE person_role (
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    website_config_id uuid REFERENCES site ON DELETE CASCADE,
    role text NOT NULL ${roles},
    granted_by uuid,
    UNIQUE NULLS NOT DISTINCT (person_id, website_config_id)
  )`,
  "CREATE INDEX person_role_site ON person_role (website_config_id)",
  "CREATE INDEX person_role_granted_by ON person_role (granted_by) WHERE granted_by IS NOT NULL",
  `ALTER TABLE console_session
    DROP CONSTRAINT console_session_role_check, ADD CONSTRAINT console_session_role_check ${roles},
    ALTER COLUMN role DROP NOT NULL,
    ADD COLUMN person_id uuid REFERENCES person ON DELETE SET NULL,
    ADD COLUMN email text,
    ADD COLUMN device text`,
  "CREATE INDEX console_session_person ON console_session (person_id) WHERE person_id IS NOT NULL",
  "UPDATE console_session SET link_expires_at = last_used_at + interval '30 days' WHERE opened_at IS NOT NULL"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
