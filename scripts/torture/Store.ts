/**
 * Prepares a database with a website and an instance.
 *
 * @module
 */
import { Effect, Layer, Option, Redacted } from "effect"
import type { Instance } from "../../src/chat/Instance.ts"
import * as Instances from "../../src/chat/InstanceDirectory.ts"
import * as InstanceDirectory from "../../src/chat/postgres/InstanceDirectory.ts"
import * as WidgetTokens from "../../src/chat/postgres/WidgetTokens.ts"
import * as Tokens from "../../src/chat/WidgetTokens.ts"
import * as PgDatabase from "../../src/platform/postgres/Database.ts"
import * as Migrations from "../../src/platform/postgres/schema/Migrations.ts"
import * as SiteDirectory from "../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../src/sites/SiteDirectory.ts"
import type { Target } from "./Load.ts"

/** Migrates a database and creates a website, an instance whose agent is at `agentUrl`, and a token. */
export const prepare = (
  url: string,
  agentUrl = "http://127.0.0.1:9",
  memory: Instance["memory"] = "agent"
): Effect.Effect<Target> =>
  Effect.gen(function* () {
    yield* Migrations.run
    const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "Torture", origins: [] }))
    const instance = yield* Instances.InstanceDirectory.use((instances) =>
      instances.create({ name: "Torture", agent_url: agentUrl, memory })
    )
    const token = yield* Tokens.WidgetTokens.use((tokens) =>
      tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
    )
    return {
      trackingToken: site.trackingToken,
      websiteConfigId: site.websiteConfigId,
      instanceId: instance.instance_id,
      widgetToken: Option.getOrThrow(token).token
    }
  }).pipe(
    Effect.provide(
      Layer.mergeAll(SiteDirectory.layer(), InstanceDirectory.layer(), WidgetTokens.layer()).pipe(
        Layer.provideMerge(PgDatabase.layer({ url: Redacted.make(url), connections: 2, timeout: "20 seconds" }))
      )
    ),
    Effect.scoped,
    Effect.orDie
  )
