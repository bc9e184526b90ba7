/** The rules of websites' forms, by the `page_slug` of their submissions. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`CREATE TABLE form (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    page text COLLATE "C" NOT NULL,
    rules json NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (website_config_id, page)
  )`)
})
