/**
 * Memory and PostgreSQL storage, to run a suite of the endpoints on both.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { ConfigProvider, Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import * as Instance from "../../src/core/chat/Instance.ts"
import type { Site } from "../../src/core/sites/Site.ts"
import * as MemoryInstanceDirectory from "../../src/memory/chat/InstanceDirectory.ts"
import * as MemoryWidgetTokens from "../../src/memory/chat/WidgetTokens.ts"
import * as MemoryFormDirectory from "../../src/memory/forms/FormDirectory.ts"
import * as MailTables from "../../src/memory/mail/MailTables.ts"
import * as MemoryNotifications from "../../src/memory/mail/Notifications.ts"
import * as MemoryConsoleSessions from "../../src/memory/sites/ConsoleSessions.ts"
import * as MemoryOwnerKeys from "../../src/memory/sites/OwnerKeys.ts"
import * as MemoryShares from "../../src/memory/sites/Shares.ts"
import * as MemorySiteDirectory from "../../src/memory/sites/SiteDirectory.ts"
import * as TestDatabase from "./postgres/TestDatabase.ts"

/** The services of a storage. */
export type Storage = Layer.Success<typeof App.memoryStorage>

/** The initial data. */
export interface Seeds {
  /** Websites by an id that is both their tracking token and their website_config_id. */
  readonly sites?: ReadonlyArray<string>
  readonly instances?: ReadonlyArray<string>
}

const agentUrl = "http://agent"

const siteOf = (id: string): Site => ({
  websiteConfigId: id,
  hostedWebsiteId: id,
  trackingToken: id,
  name: id,
  origins: [],
  timeZone: "UTC",
  createdAt: 0
})

const memory = ({ instances = [], sites = [] }: Seeds): Layer.Layer<Storage> =>
  Layer.merge(
    Layer.fresh(
      Layer.mergeAll(
        MemoryConsoleSessions.layer,
        MemoryOwnerKeys.layer,
        MemoryShares.layer,
        MemoryFormDirectory.layer,
        MemoryNotifications.layer
      )
    ).pipe(Layer.provideMerge(Layer.merge(MemorySiteDirectory.layer({ sites: sites.map(siteOf) }), MailTables.layer))),
    // Fresh, because `App.memoryStorage` builds the same layer on another directory of instances.
    Layer.fresh(MemoryWidgetTokens.layer).pipe(
      Layer.provideMerge(
        MemoryInstanceDirectory.layer({
          instances: instances.map((id) => Instance.make(id, { name: id, agentUrl, memory: "agent" }))
        })
      )
    )
  ).pipe(Layer.provideMerge(App.memoryStorage))

const insert = Effect.fnUntraced(function* ({ instances = [], sites = [] }: Seeds) {
  const sql = yield* PgClient.PgClient
  for (const site of sites) {
    const id = PgTypes.uuid(site)
    yield* sql`
      INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name) VALUES (${id}, ${id}, ${id}, ${site})`
  }
  for (const id of instances) {
    yield* sql`INSERT INTO instance (instance_id, name, agent_url) VALUES (${PgTypes.uuid(id)}, ${id}, ${agentUrl})`
  }
})

/** PostgreSQL, on a fresh database for each build of the layer. */
export const postgres = (seeds: Seeds = {}): Layer.Layer<Storage> =>
  Layer.unwrap(
    Settings.pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ DATABASE_TIMEOUT: "30 seconds", SECRETS_KEY: "0".repeat(64) })
      ),
      Effect.map(App.storage)
    )
  ).pipe(Layer.provide(Layer.effectDiscard(insert(seeds)).pipe(Layer.provideMerge(TestDatabase.layer))), Layer.orDie)

/** Creates the storage with this initial data. */
export type MakeStorage = (seeds: Seeds) => Layer.Layer<Storage>

export const storages: ReadonlyArray<readonly [name: string, make: MakeStorage]> = [
  ["in memory", memory],
  ["on PostgreSQL", postgres]
]

/** Both storages without initial data. All services of this memory storage share their data, unlike those of `storages`. */
export const emptyStorages: ReadonlyArray<readonly [name: string, make: () => Layer.Layer<Storage>]> = [
  ["in memory", () => Layer.fresh(App.memoryStorage)],
  ["on PostgreSQL", () => postgres()]
]
