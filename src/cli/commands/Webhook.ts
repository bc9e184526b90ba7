/**
 * `webhook create`, `list`, `update`, `delete`, `rotate` and `test`: the webhooks of a website.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { DeliveryDetails } from "../../delivery/Delivery.ts"
import * as Event from "../../delivery/Event.ts"
import type { NewWebhook, WebhookChange } from "../../delivery/OwnerWebhooksApi.ts"
import {
  type Webhook as Entity,
  expectedUrl,
  formats,
  parseUrl,
  type WebhookSecret,
  type WebhookTest
} from "../../delivery/Webhook.ts"
import { type EventId, WebhookId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const urlKind: Inputs.Kind<string> = {
  expected: expectedUrl,
  parse: parseUrl
}

const url = Inputs.make(
  "url",
  urlKind,
  "<url>",
  "Where the events are sent, with POST; a --url before the command is the service to which it is sent"
)

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

const stateOf = ({ disabled_at, failing_since }: Entity): string =>
  disabled_at !== null ? "disabled" : failing_since !== null ? "failing" : "enabled"

export const siteFlag = Websites.flagOf("webhook")

interface OfSite {
  readonly params: { readonly site_id: WebsiteConfigId }
}

interface OfWebhook {
  readonly params: { readonly site_id: WebsiteConfigId; readonly webhook_id: WebhookId }
}

type Outcome<A> = Effect.Effect<A, { readonly _tag: string }>

/** What both the operator and an owner can do. */
interface Operations {
  readonly list: (request: OfSite) => Outcome<{ readonly webhooks: ReadonlyArray<Entity> }>
  readonly create: (request: OfSite & { readonly payload: typeof NewWebhook.Type }) => Outcome<WebhookSecret>
  readonly update: (request: OfWebhook & { readonly payload: typeof WebhookChange.Type }) => Outcome<Entity>
  readonly rotate: (request: OfWebhook) => Outcome<WebhookSecret>
  readonly test: (request: OfWebhook) => Outcome<WebhookTest>
  readonly delivery: (
    request: OfWebhook & { readonly params: { readonly event_id: EventId } }
  ) => Outcome<DeliveryDetails>
}

/** Sends a request about a website: in this process as the operator, else to the owner API. */
const ofSite = Effect.fnUntraced(function* <A>(
  site: string,
  request: (webhooks: Operations, params: OfSite["params"]) => Outcome<A>
) {
  const { url } = yield* Client.Client
  const site_id = yield* Websites.idOf(site)
  if (url !== null) return yield* Websites.request("webhooks", site_id, request)
  const facts = { notFound: Output.notFound("website", site_id) }
  return yield* Client.operator(Operator.webhooks, facts, (webhooks) => request(webhooks, { site_id }))
})

