/**
 * The settings of a website in use, for the tests of the console and for its pictures.
 *
 * @module
 */
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import { Goals } from "../../../src/analytics/Goal.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../../src/chat/WidgetTokens.ts"
import { Deliveries } from "../../../src/delivery/Delivery.ts"
import * as Mailer from "../../../src/delivery/mail/Mailer.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { Webhooks } from "../../../src/delivery/Webhook.ts"
import { FormDirectory } from "../../../src/forms/FormRules.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import * as DecisionCounts from "../DecisionCounts.ts"
import { fanOutAll, freeSlots } from "../Delivery.ts"
import * as SubmissionDraft from "../SubmissionDraft.ts"
import { onFewConnections as testServer } from "../TestServer.ts"
import * as TestTime from "../TestTime.ts"
import { Websites } from "./ConsolePage.ts"

/** Stores a submission and two webhooks: one got the submission, one failed once. Returns the submission's id. */
const storeDeliveries = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId) {
  const webhooks = yield* Webhooks
  const deliveries = yield* Deliveries
  const create = (url: string, events: ReadonlyArray<string>, format: "standard" | "slack") =>
    Effect.map(webhooks.create(websiteConfigId, { url, events, format }), Option.getOrThrow)
  yield* create("https://hooks.fjordlight.example/leads", [], "standard")
  yield* create("https://chat.example/services/T0/B0/secret", ["submission.accepted"], "slack")
  const repo = yield* SubmissionRepo
  const now = yield* Clock.currentTimeMillis
  const submissionId = yield* repo.submit(
    SubmissionDraft.make(websiteConfigId, {
      formData: '{"name":"Ada Lovelace","message":"We would like to rent two dry suits."}',
      receivedAt: now
    })
  )
  yield* fanOutAll
  for (const leased of (yield* deliveries.lease(freeSlots, new Map())).leased) {
    const isSlack = leased.webhook.format === "slack"
    yield* deliveries.settle(leased, {
      attempt: isSlack
        ? { attemptedAt: now, status: 503, millis: 1_204, answer: "try again later", error: null }
        : { attemptedAt: now, status: 204, millis: 48, answer: "", error: null },
      next: isSlack ? { status: "pending", nextAttemptAt: now + 3_600_000 } : { status: "delivered" },
      affectsHealth: true
    })
  }
  return submissionId
})

/** Gives a website settings of every kind, and returns the id of a submission that was delivered. */
export const store = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId) {
  const { add, addByOwner } = yield* Notifications
  yield* add(websiteConfigId, { to: "ida@fjordlight.example", digest: "15m", quarantined: true })
  yield* add(websiteConfigId, { to: "ole@fjordlight.example", report: "weekly" })
  for (const report of ["weekly", "monthly"] as const) {
    yield* addByOwner(websiteConfigId, { to: "new@fjordlight.example", report })
  }
  const submissionId = yield* storeDeliveries(websiteConfigId)
  const goals = yield* Goals
  yield* goals.create(websiteConfigId, { kind: "page", value: "/thanks*", name: "Booking sent" })
  yield* goals.create(websiteConfigId, { kind: "event", value: "Signup", name: "Newsletter" })
  yield* FormDirectory.use((forms) =>
    forms.put({
      websiteConfigId,
      page: "booking",
      rules: {
        name: { required: true, max: 100 },
        email: { required: true, email: true },
        people: { number: true, min: 1, max: 12, message: "Our boats take one to twelve people." },
        tour: { one_of: ["Morning", "Sunset"] }
      }
    })
  )
  const instance = yield* InstanceDirectory.use((instances) =>
    instances.create({
      name: "Concierge",
      agent_url: "https://agent.example.com/v1",
      agent_model: "gpt-5-mini",
      guarded: true,
      website_config_id: websiteConfigId
    })
  )
  yield* WidgetTokens.use((tokens) =>
    tokens.issue({ reach: "all", instanceId: instance.instance_id, label: "All pages", expiresAt: null })
  )
  yield* OwnerKeys.use((keys) =>
    keys.issue({ scope: "stats", sites: [websiteConfigId], label: "Wall display", expiresAt: null })
  )
  const site = yield* SiteDirectory.use((sites) =>
    sites.update(websiteConfigId, { origins: ["https://www.fjordlight.example", "https://booking.fjordlight.example"] })
  )
  yield* DecisionCounts.record(Option.getOrThrow(site), { "foreign-origin": 40, "form-rule": 12, bot: 7 })
  return submissionId
})

const secretsKey = Redacted.make<Uint8Array>(new Uint8Array(32).fill(1))

/** A server with mail set up. It sends only test mails: nothing delivers the others. */
const server = testServer(
  { secretsKey: Option.some(secretsKey) },
  undefined,
  undefined,
  Option.some({
    mailer: Mailer.makeMemory([]),
    sender: {
      from: { name: "Edge", address: "mail@edge.example" },
      publicUrl: "https://edge.example",
      consoleUrl: null,
      secretsKey
    }
  })
)

/** A server with a website that has settings of every kind, and a new website. */
export const layer = Layer.effect(
  Websites,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    const busy = yield* directory.create({ name: "Fjordlight Kayaks", origins: [] })
    const fresh = yield* directory.create({ name: "New website", origins: [] })
    yield* store(busy.websiteConfigId)
    return { busy, fresh }
  })
).pipe(Layer.provideMerge(server), Layer.provideMerge(TestTime.layer), Layer.orDie)
