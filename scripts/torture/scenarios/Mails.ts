/**
 * Mails of submissions through kills and restarts.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect, Layer, Option, Redacted } from "effect"
import PostalMime from "postal-mime"
import type { SMTPServerOptions } from "smtp-server"
import { Notifications as Service } from "../../../src/delivery/mail/Notification.ts"
import * as Notifications from "../../../src/delivery/mail/postgres/Notifications.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { mailReceiver } from "../../../test/support/MailReceiver.ts"
import * as Process from "../../../test/support/Process.ts"
import { until } from "../../../test/support/Wait.ts"
import * as Cluster from "../Cluster.ts"
import * as PgBouncer from "../PgBouncer.ts"
import * as Store from "../Store.ts"
import * as Webhooks from "../Webhooks.ts"
import { type Figures, rounded } from "./Figures.ts"

const clients = 8

/** The submissions per second: so few that mails are still to be sent at each kill. */
const perSecond = 20

/**
 * How many acknowledged submissions a website gets. More than ten submissions in an hour, including those whose response was cut
 * off, would come in digests, which do not name each submission.
 */
const perWebsite = 4

/** Creates a website whose submissions are mailed. */
const newWebsite = (database: string) =>
  Effect.gen(function* () {
    const { websiteConfigId } = yield* Store.prepare(database)
    yield* Service.use((notifications) =>
      notifications.add(WebsiteConfigId.make(websiteConfigId), { to: "owner@example.com" })
    ).pipe(
      Effect.provide(
        Notifications.layer({ secretsKey: Option.none() }).pipe(
          Layer.provide(Database.layer({ url: Redacted.make(database), connections: 1 }))
        )
      ),
      Effect.orDie
    )
    return websiteConfigId
  })

/** A mail server that records which mails were about each submission. */
const receiver = Effect.gen(function* () {
  const mails = new Map<string, Set<string>>()
  let taken = 0
  const onData: SMTPServerOptions["onData"] = (stream, _, callback) => {
    const chunks: Array<Buffer> = []
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("end", async () => {
      const { messageId: id = "", text = "" } = await PostalMime.parse(Buffer.concat(chunks))
      taken++
      const submission = /^Reference: (\S+)/m.exec(text)?.[1] ?? ""
      mails.set(submission, (mails.get(submission) ?? new Set()).add(id))
      callback(null)
    })
  }
  const { port } = yield* mailReceiver({ onData })
  return { port, mails, taken: () => taken }
})

/**
 * Kills the service again and again while it takes submissions and mails them, every second time soon after a restart of
 * PostgreSQL. Each acknowledged submission is mailed, in one mail, which may be sent again.
 */
export const kills = Effect.fnUntraced(function* (options: {
  readonly rounds: number
  /** The number of acknowledged submissions for each kill. */
  readonly submissionsPerKill: number
  readonly isPooled: boolean
}) {
  const { mails, port, taken } = yield* receiver
  const cluster = yield* Cluster.make()
  const limit = options.rounds * options.submissionsPerKill
  const websites = yield* Effect.forEach(Array.from({ length: Math.ceil(limit / perWebsite) }), () =>
    newWebsite(cluster.url)
  )
  const url = options.isPooled ? yield* PgBouncer.start(cluster) : cluster.url
  const begin = Process.start("serve", {
    DATABASE_URL: url,
    SECRETS_KEY: Webhooks.secretsKey,
    SMTP_URL: `smtp://127.0.0.1:${port}`,
    MAIL_FROM: "edge@example.com",
    PUBLIC_URL: "https://edge.example"
  })
  let service = yield* begin
  const submissions = yield* Webhooks.submit({ url: () => service.url, websites, clients, limit, perSecond })
  for (let round = 0; round < options.rounds; round++) {
    yield* until(
      "submissions are acknowledged",
      () => submissions.acknowledged.size >= round * options.submissionsPerKill
    )
    if (round % 2 === 1) {
      yield* Effect.andThen(cluster.stop, cluster.start)
      if (options.isPooled) yield* PgBouncer.readmit(cluster)
    }
    const before = taken()
    yield* until("mails arrive", () => taken() > before)
    yield* service.signal("SIGKILL")
    service = yield* begin
  }
  yield* until("all are acknowledged", () => submissions.acknowledged.size >= limit)
  yield* submissions.stop
  const stopped = performance.now()
  const lost = () => [...submissions.acknowledged.keys()].filter((id) => !mails.has(id)).length
  yield* until("all have been mailed", () => lost() === 0, 120_000)
  const doubled = [...mails.values()].filter(({ size }) => size > 1).length
  assert.equal(doubled, 0, "a submission is in one mail")
  return {
    rounds: options.rounds,
    submissions: submissions.acknowledged.size,
    lost: lost(),
    doubled,
    "sent again": taken() - mails.size,
    "last after ms": rounded(performance.now() - stopped)
  } satisfies Figures
}, Effect.scoped)
