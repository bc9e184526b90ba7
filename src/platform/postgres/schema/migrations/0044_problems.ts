/**
 * What the problems of a website are found from, besides what was stored before.
 *
 * `refusal` counts refused requests by what was refused: `subject` is the origin of a page, or the `page_slug` of a form with the
 * `field` whose rule refused; it is empty if there is none, and for those beyond the maximum of a day. No value of a visitor is in
 * it. `agent_failure` has the questions that an agent did not answer since its last answer, and the reason of the last one.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE refusal (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    day date NOT NULL,
    reason text NOT NULL,
    subject text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    times bigint NOT NULL CHECK (times > 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (website_config_id, day, reason, subject, field)
  )`,
  `CREATE TABLE agent_failure (
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('failed', 'tokens-used')),
    times bigint NOT NULL CHECK (times > 0),
    since timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (instance_id, kind)
  )`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
