/**
 * Looks up websites in PostgreSQL and caches them. Existing websites are cached for ten seconds, and those in use are read again
 * together; a change applies within ten seconds. Unknown ids are cached for less than a second, so that a new website works
 * within a second. A website whose deletion has begun counts as unknown. It may still be cached, but the stores refuse its
 * records at once, and `invalidate` drops it.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Duration, Effect, Layer, Option, Schema } from "effect"
import { SqlError } from "effect/sql"
import { HostedWebsiteId, isCanonicalUuid, TrackingToken, WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Lookup from "../../platform/postgres/Lookup.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeColumn, decodeRows } from "../../platform/runtime/Rows.ts"
import type { Site } from "../Site.ts"
import { RecordSites, SiteDirectory, WritableSites } from "../SiteDirectory.ts"

/** A website as `columns` selects it. */
export const SiteRow = Schema.Struct({
  websiteConfigId: WebsiteConfigId,
  hostedWebsiteId: HostedWebsiteId,
  trackingToken: TrackingToken,
  name: Schema.String,
  origins: Schema.Array(Schema.String),
  timeZone: Schema.String,
  createdAt: Schema.Finite
})

export const columns = `
  website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId",
  tracking_token AS "trackingToken", name, origins, time_zone AS "timeZone",
  ${Times.millisAs("created_at", "createdAt")}`

const Sites = Schema.Array(SiteRow)

const decodeSites = decodeRows(Sites)

/** The condition of websites whose name or an origin contains a text. */
export const has = (sql: PgClient.PgClient, text: string) =>
  sql`EXISTS (SELECT FROM unnest(origins || name) AS value WHERE strpos(lower(value), lower(${PgTypes.text(text)})) > 0)`

export interface Options {
  /** The maximum number of cached ids of each kind. Default: 10,000. */
  readonly capacity?: number
}

export const layer = (options: Options = {}): Layer.Layer<SiteDirectory, never, PgClient.PgClient> =>
  Layer.effect(
    SiteDirectory,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { capacity = 10_000 } = options
      const selected = sql.literal(columns)

      const lookup = (column: "tracking_token" | "website_config_id", idOf: (site: Site) => string) => {
        const findAll = (ids: ReadonlyArray<string>) =>
          sql`SELECT ${selected} FROM site
            WHERE ${sql(column)} = ANY (${Database.uuids(ids)}) AND deleted_at IS NULL`.pipe(
            Database.mapErrors,
            decodeSites
          )
        return Lookup.makeRefreshed<Site>({
          find: (id) => Effect.map(findAll([id]), (sites) => Option.fromUndefinedOr(sites[0])),
          findAll: (ids) => Effect.map(findAll(ids), (sites) => new Map(sites.map((site) => [idOf(site), site]))),
          foundTtl: "10 seconds",
          unknownTtl: "900 millis",
          capacity
        })
      }
      const byTrackingToken = yield* lookup("tracking_token", ({ trackingToken }) => trackingToken)
      const byWebsiteConfigId = yield* lookup("website_config_id", ({ websiteConfigId }) => websiteConfigId)

      const create: SiteDirectory["Service"]["create"] = Effect.fnUntraced(function* ({
        name,
        origins,
        timeZone = "UTC"
      }) {
        const site: Site = {
          websiteConfigId: WebsiteConfigId.make(randomUUID()),
          hostedWebsiteId: HostedWebsiteId.make(randomUUID()),
          trackingToken: TrackingToken.make(randomUUID()),
          name,
          origins,
          timeZone,
          createdAt: yield* Clock.currentTimeMillis
        }
        yield* sql`
            INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name, origins, time_zone, created_at)
            VALUES (${PgTypes.uuid(site.websiteConfigId)}, ${PgTypes.uuid(site.hostedWebsiteId)},
              ${PgTypes.uuid(site.trackingToken)}, ${name}, ${Database.texts(origins)}, ${timeZone},
              ${PgTypes.timestamptz(site.createdAt)})`.pipe(Database.mapErrors)
        return site
      })

      const update: SiteDirectory["Service"]["update"] = (id, { name, origins, timeZone }) =>
        sql`
              UPDATE site SET name = coalesce(${PgTypes.text(name ?? null)}, name),
                time_zone = coalesce(${PgTypes.text(timeZone ?? null)}, time_zone),
                origins = ${origins === undefined ? sql`origins` : sql`${Database.texts(origins)}`}
              WHERE website_config_id = ${PgTypes.uuid(id)} AND deleted_at IS NULL RETURNING ${selected}`.pipe(
          Database.mapErrors,
          decodeSites,
          Effect.map((sites) => Option.fromUndefinedOr(sites[0]))
        )

      const search: SiteDirectory["Service"]["search"] = ({ after, limit, search, sites }) => {
        return sql`SELECT ${selected} FROM site WHERE ${sql.and([
          sql`deleted_at IS NULL`,
          ...(sites === "all" ? [] : [sql`website_config_id = ANY (${Database.uuids(sites)})`]),
          ...(search === null ? [] : [has(sql, search)]),
          ...(after === null
            ? []
            : [sql`(created_at, website_config_id) > (${PgTypes.timestamptz(after.time)}, ${PgTypes.uuid(after.id)})`])
        ])} ORDER BY created_at, website_config_id LIMIT ${PgTypes.int8(BigInt(limit))}`.pipe(
          Database.mapErrors,
          decodeSites
        )
      }

      return SiteDirectory.of({
        byTrackingToken,
        byWebsiteConfigId,
        create,
        update,
        invalidate: ({ trackingToken, websiteConfigId }) =>
          Effect.andThen(byTrackingToken.invalidate(trackingToken), byWebsiteConfigId.invalidate(websiteConfigId)),
        search,
        list: sql`SELECT ${selected} FROM site WHERE deleted_at IS NULL ORDER BY created_at, website_config_id`.pipe(
          Database.mapErrors,
          decodeSites
        )
      })
    })
  )

