/**
 * How the edge talks to an instance's agent, and the conversations that it keeps. Instances that exist keep their agent's
 * memory; new ones are created with the edge's.
 */
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
    ADD COLUMN daily_tokens bigint CHECK (daily_tokens > 0)`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
