/**
 * The migrations of instances, their tokens and agents, and conversations.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { statements } from "../Statements.ts"

export const migrations = {
  /**
   * The agent protocol of an instance, and the stored conversations. Existing instances keep `memory = 'agent'`; new ones are
   * created with `'edge'`.
   *
   * A conversation's row names the running answer. Changes of the messages lock this row, so that they run one after another.
   * Every lease renewal updates the row. No index contains the lease, so that a renewal changes no index. A running answer is
   * stored in pieces, so that every process can follow it. When the answer ends, the `parts` of its message replace the pieces.
   */
  "0004_conversations": Effect.andThen(
    statements(
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
    ),
    SqlClient.SqlClient.use(
      (sql) => sql`INSERT INTO conversation_hash_key (hash_key) VALUES (${PgTypes.bytea(randomBytes(32))})`
    )
  ),

  /**
   * The tokens that instances use per day.
   *
   * Before a request to an agent, the edge reserves tokens: it adds them to `token_usage.tokens` and stores a row of
   * `token_reservation`. After the request, it deletes that row and replaces the reserved tokens by the tokens used. If one of
   * these statements runs twice, the second run finds that the row exists already, or that it is gone already, and changes nothing.
   * `last_reserved` is the number of tokens of the latest reservation. The statement that makes the reservation copies this number
   * to `token_reservation.tokens`.
   */
  "0005_token_budget": statements(
    `CREATE TABLE token_usage (
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    day date NOT NULL,
    tokens bigint NOT NULL CHECK (tokens >= 0),
    last_reserved bigint NOT NULL,
    PRIMARY KEY (instance_id, day)
  )`,
    `CREATE TABLE token_reservation (
    reservation_id uuid PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    day date NOT NULL,
    tokens bigint NOT NULL CHECK (tokens >= 0),
    reserved_at timestamptz NOT NULL
  )`,
    "CREATE INDEX token_reservation_instance ON token_reservation (instance_id)",
    "CREATE INDEX token_reservation_time ON token_reservation (reserved_at)"
  ),

  /** The id that a client gives a message. When the visitor edits the message, the client sends this id again. */
  "0018_client_message_ids": statements(`ALTER TABLE conversation_message ADD COLUMN client_id text`),

  /**
   * Instances that the owner API creates or changes: the key that the owner gave, encrypted with `SECRETS_KEY`, and whether the
   * agent must be on the public internet.
   */
  "0021_guarded_agents": statements(
    `ALTER TABLE instance ADD COLUMN agent_key bytea, ADD COLUMN guarded boolean NOT NULL DEFAULT false`
  ),

  /**
   * The texts of widget tokens, which every visitor can read in the page, so that the owner can see them again. Null for tokens from
   * before this migration, of which only the digest is known, and for revoked ones.
   */
  "0030_token_texts": statements(`ALTER TABLE widget_token ADD COLUMN token text`),

  /**
   * What an instance adds to the requests of its agent: the names, and the values encrypted with `SECRETS_KEY`, as `{names, sealed}`.
   */
  "0032_agent_additions": statements(
    `ALTER TABLE instance ADD COLUMN agent_body jsonb, ADD COLUMN agent_headers jsonb`
  ),

  /**
   * Which conversations wait for a person. `unanswered_at` is when the latest answer failed, and null once the visitor got an answer.
   * `opened_at` and `opened_by` are the latest time at which a person opened the conversation, and that person's name. The index has
   * the conversations that wait (see `ConversationRows.isWaiting`).
   */
  "0043_unanswered_conversations": statements(
    `ALTER TABLE conversation ADD COLUMN unanswered_at timestamptz, ADD COLUMN opened_at timestamptz,
    ADD COLUMN opened_by text`,
    `CREATE INDEX conversation_waiting ON conversation (instance_id, updated_at, conversation_id)
    WHERE unanswered_at IS NOT NULL AND (opened_at IS NULL OR opened_at < unanswered_at)`
  ),

  /** Finds the instances of a website. Without it, the list of 40,000 websites read all instances for each website that it shows. */
  "0051_instance_websites": statements("CREATE INDEX instance_website ON instance (website_config_id)"),

  /**
   * When a chat offers its visitor to leave an address, and the conversation in which a submission was written. The conversation has
   * no foreign key: it may be deleted before the submission, and a client may name one that does not exist.
   */
  "0054_contacts": statements(
    `ALTER TABLE instance ADD COLUMN contact text NOT NULL DEFAULT 'failed'
    CHECK (contact IN ('failed', 'always', 'off'))`,
    ...["submission", "deleted_submission"].map(
      (table) => `ALTER TABLE ${table} ADD COLUMN instance_id uuid, ADD COLUMN conversation_id text COLLATE "C"`
    ),
    `CREATE INDEX submission_conversation ON submission (website_config_id, conversation_id, received_at)
    WHERE conversation_id IS NOT NULL`
  ),

  /**
   * What is known of the visit in which a conversation began. Until the visit is found, its pending lead names the conversation. It
   * has no foreign key: the conversation may be deleted before.
   */
  "0056_conversation_visits": statements(
    "ALTER TABLE conversation ADD COLUMN page text, ADD COLUMN source text, ADD COLUMN country text",
    "ALTER TABLE pending_lead ADD COLUMN conversation_key bigint"
  )
}
