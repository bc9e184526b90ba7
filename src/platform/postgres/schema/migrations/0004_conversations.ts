/**
 * The agent protocol of an instance, and the stored conversations. Existing instances keep `memory = 'agent'`; new ones are
 * created with `'edge'`.
 *
 * A conversation's row names the running answer. Changes of the messages lock this row, so that they run one after another.
 * Every lease renewal updates the row. No index contains the lease, so that a renewal changes no index. A running answer is
 * stored in pieces, so that every process can follow it. When the answer ends, the `parts` of its message replace the pieces.
 */
import { randomBytes } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `ALTER TABLE instance
    ADD COLUMN website_config_id uuid REFERENCES site ON DELETE SET NULL,
    ADD COLUMN agent_protocol text NOT NULL DEFAULT 'openai-chat'
      CHECK (agent_protocol IN ('openai-chat', 'openai-responses', 'anthropic')),
    ADD COLUMN agent_key_header text,
    ADD COLUMN memory text NOT NULL DEFAULT 'agent' CHECK (memory IN ('edge', 'agent')),
    ADD COLUMN conversation_ids text NOT NULL DEFAULT 'service' CHECK (conversation_ids IN ('service', 'client')),
    ADD COLUMN instructions text,
    ADD COLUMN history_messages integer NOT NULL DEFAULT 40 CHECK (history_messages > 0),
    ADD COLUMN history_characters integer NOT NULL DEFAULT 60000 CHECK (history_characters > 0),
    ADD COLUMN max_tokens integer NOT NULL DEFAULT 4096 CHECK (max_tokens > 0),
    ADD COLUMN daily_tokens bigint CHECK (daily_tokens > 0)`,
  `CREATE TABLE conversation (
    conversation_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    conversation_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    messages integer NOT NULL,
    size integer NOT NULL,
    running uuid,
    lease_until timestamptz,
    UNIQUE (instance_id, conversation_id),
    CHECK ((running IS NULL) = (lease_until IS NULL))
  ) WITH (fillfactor = 80)`,
  "CREATE INDEX conversation_updated ON conversation (instance_id, updated_at, conversation_id)",
  "CREATE INDEX conversation_created ON conversation (instance_id, created_at, conversation_id)",
  "CREATE UNIQUE INDEX conversation_running ON conversation (running) WHERE running IS NOT NULL",
  `CREATE TABLE conversation_message (
    message_id uuid PRIMARY KEY,
    conversation_key bigint NOT NULL REFERENCES conversation ON DELETE CASCADE,
    position integer NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'assistant')),
    parts json NOT NULL,
    characters integer NOT NULL,
    created_at timestamptz NOT NULL,
    ending text,
    input_tokens bigint,
    output_tokens bigint,
    rating text CHECK (rating IN ('up', 'down')),
    comment text,
    UNIQUE (conversation_key, position)
  )`,
  `CREATE TABLE answer_piece (
    answer_id uuid NOT NULL REFERENCES conversation_message ON DELETE CASCADE,
    ends_at integer NOT NULL,
    events json NOT NULL,
    PRIMARY KEY (answer_id, ends_at)
  )`,
  `CREATE TABLE conversation_hash_key (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    hash_key bytea NOT NULL CHECK (octet_length(hash_key) = 32)
  )`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
  yield* sql`INSERT INTO conversation_hash_key (hash_key) VALUES (${PgTypes.bytea(randomBytes(32))})`
})
