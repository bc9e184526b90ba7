/**
 * What a newcomer finds in the demo: a website, an instance and a widget token, made once and found again.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { Effect, Option, Schema } from "effect"
import type { Instance } from "../core/Instance.ts"
import type { Site } from "../core/Site.ts"
import { InstanceDirectory } from "../services/InstanceDirectory.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import { WidgetTokens } from "../services/WidgetTokens.ts"
import type * as DemoFeed from "./DemoFeed.ts"
import * as LocalDatabase from "./LocalDatabase.ts"

/** What `demo.json` holds. */
export const Demo = Schema.Struct({
  base_url: Schema.String,
  website_config_id: Schema.String,
  tracking_token: Schema.String,
  instance_id: Schema.String,
  widget_token: Schema.String
})

export type Demo = typeof Demo.Type

const siteName = "Demo website"
const instanceName = "Demo assistant"

export const demoFile = (dataDir: string): string => path.join(dataDir, "demo.json")

/** The demo of the last start; none if there was none, or if its file was spoiled. */
export const read = (dataDir: string): Option.Option<Demo> => {
  try {
    return Schema.decodeUnknownOption(Schema.fromJsonString(Demo))(readFileSync(demoFile(dataDir), "utf8"))
  } catch {
    return Option.none()
  }
}

/** The one that `demo.json` names, else the one that is named like the demo's, else a new one. */
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
 * Finds the demo's data, makes what is missing, points the instance to the agent of this start, and records it all in
 * `demo.json`, which only its owner may read. Gives the ids for those who use the demo, and what its feed shows.
 */
export const prepare = Effect.fnUntraced(function* (options: {
  readonly dataDir: string
  readonly baseUrl: string
  readonly agentUrl: string
}) {
  const sites = yield* SiteDirectory
  const instances = yield* InstanceDirectory
  const tokens = yield* WidgetTokens
  const recorded = Option.getOrUndefined(read(options.dataDir))

  const site: Site = yield* findOrMake(
    yield* sites.list,
    siteName,
    (site) => site.websiteConfigId === recorded?.website_config_id,
    sites.create({ name: siteName, origins: [] })
  )
  const instance: Instance = yield* findOrMake(
    yield* instances.list,
    instanceName,
    (instance) => instance.instanceId === recorded?.instance_id,
    instances.create({
      name: instanceName,
      agentUrl: options.agentUrl,
      agentModel: null,
      agentKeyEnv: null,
      origins: []
    })
  )
  yield* instances.update(instance.instanceId, { agentUrl: options.agentUrl })

  const works =
    recorded !== undefined && Option.isSome(yield* tokens.authenticate(instance.instanceId, recorded.widget_token))
  const token = works
    ? recorded.widget_token
    : yield* tokens.issue({ instanceId: instance.instanceId, label: "demo", expiresAt: null }).pipe(
        // The instance was there a moment ago.
        Effect.flatMap((issued) => Effect.orDie(Effect.fromOption(issued))),
        Effect.map((issued) => issued.token)
      )

  const demo: Demo = {
    base_url: options.baseUrl,
    website_config_id: site.websiteConfigId,
    tracking_token: site.trackingToken,
    instance_id: instance.instanceId,
    widget_token: token
  }
  yield* LocalDatabase.writePrivate(demoFile(options.dataDir), `${JSON.stringify(demo, null, 2)}\n`)
  const shows: DemoFeed.Subject = {
    hostedWebsiteId: site.hostedWebsiteId,
    websiteConfigId: site.websiteConfigId,
    instanceId: instance.instanceId
  }
  return { demo, shows }
})
