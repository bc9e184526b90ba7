/** A mail about a conversation waits for the visit in which it began, so that it names the page. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { AnalyticsRepo } from "../../../../src/analytics/AnalyticsRepo.ts"
import * as Lead from "../../../../src/analytics/Lead.ts"
import { Leads } from "../../../../src/analytics/Lead.ts"
import * as PostgresAnalyticsRepo from "../../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as PostgresLeads from "../../../../src/analytics/postgres/Leads.ts"
import type { Site } from "../../../../src/sites/Site.ts"
import { SiteDirectory } from "../../../../src/sites/SiteDirectory.ts"
import { shapeOf, viewOf } from "../../../suites/PageViews.ts"
import * as Delivery from "../../../support/Delivery.ts"
import { add, leaseFor, makeAll, submit } from "../../../support/Mails.ts"
import { beginAnswer, newKey } from "../../../support/SiteConversations.ts"

const live = Layer.merge(
  PostgresLeads.layer,
  PostgresAnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 1_000 })
).pipe(Layer.provideMerge(Delivery.postgres))

const shape = shapeOf({ path: "/tours" })

const newVisitor = () => randomUUID().replaceAll("-", "")

/** Stores a page view of a new visitor. Returns the visitor's hash. */
const visit = Effect.fnUntraced(function* ({ hostedWebsiteId }: Site) {
  const visitorHash = newVisitor()
  const receivedAt = (yield* Clock.currentTimeMillis) - 60_000
  yield* AnalyticsRepo.use(({ append }) => append({ ...viewOf(hostedWebsiteId, shape), visitorHash, receivedAt }))
  return visitorHash
})

/** A website with a recipient of all conversations. */
const newRecipient = Effect.gen(function* () {
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))
  const id = site.websiteConfigId
  return { site, id, recipient: yield* add(id, { conversations: "all" }) }
})

type Recipient = Effect.Success<typeof newRecipient>["recipient"]

/** The pages in the mails that are made `millis` from now. */
const pagesAfter = Effect.fnUntraced(function* (millis: number, recipient: Recipient) {
  yield* makeAll((yield* Clock.currentTimeMillis) + millis)
  const mails = yield* leaseFor(recipient)
  return mails.map(({ subject }) => subject.kind === "submissions" && subject.conversations.shown[0]?.page)
})

const afterTheWait = Lead.maxWaitMillis + 1_000

layer(live, { excludeTestServices: true })("delivery/mail/postgres/MailFanOut", (it) => {
  it.effect("a mail about a conversation waits while its visit is looked for, and names the page if it is found", () =>
    Effect.gen(function* () {
      const { id, recipient, site } = yield* newRecipient
      yield* beginAnswer(yield* newKey(id), "Hello", [yield* visit(site)])
      assert.deepStrictEqual(yield* pagesAfter(0, recipient), [])
      yield* Leads.use(({ match }) => match)
      assert.deepStrictEqual(yield* pagesAfter(afterTheWait, recipient), ["/tours"])
      yield* beginAnswer(yield* newKey(id), "Hello", [newVisitor()])
      assert.deepStrictEqual(yield* pagesAfter(0, recipient), [])
      assert.deepStrictEqual(yield* pagesAfter(afterTheWait, recipient), [null])
    })
  )

  it.effect("a mail is made at once if the visit is known, if none is looked for, or about a submission", () =>
    Effect.gen(function* () {
      const { id, recipient, site } = yield* newRecipient
      yield* beginAnswer(yield* newKey(id), "Hello", [yield* visit(site)])
      yield* Leads.use(({ match }) => match)
      assert.deepStrictEqual(yield* pagesAfter(0, recipient), ["/tours"])
      yield* beginAnswer(yield* newKey(id), "Hello")
      assert.deepStrictEqual(yield* pagesAfter(0, recipient), [null])
      yield* submit(id)
      assert.lengthOf(yield* pagesAfter(0, recipient), 1)
    })
  )
})
