/**
 * The tests that every layer of `Inbox` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option, Schema, Stream } from "effect"
import * as Inboxes from "../../src/forms/Inbox.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { type Status, type SubmissionDraft, statuses } from "../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { ConversationId, InstanceId, SubmissionId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import { latestFirst, type Part, type Position } from "../../src/platform/text/Cursor.ts"
import type { Access } from "../../src/sites/access/Access.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as InboxFilter from "../support/InboxFilter.ts"
import * as SubmissionDrafts from "../support/SubmissionDraft.ts"

const start = Date.UTC(2026, 10, 1)

const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] })).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId)
)

const submit = Effect.fnUntraced(function* (site: WebsiteConfigId, more: Partial<SubmissionDraft> = {}) {
  const draft = SubmissionDrafts.make(site, { receivedAt: start, ...more })
  yield* SubmissionRepo.use((repo) => repo.submit(draft))
  return draft
})

/** Reads all pages of a list. */
const inPages = Effect.fnUntraced(function* <E>(
  read: (after: Position | null) => Effect.Effect<Part<Inboxes.Summary>, E>
) {
  const items: Array<Inboxes.Summary> = []
  let after: Position | null = null
  do {
    const page: Part<Inboxes.Summary> = yield* read(after)
    items.push(...page.items)
    after = page.next
  } while (after !== null)
  return items
})

/** Reads the whole list, page by page. */
const listed = (websiteConfigId: WebsiteConfigId, filter: Inboxes.Filter, limit: number) =>
  Inbox.use((inbox) =>
    inPages((after) =>
      Effect.map(inbox.list({ sites: [websiteConfigId], filter, after, limit }), (page) => {
        assert.isAtMost(page.items.length, limit)
        return page
      })
    )
  )

const idsOf = (messages: ReadonlyArray<{ readonly submissionId: SubmissionId }>) =>
  messages.map(({ submissionId }) => submissionId)

const Shape = Schema.Struct({
  time: Schema.Literals([0, 1, 2, 3]),
  status: Schema.Literals(statuses),
  pageSlug: Schema.NullOr(Schema.Literals(["contact", "Über"])),
  email: Schema.NullOr(Schema.Literals(["ada@example.org", "ADA.b@example.org"])),
  text: Schema.Literals(["Hello World", 'a "quoted"\\ text', "größer 😀", "x"]),
  isRead: Schema.Boolean
})

const Filter = Schema.Struct({
  status: Schema.UndefinedOr(Schema.Literals(statuses)),
  isRead: Schema.UndefinedOr(Schema.Boolean),
  pageSlug: Schema.UndefinedOr(Schema.Literals(["contact", "Über", "none"])),
  search: Schema.UndefinedOr(Schema.Literals(["hello", "ADA", '"quoted"\\', "größer 😀", "%", "Über", "nothing"])),
  since: Schema.UndefinedOr(Schema.Literals([start + 1, start + 2])),
  before: Schema.UndefinedOr(Schema.Literals([start + 2, start + 3]))
})

