/**
 * Memory and PostgreSQL storage, to run a suite of the endpoints for visitors on both.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { ConfigProvider, Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import * as Instance from "../../src/chat/Instance.ts"
import { HostedWebsiteId, InstanceId, TrackingToken, WebsiteConfigId } from "../../src/platform/Id.ts"
import { array } from "../../src/platform/postgres/Database.ts"
import type { Site } from "../../src/sites/Site.ts"
import { id } from "./Ids.ts"
import * as MemoryStorage from "./MemoryStorage.ts"
import * as TestClient from "./postgres/TestClient.ts"

export type Storage = MemoryStorage.Storage

/** The initial data. */
export interface Seeds {
  /** Websites, or ids of websites that are also their tracking token. */
  readonly sites?: ReadonlyArray<string | Site>
  readonly instances?: ReadonlyArray<string>
}

const agentUrl = "http://agent"

const siteOf = (site: string | Site): Site =>
  typeof site === "string"
    ? {
        websiteConfigId: id(WebsiteConfigId, site),
        hostedWebsiteId: id(HostedWebsiteId, site),
        trackingToken: id(TrackingToken, site),
        name: site,
        origins: [],
        timeZone: "UTC",
        createdAt: 0
      }
    : site

const memory = ({ instances = [], sites = [] }: Seeds = {}): Layer.Layer<Storage> =>
  MemoryStorage.layer({
    sites: sites.map(siteOf),
    instances: instances.map((id) =>
      Instance.make(InstanceId.make(id), { name: id, agent_url: agentUrl, memory: "agent" })
    )
  })

const insert = Effect.fnUntraced(function* ({ instances = [], sites = [] }: Seeds) {
  const sql = yield* PgClient.PgClient
  for (const { createdAt, hostedWebsiteId, name, origins, timeZone, trackingToken, websiteConfigId } of sites.map(
    siteOf
  )) {
    yield* sql`
      INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name, origins, time_zone, created_at)
      VALUES (${PgTypes.uuid(websiteConfigId)}, ${PgTypes.uuid(hostedWebsiteId)}, ${PgTypes.uuid(trackingToken)}, ${name},
        ${array(origins, PgTypes.OID.text)}, ${timeZone}, ${PgTypes.timestamptz(createdAt)})`
  }
  for (const id of instances) {
    yield* sql`INSERT INTO instance (instance_id, name, agent_url) VALUES (${PgTypes.uuid(id)}, ${id}, ${agentUrl})`
  }
})

/** PostgreSQL, on a fresh database for each build of the layer. */
export const postgres = (seeds: Seeds = {}, client = TestClient.layer): Layer.Layer<Storage> =>
  Layer.unwrap(
    Settings.pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ DATABASE_TIMEOUT: "30 seconds", SECRETS_KEY: "0".repeat(64) })
      ),
      Effect.map(App.storage)
    )
  ).pipe(Layer.provide(Layer.effectDiscard(insert(seeds)).pipe(Layer.provideMerge(client))), Layer.orDie)

/** Creates the storage with this initial data. */
export type MakeStorage = (seeds?: Seeds) => Layer.Layer<Storage>

export const storages: ReadonlyArray<readonly [name: string, make: MakeStorage]> = [
  ["in memory", memory],
  ["on PostgreSQL", postgres]
]
