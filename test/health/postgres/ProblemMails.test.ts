/** Mails about problems: from the problem in the database to a real receiver of mails. */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Redacted } from "effect"
import PostalMime from "postal-mime"
import * as MailDispatcher from "../../../src/delivery/mail/MailDispatcher.ts"
import * as Mailer from "../../../src/delivery/mail/Mailer.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import * as Mails from "../../../src/delivery/mail/postgres/Mails.ts"
import * as ProblemMails from "../../../src/health/postgres/ProblemMails.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { dateOf } from "../../../src/platform/text/Calendar.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { mailReceiver } from "../../support/MailReceiver.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { postgres } from "../../support/Storages.ts"
import { poll } from "../../support/Wait.ts"

const layers = Layer.merge(postgres(), TestClient.layer)

const secretsKey = Redacted.make(new Uint8Array(32).fill(7))

/** Sends mails to the server at this port. Ends with the scope. */
const startProcess = (port: number) =>
  Layer.build(
    Layer.fresh(
      MailDispatcher.layer(
        {
          sender: {
            from: { name: "Edge", address: "mail@edge.example" },
            publicUrl: "https://edge.example",
            consoleUrl: "https://edge.example/console",
            secretsKey
          },
          mailer: Mailer.makeSmtp({ server: { host: "127.0.0.1", port, isTls: false, needsTls: false, login: null } })
        },
        []
      ).pipe(Layer.provide(Mails.layer({ secretsKey })))
    )
  )

/** Looks for problems at a time. */
const lookAt = (now: number) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    yield* ProblemMails.look.pipe(
      Effect.provideService(Clock.Clock, {
        ...clock,
        sleep: (duration) => clock.sleep(duration),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        currentTimeNanos: clock.currentTimeNanos,
        currentTimeMillisUnsafe: () => now,
        currentTimeMillis: Effect.succeed(now)
      })
    )
  })

const minute = 60_000

const refuseOrigin = Effect.fnUntraced(function* (site: string, now: number) {
  const sql = yield* PgClient
  const at = PgTypes.timestamptz(now)
  yield* sql`INSERT INTO refusal (website_config_id, day, reason, subject, field, times, first_at, last_at)
    VALUES (${PgTypes.uuid(site)}, ${PgTypes.date(dateOf(now))}, 'foreign-origin', 'https://evil.example', '', 5, ${at}, ${at})`
})

const newSite = SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: ["https://shop.example"] }))

const mailsOf = (site: string) =>
  PgClient.use(
    (sql) =>
      sql<{ readonly recipient: string }>`SELECT recipient FROM mail JOIN notification USING (notification_id)
        WHERE mail.website_config_id = ${PgTypes.uuid(site)} AND mail.kind = 'problems' ORDER BY recipient`
  )

describe("health/postgres/ProblemMails", () => {
  it.live("a problem is one mail when it begins and one when it ends, to those who want them", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const now = yield* Clock.currentTimeMillis
      const { websiteConfigId: site } = yield* newSite
      const { add } = yield* Notifications
      yield* add(site, { to: "ada@example.com", problems: true })
      yield* add(site, { to: "ada@example.com", report: "weekly", problems: true })
      yield* add(site, { to: "bob@example.com" })
      yield* refuseOrigin(site, now)
      yield* lookAt(now)
      yield* lookAt(now + 5 * minute)
      assert.lengthOf(yield* mailsOf(site), 0)
      for (let looks = 2; looks < 6; looks++) yield* lookAt(now + looks * 5 * minute)
      assert.deepStrictEqual(yield* mailsOf(site), [{ recipient: "ada@example.com" }])

      yield* startProcess(port)
      yield* poll(
        Effect.sync(() => received.length),
        (count) => count === 1
      )
      const first = yield* Effect.promise(() => PostalMime.parse(received[0]?.source ?? ""))
      assert.strictEqual(first.subject, "An origin is refused – Shop")
      assert.include(first.text ?? "", "If the origin is yours, allow it.")
      // Anyone can choose an origin, so it must not become a link.
      assert.notInclude(first.text ?? "", "evil.example")
      assert.include(first.text ?? "", "evil. example")
      assert.include(first.text ?? "", `https://edge.example/console/#/${site}/setup/problems`)

      yield* SiteDirectory.use((sites) =>
        sites.update(site, { origins: ["https://shop.example", "https://evil.example"] })
      )
      const gone = now + 30 * minute
      yield* lookAt(gone)
      yield* lookAt(gone + ProblemMails.endAfter - minute)
      assert.lengthOf(yield* mailsOf(site), 1)
      yield* lookAt(gone + ProblemMails.endAfter)
      yield* lookAt(gone + ProblemMails.endAfter + 5 * minute)
      assert.lengthOf(yield* mailsOf(site), 2)
      yield* poll(
        Effect.sync(() => received.length),
        (count) => count === 2
      )
      const second = yield* Effect.promise(() => PostalMime.parse(received[1]?.source ?? ""))
      assert.strictEqual(second.subject, "Solved: An origin is refused – Shop")
      assert.deepStrictEqual(received[1]?.recipients, ["ada@example.com"])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("two processes that look at the same time make one mail, and other websites get none", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const [site, other, without] = [yield* newSite, yield* newSite, yield* newSite]
      const { add } = yield* Notifications
      yield* add(site.websiteConfigId, { to: "ada@example.com", problems: true })
      yield* add(other.websiteConfigId, { to: "ada@example.com", problems: true })
      yield* add(without.websiteConfigId, { to: "ada@example.com" })
      yield* refuseOrigin(site.websiteConfigId, now)
      yield* refuseOrigin(without.websiteConfigId, now)
      yield* lookAt(now)
      // Both have found the problems, and wait for another transaction, before either has read what was mailed.
      const [sql, client] = [yield* PgClient, yield* Database.dedicated()]
      const holding = yield* Locks.openTransaction(
        client,
        client`SELECT FROM site WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)} FOR NO KEY UPDATE`
      )
      const looks = Array.from({ length: 2 }, () => lookAt(now + ProblemMails.beginAfter))
      const looking = yield* Effect.forkChild(Effect.all(looks, { concurrency: "unbounded" }))
      yield* Locks.untilAwaited(sql, looks.length)
      yield* holding.commit
      yield* Fiber.join(looking)
      assert.lengthOf(yield* mailsOf(site.websiteConfigId), 1)
      assert.lengthOf(yield* mailsOf(other.websiteConfigId), 0)
      assert.lengthOf(yield* mailsOf(without.websiteConfigId), 0)
      // Without a problem and without recipients, nothing is kept.
      yield* PgClient.use((sql) => sql`DELETE FROM notification`)
      yield* PgClient.use((sql) => sql`DELETE FROM refusal`)
      for (const hours of [1, 3, 26]) yield* lookAt(now + ProblemMails.beginAfter + hours * 60 * minute)
      assert.deepStrictEqual(yield* PgClient.use((sql) => sql`SELECT 1 FROM watched_problem`), [])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