export const recordSites: Layer.Layer<RecordSites, never, PgClient.PgClient> = Layer.effect(
  RecordSites,
  Effect.map(PgClient.PgClient, (sql) =>
    RecordSites.of({
      // Each kind is the name of its table, whose id has the same name.
      siteOf: (kind, id) =>
        sql`SELECT website_config_id FROM ${sql(kind)} WHERE ${sql(`${kind}_id`)} = ${PgTypes.uuid(id)}
          ${kind === "submission" ? sql`UNION ALL SELECT website_config_id FROM deleted_submission WHERE submission_id = ${PgTypes.uuid(id)}` : sql``}`.pipe(
          Database.readColumn(WebsiteConfigId),
          Effect.map(([found]) => Option.fromUndefinedOr(found))
        ),
      deleting: (name) =>
        sql`SELECT website_config_id FROM site WHERE deleted_at IS NOT NULL AND name = ${PgTypes.text(name)}`.pipe(
          Database.readColumn(WebsiteConfigId)
        )
    })
  )
)

/** Options of `writableSites`. */
export interface WritableOptions {
  /** The maximum number of writes of this process at a time. */
  readonly connections: number
}

/** Taken before the websites are read, so that a deletion either has marked its website already or waits for this lock. */
const lockPageViews = "LOCK TABLE ONLY page_view IN ROW EXCLUSIVE MODE"

const writableStatement = "SELECT hosted_website_id FROM site WHERE hosted_website_id = ANY($1) AND deleted_at IS NULL"

/**
 * Holds a transaction open while another store writes data of websites. The transaction has the same lock as an insert into
 * `page_view`. `SiteErasure` waits until this lock is released.
 */
export const writableSites = ({
  connections
}: WritableOptions): Layer.Layer<WritableSites, SqlError.SqlError, PgClient.PgClient> =>
  Layer.effect(
    WritableSites,
    // Each write has a timeout of its own.
    Effect.map(Database.dedicated({ maxConnections: connections, timeout: Duration.infinity }), (sql) =>
      WritableSites.of({
        during: Effect.fnUntraced(
          function* (ids, write) {
            yield* sql.unsafe(lockPageViews)
            const uuids = Database.uuids([...ids].filter(isCanonicalUuid))
            const writable = yield* sql.unsafe(writableStatement, [uuids]).pipe(decodeColumn(Schema.String))
            return yield* write(new Set(writable))
          },
          sql.withTransaction,
          Effect.mapError((error) => (SqlError.isSqlError(error) ? Database.unavailable(error) : error))
        )
      })
    )
  )
