/**
 * Which websites need somebody, on PostgreSQL.
 */
import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import {
  Attention,
  byUrgency,
  type Needed,
  order,
  type Place,
  placeOf,
  type SiteAttention
} from "../../../src/activity/Attention.ts"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { Inbox } from "../../../src/forms/Inbox.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import { ConversationId, type WebsiteConfigId } from "../../../src/platform/Id.ts"
import type { Access } from "../../../src/sites/access/Access.ts"
import type { Site } from "../../../src/sites/Site.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../../src/sites/SiteErasure.ts"
import { beginAnswer } from "../../support/Conversations.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { postgres } from "../../support/Storages.ts"
import * as SubmissionDrafts from "../../support/SubmissionDraft.ts"

const newSite = (name: string, origins: ReadonlyArray<string> = []) =>
  SiteDirectory.use((sites) => sites.create({ name, origins }))

const submit = Effect.fnUntraced(function* (
  { websiteConfigId }: Site,
  { isRead = false, ...more }: Parameters<typeof SubmissionDrafts.make>[1] & { readonly isRead?: boolean } = {}
) {
  const draft = SubmissionDrafts.make(websiteConfigId, more)
  yield* SubmissionRepo.use((repo) => repo.submit(draft))
  if (isRead) yield* Inbox.use((inbox) => inbox.mark(websiteConfigId, [draft.submissionId], true))
})

/** Begins a conversation whose only answer ends like this, at `endedAt` if that is given. */
const converse = Effect.fnUntraced(function* (
  { websiteConfigId }: Site,
  ending: "stop" | "failed",
  endedAt: number | null = null
) {
  const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "A", agent_url: "http://agent", website_config_id: websiteConfigId })
  )
  const answerId = yield* beginAnswer({ instanceId, conversationId: ConversationId.make(randomUUID()) }, "Hello?")
  const parts = ending === "stop" ? [{ type: "text" as const, text: "Hello" }] : []
  yield* ConversationStore.use((store) => store.complete({ answerId, parts, ending, usage: null }))
  if (endedAt === null) return
  const [sql, time] = [yield* PgClient, PgTypes.timestamptz(endedAt)]
  yield* sql`UPDATE conversation SET updated_at = ${time}, unanswered_at = ${time} WHERE instance_id = ${PgTypes.uuid(instanceId)}`
})

/** Reads the whole list in parts. */
const listed = Effect.fnUntraced(function* (
  sites: Access["sites"],
  {
    inboxes = sites,
    limit = 2,
    search = null as string | null,
    troubled = new Map() as ReadonlyMap<WebsiteConfigId, Needed>
  } = {}
) {
  const attention = yield* Attention
  const items: Array<SiteAttention> = []
  let after: Place | null = null
  do {
    const found: ReadonlyArray<SiteAttention> = yield* attention.list({
      sites,
      inboxes,
      troubled,
      search,
      after,
      limit
    })
    items.push(...found)
    const last = found.at(-1)
    after = found.length < limit || last === undefined ? null : placeOf(last)
  } while (after !== null)
  return items
})

const Minute = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))

const Minutes = Schema.Array(Minute).check(Schema.isMaxLength(2))

const States = Schema.Array(
  Schema.Struct({
    unread: Minutes,
    read: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    quarantined: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    waiting: Minutes,
    trouble: Schema.NullOr(Schema.Struct({ need: Schema.Literals(["repair", "check"]), minute: Minute }))
  })
).check(Schema.isMaxLength(5))

const timeOf = (minute: number): number => Date.UTC(2026, 10, 1, 0, minute)

