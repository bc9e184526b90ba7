/**
 * Holds a transaction open while another store writes data of websites. The transaction has the same lock as an insert into
 * `page_view`. `SiteErasure` waits until this lock is released.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Duration, Effect, Layer, Schema } from "effect"
import { SqlError } from "effect/sql"
import { isCanonicalUuid } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { WritableSites } from "../WritableSites.ts"

export interface Options {
  /** The maximum number of writes of this process at a time. */
  readonly connections: number
}

const Rows = Schema.Array(Schema.Struct({ id: Schema.String }))

/** Taken before the websites are read, so that a deletion either has marked its website already or waits for this lock. */
const lock = "LOCK TABLE ONLY page_view IN ROW EXCLUSIVE MODE"

const statement = "SELECT hosted_website_id AS id FROM site WHERE hosted_website_id = ANY($1) AND deleted_at IS NULL"

export const layer = ({ connections }: Options): Layer.Layer<WritableSites, SqlError.SqlError, PgClient> =>
  Layer.effect(
    WritableSites,
    // Each write has a timeout of its own.
    Effect.map(Database.dedicated({ maxConnections: connections, timeout: Duration.infinity }), (sql) =>
      WritableSites.of({
        during: Effect.fnUntraced(
          function* (ids, write) {
            yield* sql.unsafe(lock)
            const uuids = Database.array([...ids].filter(isCanonicalUuid), PgTypes.OID.uuid)
            const rows = yield* sql.unsafe(statement, [uuids]).pipe(decodeRows(Rows))
            return yield* write(new Set(rows.map(({ id }) => id)))
          },
          sql.withTransaction,
          Effect.mapError((error) => (SqlError.isSqlError(error) ? Database.unavailable(error) : error))
        )
      })
    )
  )