export const suite = <E>(name: string, layer: Layer.Layer<Inbox | SubmissionRepo | SiteDirectory, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect.prop(
      "a list has the submissions that match its filter, latest first, in pages of any size, and so does a stream",
      {
        shapes: Schema.Array(Shape).check(Schema.isMaxLength(8)),
        filter: Filter,
        limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
        escaped: Schema.Boolean
      },
      ({ escaped, shapes, limit, filter }) =>
        Effect.gen(function* () {
          const inbox = yield* Inbox
          const [site, other] = [yield* newSite, yield* newSite]
          yield* submit(other)
          const messages: Array<Inboxes.Message> = []
          for (const { isRead, text, time, ...rest } of shapes) {
            const json = JSON.stringify(text)
            // Some clients escape every character that is not ASCII.
            const value = escaped
              ? json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
              : json
            const draft = yield* submit(site, { ...rest, receivedAt: start + time, formData: `{"message":${value}}` })
            if (isRead) yield* inbox.mark(site, [draft.submissionId], true)
            const found = yield* inbox.find(site, draft.submissionId)
            const { idempotency: _, visitorHashes: __, ...stored } = draft
            assert.deepInclude(Option.getOrThrow(found), { ...stored, isRead })
            messages.push(Option.getOrThrow(found))
          }
          const expected = messages
            .filter((message) => InboxFilter.matches(message, filter))
            .sort((left, right) => latestFirst(Inboxes.positionOf(left), Inboxes.positionOf(right)))
          assert.deepStrictEqual(yield* listed(site, filter, limit), expected.map(Inboxes.toSummary))
          assert.deepStrictEqual([...(yield* Stream.runCollect(inbox.stream(site, filter)))], expected)
        }),
      { arbitrary: { runs: 40 } }
    )

    it.effect.prop(
      "a list of several websites has those that a list of each has, latest first, in pages of any size",
      {
        shapes: Schema.Array(Schema.Struct({ ...Shape.fields, site: Schema.Literals([0, 1, 2]) })).check(
          Schema.isMaxLength(8)
        ),
        filter: Filter,
        limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))
      },
      ({ filter, limit, shapes }) =>
        Effect.gen(function* () {
          const inbox = yield* Inbox
          const sites = [yield* newSite, yield* newSite, yield* newSite] as const
          const [first, second] = sites
          for (const { isRead, site, text, time, ...rest } of shapes) {
            const more = { ...rest, receivedAt: start + time, formData: JSON.stringify({ message: text }) }
            const { submissionId } = yield* submit(sites[site], more)
            if (isRead) yield* inbox.mark(sites[site], [submissionId], true)
          }
          const each = yield* Effect.forEach(sites, (site) => listed(site, filter, 100))
          const expected = (lists: ReadonlyArray<ReadonlyArray<Inboxes.Summary>>) =>
            lists
              .flat()
              .sort((left, right) => latestFirst(Inboxes.positionOf(left), Inboxes.positionOf(right)))
              .map(({ submissionId }) => submissionId)
          const found = (sites: Access["sites"]) =>
            Effect.map(
              inPages((after) => inbox.list({ sites, filter, after, limit })),
              idsOf
            )
          assert.deepStrictEqual(yield* found([first, second]), expected(each.slice(0, 2)))
          assert.deepStrictEqual(yield* found([first]), expected(each.slice(0, 1)))
          assert.deepStrictEqual(yield* found([]), [])
          // Also those of other tests.
          const all = new Set(each.flat().map(({ submissionId }) => submissionId))
          assert.deepStrictEqual(
            (yield* found("all")).filter((id) => all.has(id)),
            expected(each)
          )
        }),
      { arbitrary: { runs: 15 } }
    )

    it.effect("a list has the submissions of a conversation, which a deletion and a restoration keep", () =>
      Effect.gen(function* () {
        const inbox = yield* Inbox
        const [site, other] = [yield* newSite, yield* newSite]
        const conversation = {
          instanceId: InstanceId.make(randomUUID()),
          conversationId: ConversationId.make(randomUUID())
        }
        const { submissionId } = yield* submit(site, { conversation })
        yield* submit(site)
        yield* submit(other, { conversation })
        const { conversationId } = conversation
        assert.deepStrictEqual(idsOf(yield* listed(site, { conversationId }, 2)), [submissionId])
        yield* inbox.delete(site, [submissionId])
        assert.deepStrictEqual(yield* listed(site, { conversationId }, 2), [])
        assert.deepStrictEqual(idsOf(yield* listed(site, { conversationId, isDeleted: true }, 2)), [submissionId])
        yield* inbox.restore(site, [submissionId])
        const found = Option.getOrThrow(yield* inbox.find(site, submissionId))
        assert.deepStrictEqual(found.conversation, conversation)
      })
    )

    it.effect("searches all submissions page by page, also those that follow many others", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const [first, last] = [{ formData: '{"a":"needle"}' }, { formData: '{"a":"Needle"}', receivedAt: start + 2 }]
        const matching = [yield* submit(site, last), yield* submit(site, { ...first, receivedAt: start - 1 })]
        const many = Inboxes.windowSize + 10
        yield* Effect.forEach(Array.from({ length: many }), () => submit(site, { email: null, pageSlug: null }), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(idsOf(yield* listed(site, { search: "needle" }, 50)), idsOf(matching))
        assert.lengthOf(yield* listed(site, { isRead: false }, 100), many + 2)
      })
    )

    it.effect("marks, releases and deletes the selected submissions of a website, and no others", () =>
      Effect.gen(function* () {
        const inbox = yield* Inbox
        const [site, other] = [yield* newSite, yield* newSite]
        const own = [
          yield* submit(site, { status: "quarantined" }),
          yield* submit(site, { status: "quarantined" })
        ] as const
        const foreign = yield* submit(other, { status: "quarantined" })
        const selected = [...idsOf(own), foreign.submissionId, SubmissionId.make(randomUUID())]
        const assertState = (id: SubmissionId, status: Status, isRead: boolean, websiteConfigId = site) =>
          Effect.map(inbox.find(websiteConfigId, id), (found) =>
            assert.deepInclude(Option.getOrThrow(found), { status, isRead })
          )
        for (const isRead of [true, true, false]) {
          assert.sameMembers([...(yield* inbox.mark(site, selected, isRead))], idsOf(own))
          for (const id of idsOf(own)) yield* assertState(id, "quarantined", isRead)
        }
        for (let count = 0; count < 2; count++) {
          assert.sameMembers([...(yield* inbox.release(site, selected))], idsOf(own))
          for (const id of idsOf(own)) yield* assertState(id, "accepted", false)
        }
        const [deleted, remaining] = [own[0].submissionId, own[1].submissionId]
        assert.deepStrictEqual([...(yield* inbox.delete(site, [deleted, foreign.submissionId]))], [deleted])
        // A second deletion has no effect: a request that is sent again must not delete for good.
        assert.deepStrictEqual([...(yield* inbox.delete(site, [deleted]))], [deleted])
        assert.isNotNull(Option.getOrThrow(yield* inbox.find(site, deleted)).deletedAt)
        yield* assertState(remaining, "accepted", false)
        yield* assertState(foreign.submissionId, "quarantined", false, other)
        assert.isTrue(Option.isNone(yield* inbox.find(site, foreign.submissionId)))
      })
    )

    it.effect.prop(
      "a deleted submission is restored as it was, and until then only the list of deleted ones has it",
      {
        shape: Shape,
        formData: Schema.Literals(['{"a":"\\u0000\\ud800","a":1e400,"__proto__":{}}', '{"message":"Hello"}'])
      },
      ({ formData, shape: { isRead, text: _, time, ...rest } }) =>
        Effect.gen(function* () {
          const inbox = yield* Inbox
          const [site, other] = [yield* newSite, yield* newSite]
          const { submissionId } = yield* submit(site, {
            ...rest,
            receivedAt: start + time,
            formData,
            reasons: ["links"]
          })
          yield* inbox.mark(site, [submissionId], isRead)
          const before = Option.getOrThrow(yield* inbox.find(site, submissionId))
          assert.deepStrictEqual([...(yield* inbox.purge(site, [submissionId]))], [])
          yield* inbox.delete(site, [submissionId])
          const deleted = Option.getOrThrow(yield* inbox.find(site, submissionId))
          assert.deepStrictEqual({ ...deleted, deletedAt: null }, before)
          assert.deepStrictEqual(yield* listed(site, {}, 4), [])
          assert.deepStrictEqual(yield* inbox.overview(site), { unread: 0, quarantined: 0, pages: [] })
          assert.deepStrictEqual(yield* listed(site, { isDeleted: true }, 4), [Inboxes.toSummary(deleted)])
          const query = { sites: [site, other], filter: { isDeleted: true }, after: null, limit: 4 }
          assert.deepStrictEqual((yield* inbox.list(query)).items, [Inboxes.toSummary(deleted)])
          assert.deepStrictEqual((yield* inbox.list({ ...query, filter: {} })).items, [])
          const stream = inbox.stream(site, { isDeleted: true })
          assert.deepStrictEqual([...(yield* Stream.runCollect(stream))], [deleted])
          assert.deepStrictEqual([...(yield* inbox.release(site, [submissionId]))], [])
          assert.deepStrictEqual([...(yield* inbox.restore(other, [submissionId]))], [])
          for (let count = 0; count < 2; count++) {
            assert.deepStrictEqual([...(yield* inbox.restore(site, [submissionId]))], [submissionId])
            assert.deepStrictEqual(Option.getOrThrow(yield* inbox.find(site, submissionId)), before)
          }
          yield* inbox.delete(site, [submissionId])
          assert.deepStrictEqual([...(yield* inbox.purge(other, [submissionId]))], [])
          assert.deepStrictEqual([...(yield* inbox.purge(site, [submissionId]))], [submissionId])
          assert.isTrue(Option.isNone(yield* inbox.find(site, submissionId)))
          assert.deepStrictEqual([...(yield* inbox.restore(site, [submissionId]))], [])
        }),
      { arbitrary: { runs: 10 } }
    )

    it.effect("counts unread and quarantined submissions, and lists the pages", () =>
      Effect.gen(function* () {
        const inbox = yield* Inbox
        const site = yield* newSite
        assert.deepStrictEqual(yield* inbox.overview(site), { unread: 0, quarantined: 0, pages: [] })
        const read = yield* submit(site, { pageSlug: "b" })
        yield* submit(site, { pageSlug: "a" })
        yield* submit(site, { pageSlug: "a" })
        yield* submit(site, { pageSlug: null, status: "quarantined" })
        yield* inbox.mark(site, [read.submissionId], true)
        assert.deepStrictEqual(yield* inbox.overview(site), { unread: 2, quarantined: 1, pages: ["a", "b"] })
      })
    )
  })
