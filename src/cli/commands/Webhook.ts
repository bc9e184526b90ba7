/**
 * `webhook create`, `list`, `update`, `delete`, `rotate` and `test`: the webhooks of a website.
 *
 * @module
 */
import { Effect, type Layer, Option } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { Settings } from "../../Config.ts"
import * as Event from "../../delivery/Event.ts"
import { TestDeliveries } from "../../delivery/TestDeliveries.ts"
import {
  expectedUrl,
  formats,
  parseUrl,
  type StoredWebhook,
  type WebhookSecret,
  Webhooks
} from "../../delivery/Webhook.ts"
import { WebhookId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { RecordSites } from "../../sites/RecordSites.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Change from "../support/Change.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const urlKind: Inputs.Kind<string> = {
  expected: expectedUrl,
  parse: parseUrl
}

const url = Inputs.make("url", urlKind, "<url>", "Where the events are sent, with POST")

const eventFlags = (description: string) =>
  Flag.Literals("event", Event.types).pipe(
    Flag.withDescription(description),
    Flag.atLeast(0),
    Flag.withDefault<ReadonlyArray<Event.Type>>([]),
    Flag.map((given) => [...new Set(given)])
  )

const format = Flag.Literals("format", formats).pipe(
  Flag.withDescription(
    "standard: Standard Webhooks; slack: messages for Slack, Mattermost, or Discord with /slack at the end of its URL"
  )
)

export const webhookId = Inputs.make("webhook-id", Inputs.idKind(WebhookId), "<uuid>", "The webhook_id of a webhook")

/**
 * Fails for a URL whose port or IP address the guard refuses. The IP addresses of a host name are checked whenever a
 * connection opens.
 */
const requireAllowed = Effect.fnUntraced(function* (url: string) {
  const { webhookAllow } = yield* Settings
  const target = AddressGuard.targetOf(new URL(url))
  const refusal = AddressGuard.refusalOf(webhookAllow, target)
  if (Option.isNone(refusal)) return
  return yield* new CliError.ValidationError({
    message: `No events can be sent to this URL: ${refusal.value}. To allow it, set WEBHOOK_ALLOW=${AddressGuard.hostAndPort(target)} for the service and for this command.`
  })
})

const json = (
  websiteConfigId: WebsiteConfigId,
  { created_at, disabled_at, events, failing_since, format, ...webhook }: StoredWebhook
) => ({
  webhook_id: webhook.webhook_id,
  website_config_id: websiteConfigId,
  url: webhook.url,
  events,
  format,
  created_at,
  failing_since,
  disabled_at
})

const stateOf = ({ disabled_at, failing_since }: StoredWebhook): string =>
  disabled_at !== null ? "disabled" : failing_since !== null ? "failing" : "enabled"

/** The website of a webhook. */
const siteOf = (id: WebhookId) =>
  RecordSites.use((records) => records.siteOf("webhook", id)).pipe(
    Effect.flatMap(Effect.fromOption(() => Output.notFound("webhook", id)))
  )

const answerSecret = ({ secret, webhook_id }: WebhookSecret, next: string) =>
  Output.answer({
    json: { webhook_id, secret },
    text: `${Output.facts([
      ["webhook_id", webhook_id],
      ["secret", secret]
    ])}\nSave the secret now: it is not shown again.\n${next}\n`
  })

const create = Command.make(
  "create",
  {
    websiteConfigId: Inputs.siteId,
    url,
    events: eventFlags("An event to send; repeatable; without the flag, all events are sent"),
    format: Flag.withDefault(format, "standard" as const)
  },
  Effect.fnUntraced(function* ({ websiteConfigId, ...given }) {
    const webhooks = yield* Webhooks
    yield* requireAllowed(given.url)
    const created = yield* webhooks
      .create(websiteConfigId, given)
      .pipe(Effect.catchTag("LimitReached", Output.limitReached))
    if (Option.isNone(created)) return yield* Output.notFound("website", websiteConfigId)
    const { webhook_id } = created.value
    const target = AddressGuard.targetOf(new URL(given.url))
    yield* answerSecret(
      created.value,
      [
        `\`hydracore webhook test --webhook-id ${webhook_id}\` sends a test.`,
        ...(Option.isSome(AddressGuard.refusalOf([], target))
          ? [`The service delivers to it only if its own WEBHOOK_ALLOW has ${AddressGuard.hostAndPort(target)}.`]
          : [])
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Send a website's events to a URL; the secret that signs them is shown only once"),
  Command.withExamples([
    {
      command:
        "hydracore webhook create --site 0f8fad5b-d9cb-469f-a165-70867728950e --url https://hooks.example.com/leads --event submission.accepted",
      description: "Send each accepted submission to a program"
    }
  ])
)

const list = Command.make(
  "list",
  { websiteConfigId: Inputs.siteId },
  Effect.fnUntraced(function* ({ websiteConfigId }) {
    const directory = yield* SiteDirectory
    const webhooks = yield* Webhooks
    if (Option.isNone(yield* directory.byWebsiteConfigId(websiteConfigId))) {
      return yield* Output.notFound("website", websiteConfigId)
    }
    const listed = yield* webhooks.list(websiteConfigId)
    yield* Output.answer({
      json: listed.map((webhook) => json(websiteConfigId, webhook)),
      text: Output.table(
        ["WEBHOOK_ID", "STATE", "FORMAT", "EVENTS", "URL"],
        listed.map((webhook) => [
          webhook.webhook_id,
          stateOf(webhook),
          webhook.format,
          webhook.events.join(" ") || "all",
          webhook.url
        ]),
        "The website has no webhook yet; `hydracore webhook create` creates one."
      )
    })
  })
).pipe(Command.withDescription("List the webhooks of a website, oldest first, without their secrets"))

const update = Command.make(
  "update",
  {
    webhookId,
    url: Inputs.optional(url),
    events: eventFlags("An event to send; repeatable; replaces the current events"),
    allEvents: Inputs.withoutValue("all-events", "Send all events"),
    format: Flag.optional(format),
    enable: Inputs.withoutValue(
      "enable",
      "Send events again, with the deliveries that wait, and reset the record of failures"
    ),
    disable: Inputs.withoutValue("disable", "Send no more events; pending deliveries wait until --enable")
  },
  Effect.fnUntraced(function* (flags) {
    const webhooks = yield* Webhooks
    if (flags.enable && flags.disable) return yield* Inputs.wrong("disable", "left out when --enable is given")
    if (flags.url !== null) yield* requireAllowed(flags.url)
    const change = yield* Change.require(
      {
        url: flags.url ?? undefined,
        events: yield* Change.changeTo<ReadonlyArray<string>, ReadonlyArray<string>>(
          { flag: "event", value: flags.events.length === 0 ? undefined : flags.events },
          { flag: "all-events", isGiven: flags.allEvents, cleared: [] }
        ),
        format: Option.getOrUndefined(flags.format),
        enabled: flags.enable ? true : flags.disable ? false : undefined
      },
      ["url", "event", "all-events", "format", "enable", "disable"]
    )
    const websiteConfigId = yield* siteOf(flags.webhookId)
    const updated = yield* webhooks.update(websiteConfigId, flags.webhookId, change)
    if (Option.isNone(updated)) return yield* Output.notFound("webhook", flags.webhookId)
    const webhook = updated.value
    yield* Output.answer({
      json: json(websiteConfigId, webhook),
      text: Output.facts([
        ["webhook_id", webhook.webhook_id],
        ["url", webhook.url],
        ["events", webhook.events.join(" ") || "all"],
        ["format", webhook.format],
        ["state", stateOf(webhook)]
      ])
    })
  })
).pipe(Command.withDescription("Change a webhook, or enable or disable it; settings without a flag stay as they are"))

const remove = Command.make(
  "delete",
  { webhookId },
  Effect.fnUntraced(function* ({ webhookId: id }) {
    const site = yield* siteOf(id)
    if (!(yield* Webhooks.use((webhooks) => webhooks.delete(site, id)))) return yield* Output.notFound("webhook", id)
    yield* Output.answer({
      json: { webhook_id: id, deleted: true },
      text: `The webhook ${id} is deleted, with its deliveries.\n`
    })
  })
).pipe(Command.withDescription("Delete a webhook and its deliveries"))

const rotate = Command.make(
  "rotate",
  { webhookId },
  Effect.fnUntraced(function* ({ webhookId: id }) {
    const site = yield* siteOf(id)
    const rotated = yield* Webhooks.use((webhooks) => webhooks.rotate(site, id))
    if (Option.isNone(rotated)) return yield* Output.notFound("webhook", id)
    yield* answerSecret(rotated.value, "For 24 hours, each request is also signed with the old secret.")
  })
).pipe(Command.withDescription("Create a new secret; for 24 hours, requests are also signed with the old one"))

const test = Command.make(
  "test",
  { webhookId },
  Effect.fnUntraced(function* ({ webhookId: id }) {
    const site = yield* siteOf(id)
    const tested = yield* TestDeliveries.use((tests) => tests.webhook(site, id))
    if (Option.isNone(tested)) return yield* Output.notFound("webhook", id)
    const { answer, delivered, error, event_id, millis, status } = tested.value
    yield* Output.answer({
      json: { event_id, status, millis, answer, error },
      text: Output.facts([
        ["event_id", event_id],
        ["status", status === null ? "none" : String(status)],
        ["milliseconds", String(millis)],
        ["answer", TerminalText.truncate(TerminalText.printable(answer ?? "-"), 200)],
        ["error", error ?? "-"]
      ])
    })
    if (delivered) return
    return yield* new Output.CliFailure({
      message: `The event was not delivered: ${error ?? `the receiver answered ${status}, and only 2xx is success`}.`
    })
  })
).pipe(Command.withDescription("Send one event and print the outcome"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | RecordSites | Webhooks | TestDeliveries, E, R>) =>
  Command.make("webhook").pipe(
    Command.withDescription("Webhooks: a website's events for programs and chat tools"),
    Command.withSubcommands([
      create.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      update.pipe(Command.provide(storage)),
      remove.pipe(Command.provide(storage)),
      rotate.pipe(Command.provide(storage)),
      test.pipe(Command.provide(storage))
    ])
  )
