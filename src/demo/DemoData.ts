/**
 * The demo's website, instance, widget token and owner key. The first start creates them; later starts reuse them.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { Effect, Option, Schema } from "effect"
import type { Instance } from "../chat/Instance.ts"
import { InstanceDirectory } from "../chat/InstanceDirectory.ts"
import { WidgetTokens } from "../chat/WidgetTokens.ts"
import { OwnerKeys } from "../sites/access/OwnerKey.ts"
import type { Site } from "../sites/Site.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import type * as DemoFeed from "./DemoFeed.ts"

/** The record in `demo.json`. */
export const Demo = Schema.Struct({
  base_url: Schema.String,
  website_config_id: Schema.String,
  tracking_token: Schema.String,
  instance_id: Schema.String,
  widget_token: Schema.String,
  /** Absent in the file of an earlier version. */
  owner_key: Schema.optionalKey(Schema.String)
})

export type Demo = typeof Demo.Type

const siteName = "Demo website"
const instanceName = "Demo assistant"

/** The text of `demo.json`. The file holds secrets: only its owner may read it. */
export const encode = (demo: Demo): string => `${JSON.stringify(demo, null, 2)}\n`

export const demoFile = (dataDir: string): string => path.join(dataDir, "demo.json")

/** The record of the last start; none if the file is missing or invalid. */
export const read = (dataDir: string): Option.Option<Demo> => {
  try {
    return Schema.decodeUnknownOption(Schema.fromJsonString(Demo))(readFileSync(demoFile(dataDir), "utf8"))
  } catch {
    return Option.none()
  }
}

/** The website or instance that `demo.json` names, else one with the demo's name, else a new one. */
const findOrMake = <A extends { readonly name: string }, E>(
  known: ReadonlyArray<A>,
  name: string,
  isRecorded: (candidate: A) => boolean,
  create: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const found = known.find(isRecorded) ?? known.find((candidate) => candidate.name === name)
  return found === undefined ? create : Effect.succeed(found)
}

/**
 * Finds or creates the demo's website, instance, token and key, and sets the instance's agent to `agentUrl`. Returns the
 * record for `demo.json`, which the caller writes; the ids of the website and the instance that the live feed shows; and whether
 * the website was created.
 */
export const prepare = Effect.fnUntraced(function* (options: {
  readonly dataDir: string
  readonly baseUrl: string
  readonly agentUrl: string
}) {
  const sites = yield* SiteDirectory
  const instances = yield* InstanceDirectory
  const tokens = yield* WidgetTokens
  const keys = yield* OwnerKeys
  const recorded = Option.getOrUndefined(read(options.dataDir))

  const known = yield* sites.list
  const site: Site = yield* findOrMake(
    known,
    siteName,
    (site) => site.websiteConfigId === recorded?.website_config_id,
    sites.create({ name: siteName, origins: [] })
  )
  const instance: Instance = yield* findOrMake(
    yield* instances.list("all"),
    instanceName,
    (instance) => instance.instance_id === recorded?.instance_id,
    instances.create({
      name: instanceName,
      agent_url: options.agentUrl,
      agent_model: null,
      agent_key_env: null,
      origins: []
    })
  )
  yield* instances.update(instance.instance_id, {
    agent_url: options.agentUrl,
    memory: "edge",
    website_config_id: site.websiteConfigId
  })

  const isTokenValid =
    recorded !== undefined && Option.isSome(yield* tokens.authenticate(instance.instance_id, recorded.widget_token))
  const token = isTokenValid
    ? recorded.widget_token
    : yield* tokens.issue({ reach: "all", instanceId: instance.instance_id, label: "demo", expiresAt: null }).pipe(
        // The instance was found or created above.
        Effect.flatMap((issued) => Effect.orDie(Effect.fromOption(issued))),
        Effect.map((issued) => issued.token)
      )

  const key =
    recorded?.owner_key !== undefined && Option.isSome(yield* keys.authenticate(recorded.owner_key))
      ? recorded.owner_key
      : yield* keys.issue({ scope: "stats", sites: [site.websiteConfigId], label: "demo", expiresAt: null }).pipe(
          // The website was found or created above.
          Effect.flatMap((issued) => Effect.orDie(Effect.fromOption(issued))),
          Effect.map((issued) => issued.key)
        )

  const demo: Demo = {
    base_url: options.baseUrl,
    website_config_id: site.websiteConfigId,
    tracking_token: site.trackingToken,
    instance_id: instance.instance_id,
    widget_token: token,
    owner_key: key
  }
  const subject: DemoFeed.Subject = {
    hostedWebsiteId: site.hostedWebsiteId,
    websiteConfigId: site.websiteConfigId,
    instanceId: instance.instance_id
  }
  return { demo, subject, isNew: !known.some(({ websiteConfigId }) => websiteConfigId === site.websiteConfigId) }
})
