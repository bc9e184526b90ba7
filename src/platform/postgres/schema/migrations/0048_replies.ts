/**
 * The replies that people of a website mail to visitors. A reply waits for its next attempt at `next_attempt_at`. It stays while its
 * submission can be restored, and is deleted with it for good, also before it was sent.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const trigger = (table: string) =>
  `CREATE TRIGGER delete_replies AFTER DELETE ON ${table} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION delete_replies()`

const statements = [
  `CREATE TABLE reply (
    reply_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    submission_id uuid NOT NULL,
    author text,
    reply_to text NOT NULL,
    recipient text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error text
  )`,
  "CREATE INDEX reply_submission ON reply (submission_id, created_at, reply_id)",
  "CREATE INDEX reply_site ON reply (website_config_id)",
  "CREATE INDEX reply_due ON reply (next_attempt_at) WHERE status = 'pending'",
  `CREATE FUNCTION delete_replies() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
      DELETE FROM reply USING gone WHERE reply.submission_id = gone.submission_id
        AND NOT EXISTS (SELECT FROM submission WHERE submission.submission_id = gone.submission_id)
        AND NOT EXISTS (SELECT FROM deleted_submission AS kept WHERE kept.submission_id = gone.submission_id);
      RETURN NULL;
    END $$`,
  trigger("submission"),
  trigger("deleted_submission")
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
