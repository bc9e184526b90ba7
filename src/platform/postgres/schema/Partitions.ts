/**
 * The monthly partitions of page views, bot views and events. They keep indexes small and make old months cheap to drop. Rows
 * of a month without a partition go to the default partition and are counted too.
 *
 * @module
 */
import { Effect, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"

/** The partitioned tables. */
export const parents = ["page_view", "bot_view", "event"] as const

/** Partitions are created for this many months after the current one. */
const monthsAhead = 3

/** A month of one table: `[from, to)`, in ISO 8601. */
export interface Partition {
  readonly parent: (typeof parents)[number]
  /** Such as `page_view_2026_11`. */
  readonly name: string
  readonly from: string
  readonly to: string
}

/** A partition that could not be created. The rows of its month go to the default partition. */
export interface Failure {
  readonly partition: Partition
  /** `occupied`: the default partition already holds rows of that month; retrying does not help. */
  readonly reason: "occupied" | "failed"
  readonly cause: SqlError.SqlError
}

/** The partitions needed at `now` (milliseconds since 1970): those of this UTC month and the next three. */
export const wanted = (now: number): ReadonlyArray<Partition> => {
  const today = new Date(now)
  const month = (offset: number) => new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + offset, 1))
  return parents.flatMap((parent) =>
    Array.from({ length: monthsAhead + 1 }, (_, offset) => {
      const from = month(offset).toISOString()
      return {
        parent,
        name: `${parent}_${from.slice(0, 7).replace("-", "_")}`,
        from,
        to: month(offset + 1).toISOString()
      }
    })
  )
}

/** An existing partition. */
export interface Present {
  readonly parent: (typeof parents)[number]
  readonly name: string
  /** Whether it is the default partition. */
  readonly isDefault: boolean
  /**
   * Its exclusive upper bound, in milliseconds since 1970; null for the default partition, or if the bound is unknown, as for a
   * partition that is being dropped.
   */
  readonly to: number | null
}

const PresentRows = Schema.Array(
  Schema.Struct({
    parent: Schema.Literals(parents),
    name: Schema.String,
    isDefault: Schema.Boolean,
    to: Schema.NullOr(Schema.Number)
  })
)

/** All existing partitions, including manually created ones. Their names are qualified and quoted. */
export const list: Effect.Effect<ReadonlyArray<Present>, SqlError.SqlError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* sql`
      SELECT parent.relname AS parent, format('%I.%I', nspname, child.relname) AS name,
        child.oid = partdefid AS "isDefault",
        (extract(epoch FROM (regexp_match(pg_get_expr(child.relpartbound, child.oid), 'TO [(]''([^'']+)''[)]'))[1]::timestamptz)
          * 1000)::float8 AS "to"
      FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
        JOIN pg_namespace AS space ON space.oid = child.relnamespace JOIN pg_class AS parent ON parent.oid = inhparent
        JOIN pg_partitioned_table ON partrelid = parent.oid
      WHERE inhparent IN (SELECT to_regclass(name) FROM unnest(${Database.texts(parents)}) AS name)
      ORDER BY 1, 2`.pipe(decodeRows(PresentRows))
  }
)

/** An arbitrary unique key: keeps two processes from creating the same partition at once. */
const advisoryLock = 7_215_930_442

const Existing = Schema.Array(Schema.Struct({ name: Schema.String }))

const existing = Effect.fnUntraced(function* (partitions: ReadonlyArray<Partition>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`SELECT relname AS name FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND ${sql.in(
      "relname",
      partitions.map(({ name }) => name)
    )}`.pipe(decodeRows(Existing))
  return new Set(rows.map(({ name }) => name))
})

const Grants = Schema.Array(Schema.Struct({ grant: Schema.String }))

/** Copies the parent's grants to a new partition, because the erasure of a website deletes from each partition directly. */
const grantAsParent = Effect.fnUntraced(function* ({ name, parent }: Partition) {
  const sql = yield* SqlClient.SqlClient
  const grants = yield* sql`
    SELECT format('GRANT %s ON %I TO %s', privilege_type, ${name}::text,
      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END) AS "grant"
    FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(${parent}) AND grantee <> relowner`.pipe(
    decodeRows(Grants)
  )
  for (const { grant } of grants) yield* sql.unsafe(grant)
})

/**
 * Creates one partition. Waits at most two seconds for the lock on the parent, since inserts queue behind a waiting lock
 * request. If that fails, the next round of maintenance tries again, usually months before the partition is needed.
 */
const create = Effect.fnUntraced(function* (partition: Partition) {
  const sql = yield* SqlClient.SqlClient
  const { from, name, parent, to } = partition
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql.unsafe("SET LOCAL lock_timeout = '2s'")
      yield* sql.unsafe(`SELECT pg_advisory_xact_lock(${advisoryLock})`)
      if ((yield* existing([partition])).size > 0) return
      yield* sql.unsafe(`CREATE TABLE ${name} PARTITION OF ${parent} FOR VALUES FROM ('${from}') TO ('${to}')`)
      yield* grantAsParent(partition)
    })
  )
})

/**
 * Creates the missing partitions of `wanted(now)` independently and returns those that could not be created. Concurrent runs
 * are safe. Fails only if the existing partitions cannot be queried.
 */
export const ensure = Effect.fnUntraced(function* (
  now: number
): Effect.fn.Return<ReadonlyArray<Failure>, SqlError.SqlError, SqlClient.SqlClient> {
  const partitions = wanted(now)
  const present = yield* existing(partitions)
  const failures: Array<Failure> = []
  for (const partition of partitions.filter(({ name }) => !present.has(name))) {
    yield* create(partition).pipe(
      Effect.catchTag("SqlError", (cause) =>
        Effect.sync(() => {
          const isOccupied = Option.contains(Database.sqlState(cause), "23514")
          failures.push({ partition, reason: isOccupied ? "occupied" : "failed", cause })
        })
      )
    )
  }
  return failures
})

/** Logs the partitions that could not be created. */
export const report = (failures: ReadonlyArray<Failure>): Effect.Effect<void> =>
  Effect.forEach(
    failures,
    ({ cause, partition, reason }) =>
      Effect.logWarning(
        reason === "occupied"
          ? `${partition.parent}_default holds rows of ${partition.name} already; they stay there and are counted too`
          : `Could not create ${partition.name}; the next round of maintenance tries again`,
        ...(reason === "occupied" ? [] : [cause])
      ),
    { discard: true }
  )
