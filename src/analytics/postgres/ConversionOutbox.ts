/**
 * Moves conversions to a separate store, exactly once.
 *
 * A pass of `Leads` adds them to the outbox in the transaction that ends the leads. The conversions get a batch id, which is
 * committed before the batch is sent. If the process dies before it deletes the batch from the outbox, the batch is sent again
 * under the same id, and the store ignores the repetition.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { Conversion } from "../Lead.ts"
import type { Store } from "../SeparateStore.ts"

/** Maximum number of conversions in a batch. */
const maxBatch = 10_000

/** Assigns a batch to conversions without one, except those that another process is assigning. */
const assignStatement = `UPDATE conversion_outbox SET batch_id = $1 WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM conversion_outbox WHERE batch_id IS NULL LIMIT ${maxBatch} FOR UPDATE SKIP LOCKED))`

const Batches = Schema.Array(Schema.Struct({ id: Schema.String }))

const batchesStatement = "SELECT DISTINCT batch_id AS id FROM conversion_outbox WHERE batch_id IS NOT NULL"

/** Acquired before the rows are read, so that the erasure of a website waits until they are stored. */
const lock = "LOCK TABLE conversion_outbox IN ROW EXCLUSIVE MODE"

const rowsStatement = `SELECT hosted_website_id AS "hostedWebsiteId", session_key AS "sessionKey", conversion_outbox.name,
    floor(extract(epoch FROM visit_started_at) * 1000)::float8 AS "visitStartedAt"
  FROM conversion_outbox JOIN site USING (hosted_website_id) WHERE batch_id = $1 AND deleted_at IS NULL`

const Rows: Schema.Codec<ReadonlyArray<Conversion>> = Schema.Array(
  Schema.Struct({
    hostedWebsiteId: Schema.String,
    sessionKey: Schema.String,
    name: Schema.String,
    visitStartedAt: Schema.Finite
  })
)

const send = (sql: PgClient, { addConversions }: Store, batchId: string) =>
  Effect.gen(function* () {
    const id = PgTypes.uuid(batchId)
    yield* sql.unsafe(lock)
    const rows = yield* sql.unsafe(rowsStatement, [id]).pipe(decodeRows(Rows))
    if (rows.length > 0) yield* addConversions(batchId, rows)
    yield* sql.unsafe("DELETE FROM conversion_outbox WHERE batch_id = $1", [id])
  }).pipe(sql.withTransaction)

/** Moves the conversions that have a batch id already, and up to `maxBatch` others. */
export const move = Effect.fnUntraced(function* (
  sql: PgClient,
  store: Store
): Effect.fn.Return<void, SqlError.SqlError | StorageUnavailable> {
  yield* sql.unsafe(assignStatement, [PgTypes.uuid(randomUUID())])
  const batches = yield* sql.unsafe(batchesStatement).pipe(decodeRows(Batches))
  for (const { id } of batches) yield* send(sql, store, id)
})