layer(Layer.merge(postgres(), TestClient.layer), { excludeTestServices: true })("activity/postgres/Attention", (it) => {
  it.effect.prop(
    "websites are in the order of what they need, and of how long they have waited, in all parts of the list, each with its counts",
    [States, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 }))],
    ([states, limit]) =>
      Effect.gen(function* () {
        const expected = yield* Effect.forEach(
          states,
          Effect.fnUntraced(function* ({ quarantined, read, trouble, unread, waiting }, index) {
            const site = yield* newSite(`Website ${index}`)
            for (const minute of unread) yield* submit(site, { receivedAt: timeOf(minute) })
            for (let count = 0; count < read; count++) yield* submit(site, { isRead: true, receivedAt: 0 })
            for (let count = 0; count < quarantined; count++) {
              yield* submit(site, { status: "quarantined", receivedAt: 0 })
            }
            for (const minute of waiting) yield* converse(site, "failed", timeOf(minute))
            yield* converse(site, "stop")
            const all: ReadonlyArray<Needed> = [
              ...(trouble === null ? [] : [{ need: trouble.need, since: timeOf(trouble.minute) }]),
              ...waiting.map((minute) => ({ need: "answer" as const, since: timeOf(minute) })),
              ...unread.map((minute) => ({ need: "reading" as const, since: timeOf(minute) })),
              { need: "nothing", since: site.createdAt }
            ]
            const [needed = all[0]!] = all.toSorted(byUrgency)
            return { site, needed, unread: unread.length, waiting: waiting.length }
          })
        )
        const ids = expected.map(({ site }) => site.websiteConfigId)
        const troubled = new Map(
          states.flatMap(({ trouble }, index) =>
            trouble === null ? [] : [[ids[index]!, { need: trouble.need, since: timeOf(trouble.minute) }] as const]
          )
        )
        const found = yield* listed(ids, { limit, troubled })
        assert.deepStrictEqual(
          found,
          expected.toSorted((left, right) => order(placeOf(left), placeOf(right)))
        )
        const counts = yield* Attention.use((attention) => attention.counts(ids))
        assert.deepStrictEqual(counts, {
          unread: states.reduce((sum, { unread }) => sum + unread.length, 0),
          waiting: states.reduce((sum, { waiting }) => sum + waiting.length, 0)
        })
        // A caller that may not read the inboxes learns nothing from the order.
        assert.deepStrictEqual(
          (yield* listed(ids, { inboxes: [], limit })).map(({ needed, site, unread, waiting }) => [
            site.websiteConfigId,
            needed.need,
            unread,
            waiting
          ]),
          expected
            .map(({ site }) => ({ need: "nothing" as const, since: site.createdAt, id: site.websiteConfigId }))
            .sort(order)
            .map(({ id }) => [id, "nothing", 0, 0])
        )
      }),
    { arbitrary: { runs: 15 } }
  )

  it.effect("only the websites of the caller are listed and counted, without those that are being deleted", () =>
    Effect.gen(function* () {
      const attention = yield* Attention
      const [own, other, deleted] = [yield* newSite("own"), yield* newSite("other"), yield* newSite("deleted")]
      for (const site of [own, other, deleted]) yield* submit(site)
      yield* SiteErasure.use((erasure) => erasure.erase(deleted.websiteConfigId, { withInstances: false }))
      const idsOf = (sites: ReadonlyArray<{ readonly site: Site }>) => sites.map(({ site }) => site.websiteConfigId)
      assert.deepStrictEqual(idsOf(yield* listed([own.websiteConfigId, deleted.websiteConfigId])), [
        own.websiteConfigId
      ])
      assert.deepStrictEqual(yield* attention.counts([own.websiteConfigId, deleted.websiteConfigId]), {
        unread: 1,
        waiting: 0
      })
      assert.deepStrictEqual(yield* attention.counts([]), { unread: 0, waiting: 0 })
      assert.deepStrictEqual(yield* listed([]), [])
      const all = idsOf(yield* listed("all", { limit: 100 }))
      assert.includeMembers(all, [own.websiteConfigId, other.websiteConfigId])
      assert.notInclude(all, deleted.websiteConfigId)
      assert.isAtLeast((yield* attention.counts("all")).unread, 2)
    })
  )

  it.effect("a search finds websites by their name and their origins", () =>
    Effect.gen(function* () {
      const [named, hosted] = [yield* newSite("Zebra crossing"), yield* newSite("b", ["https://zebra.example"])]
      yield* submit(hosted)
      const found = yield* listed("all", { search: "ZEBRA" })
      assert.deepStrictEqual(
        found.map(({ site }) => site.websiteConfigId),
        [hosted.websiteConfigId, named.websiteConfigId]
      )
    })
  )
})