/** The same about a webhook. `none` says what does not exist after a 404. */
export const ofWebhook = Effect.fnUntraced(function* <A>(
  {
    site,
    webhookId: webhook_id,
    none = Output.notFound("webhook", webhook_id)
  }: { readonly webhookId: WebhookId; readonly site: string | null; readonly none?: Output.CliFailure },
  request: (webhooks: Operations, params: OfWebhook["params"]) => Outcome<A>
) {
  const { url } = yield* Client.Client
  const record = { kind: "webhook", id: webhook_id, site, none } as const
  if (url !== null) {
    return yield* Websites.withRecord("webhooks", record, (webhooks, { site_id }) =>
      request(webhooks, { site_id, webhook_id })
    )
  }
  const site_id = yield* Websites.ofRecord(record)
  return yield* Client.operator(Operator.webhooks, { notFound: none }, (webhooks) =>
    request(webhooks, { site_id, webhook_id })
  )
})

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
    site: Inputs.site,
    url,
    events: eventFlags("An event to send; repeatable; without the flag, all events are sent"),
    format: Flag.withDefault(format, "standard" as const)
  },
  Effect.fnUntraced(function* ({ site, ...payload }) {
    const created = yield* ofSite(site, (webhooks, params) => webhooks.create({ params, payload }))
    const target = AddressGuard.targetOf(new URL(payload.url))
    yield* answerSecret(
      created,
      [
        `\`hydracore webhook test --webhook-id ${created.webhook_id}\` sends a test.`,
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
  { site: Inputs.site },
  Effect.fnUntraced(function* ({ site }) {
    const listed = yield* ofSite(site, (webhooks, params) => webhooks.list({ params }))
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["WEBHOOK_ID", "STATE", "FORMAT", "EVENTS", "URL"],
        listed.webhooks.map((webhook) => [
          webhook.webhook_id,
          stateOf(webhook),
          webhook.format,
          webhook.events.join(" ") || "all",
          webhook.url ?? webhook.host ?? "-"
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
    site: siteFlag,
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
    if (flags.enable && flags.disable) return yield* Inputs.wrong("disable", "left out when --enable is given")
    const payload = yield* Inputs.requireChange(
      {
        url: flags.url ?? undefined,
        events: yield* Inputs.changeTo<ReadonlyArray<Event.Type>, ReadonlyArray<Event.Type>>(
          { flag: "event", value: flags.events.length === 0 ? undefined : flags.events },
          { flag: "all-events", isGiven: flags.allEvents, cleared: [] }
        ),
        format: Option.getOrUndefined(flags.format),
        enabled: flags.enable ? true : flags.disable ? false : undefined
      },
      "hydracore webhook update"
    )
    const webhook = yield* ofWebhook(flags, (webhooks, params) => webhooks.update({ params, payload }))
    yield* Output.answer({
      json: webhook,
      text: Output.facts([
        ["webhook_id", webhook.webhook_id],
        ["url", webhook.url ?? "-"],
        ["events", webhook.events.join(" ") || "all"],
        ["format", webhook.format],
        ["state", stateOf(webhook)]
      ])
    })
  })
).pipe(Command.withDescription("Change a webhook, or enable or disable it; settings without a flag stay as they are"))

const remove = Command.make(
  "delete",
  { webhookId, site: siteFlag },
  Effect.fnUntraced(function* ({ site, webhookId: id }) {
    yield* Websites.withRecord("webhooks", { kind: "webhook", id, site }, (webhooks, { site_id }) =>
      webhooks.delete({ params: { site_id, webhook_id: id } })
    )
    yield* Output.answer({
      json: { webhook_id: id, deleted: true },
      text: `The webhook ${id} is deleted, with its deliveries.\n`
    })
  })
).pipe(Command.withDescription("Delete a webhook and its deliveries"))

const rotate = Command.make(
  "rotate",
  { webhookId, site: siteFlag },
  Effect.fnUntraced(function* (flags) {
    const rotated = yield* ofWebhook(flags, (webhooks, params) => webhooks.rotate({ params }))
    yield* answerSecret(rotated, "For 24 hours, each request is also signed with the old secret.")
  })
).pipe(Command.withDescription("Create a new secret; for 24 hours, requests are also signed with the old one"))

const test = Command.make(
  "test",
  { webhookId, site: siteFlag },
  Effect.fnUntraced(function* (flags) {
    const tested = yield* ofWebhook(flags, (webhooks, params) => webhooks.test({ params }))
    const { answer, delivered, error, event_id, millis, status } = tested
    yield* Output.answer({
      json: tested,
      text: Output.facts([
        ["event_id", event_id],
        ["status", status === null ? "none" : String(status)],
        ["milliseconds", String(millis)],
        ["answer", TerminalText.truncate(TerminalText.printable(answer ?? "-"), 200)],
        ["error", error ?? "-"]
      ])
    })
    if (delivered) return
    const { url } = yield* Client.Client
    const isOwnRefusal = url === null && error !== null && AddressGuard.isRefusal(error)
    return yield* new Output.CliFailure({
      message: `The event was not delivered: ${error ?? `the receiver answered ${status}, and only 2xx is success`}.${isOwnRefusal ? " This command sent the test itself: set WEBHOOK_ALLOW for it, and for the service." : ""}`
    })
  })
).pipe(Command.withDescription("Send one event and print the outcome"))

export const command = Client.command(
  "webhook",
  "Webhooks: a website's events for programs and chat tools",
  create,
  list,
  update,
  remove,
  rotate,
  test
)
