/**
 * The inbox over HTTP: lists, single submissions, selections, exports, and invalid requests.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { Inbox } from "../../src/forms/Inbox.ts"
import type { SubmissionDraft } from "../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../src/platform/Id.ts"
import { StorageUnavailable } from "../../src/platform/Storage.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as CsvReader from "../support/CsvReader.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import * as SubmissionDrafts from "../support/SubmissionDraft.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"

const submit = Effect.fnUntraced(function* (site: WebsiteConfigId, more: Partial<SubmissionDraft> = {}) {
  const draft = SubmissionDrafts.make(site, more)
  yield* Effect.orDie(SubmissionRepo.use((repo) => repo.submit(draft)))
  return draft.submissionId
})

/** A website in Berlin's time zone, the path of its inbox, and a session that may change the website. */
const opened = Effect.gen(function* () {
  const { url } = yield* TestServer
  const site = yield* SiteDirectory.use((sites) =>
    sites.create({ name: "A", origins: [], timeZone: "Europe/Berlin" })
  ).pipe(Effect.orDie)
  const path = `/v1/owner/sites/${site.websiteConfigId}/submissions`
  const cookie = yield* newCookie("owner", [site.websiteConfigId])
  const get = (rest: string) => send(url, `${path}${rest}`, { cookie })
  const post = (rest: string, body: unknown) => send(url, `${path}${rest}`, { cookie, body })
  return { id: site.websiteConfigId, url, path, cookie, get, post }
})

interface Listed {
  readonly submissions: ReadonlyArray<Record<string, unknown> & { readonly submission_id: string }>
  readonly next: string | null
}

const idsOf = (text: string) => (JSON.parse(text) as Listed).submissions.map(({ submission_id }) => submission_id)

layer(testServer(), { excludeTestServices: true })("the inbox", (it) => {
  it.effect("lists submissions in parts, and shows one with all its fields", () =>
    Effect.gen(function* () {
      const { get, id } = yield* opened
      const first = yield* submit(id, { receivedAt: 1_000, reasons: ["links"], formData: '{"a":"Hi","n":1.0}' })
      const second = yield* submit(id, { receivedAt: 2_000, email: null, pageSlug: null })
      const part = yield* get("?limit=1")
      assert.strictEqual(part.status, 200)
      const { next, submissions } = JSON.parse(part.text) as Listed
      assert.deepStrictEqual(submissions, [
        {
          submission_id: second,
          received_at: "1970-01-01T00:00:02.000Z",
          status: "accepted",
          reasons: [],
          read: false,
          name: null,
          email: null,
          page_slug: null,
          answered_at: null,
          answered_by: null,
          deleted_at: null,
          preview: "Hello\0"
        }
      ])
      const rest = yield* get(`?limit=1&cursor=${next}`)
      assert.deepStrictEqual(idsOf(rest.text), [first])
      assert.isNull((JSON.parse(rest.text) as Listed).next)
      assert.deepStrictEqual(JSON.parse((yield* get(`/${first}`)).text), {
        submission_id: first,
        received_at: "1970-01-01T00:00:01.000Z",
        status: "accepted",
        reasons: ["links"],
        read: false,
        name: null,
        email: "ada@example.com",
        page_slug: "contact",
        answered_at: null,
        answered_by: null,
        deleted_at: null,
        fields: [
          { name: "a", type: "text", value: "Hi" },
          { name: "n", type: "json", value: "1.0" }
        ],
        source: null,
        medium: null,
        campaign: null,
        referrer: null,
        entry_page: null,
        conversation: null
      })
    })
  )

  it.effect("filters by status, read mark, page, text, and days of the website's time zone", () =>
    Effect.gen(function* () {
      const { get, id, post } = yield* opened
      const at = (time: string) => ({ receivedAt: Date.parse(time) })
      const late = yield* submit(id, { ...at("2026-03-01T23:30:00Z"), pageSlug: "b&c", status: "quarantined" })
      const early = yield* submit(id, { ...at("2026-03-01T22:30:00Z"), formData: '{"text":"100% größer"}' })
      yield* post("/read", { submission_ids: [early], read: true })
      for (const [query, expected] of [
        ["", [late, early]],
        ["?status=quarantined", [late]],
        ["?status=accepted", [early]],
        ["?read=true", [early]],
        ["?read=false", [late]],
        ["?page=b%26c", [late]],
        [`?search=${encodeURIComponent("100% GRößER")}`, [early]],
        ["?search=_", []],
        ["?from=2026-03-02", [late]],
        ["?to=2026-03-01", [early]],
        ["?from=2026-03-01&to=2026-03-02&status=accepted&read=true", [early]]
      ] as const) {
        assert.deepStrictEqual(idsOf((yield* get(query)).text), [...expected], query)
      }
      assert.deepStrictEqual(JSON.parse((yield* get("/overview")).text), {
        unread: 0,
        quarantined: 1,
        pages: ["b&c", "contact"]
      })
    })
  )

  it.effect("changes the selected submissions of the website only, and lists the ids that it did not find", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const ownSubmission = yield* submit(mine.id, { status: "quarantined" })
      const foreignSubmission = yield* submit(theirs.id, { status: "quarantined" })
      const unknown = randomUUID()
      for (const [name, more] of [
        ["/read", { read: true }],
        ["/release", {}],
        ["/delete", {}],
        ["/restore", {}],
        ["/delete", {}],
        ["/purge", {}]
      ] as const) {
        const changed = yield* mine.post(name, {
          submission_ids: [unknown, ownSubmission.toUpperCase(), foreignSubmission, ownSubmission],
          ...more
        })
        assert.strictEqual(changed.status, 200)
        assert.deepStrictEqual(JSON.parse(changed.text), {
          submission_ids: [ownSubmission],
          not_found: [unknown, foreignSubmission]
        })
        assert.strictEqual((yield* mine.post(name, { submission_ids: [foreignSubmission], ...more })).status, 404)
      }
      assert.strictEqual((yield* mine.get(`/${ownSubmission}`)).status, 404)
      assert.strictEqual((yield* mine.get(`/${foreignSubmission}`)).status, 404)
      const untouched = JSON.parse((yield* theirs.get(`/${foreignSubmission}`)).text)
      assert.deepInclude(untouched, { status: "quarantined", read: false })
    })
  )

  it.effect("exports what a list with the same filter has, as CSV and as NDJSON", () =>
    Effect.gen(function* () {
      const { get, id } = yield* opened
      for (let index = 0; index < 150; index++) {
        yield* submit(id, { receivedAt: index, formData: `{"n":${index},"f${index % 3}":"=1+1"}` })
      }
      yield* submit(id, { status: "quarantined" })
      const csv = yield* get("/export?status=accepted")
      assert.match(csv.headers.get("content-type") ?? "", /^text\/csv/)
      assert.strictEqual(csv.headers.get("content-disposition"), 'attachment; filename="A-submissions.csv"')
      const [header = [], ...records] = CsvReader.read(csv.text)
      assert.deepStrictEqual(header.slice(12), ["n", "f2", "f1", "f0", "other_fields"])
      assert.deepStrictEqual(
        records.map((record) => record[12]),
        Array.from({ length: 150 }, (_, index) => String(149 - index))
      )
      assert.strictEqual(records[0]?.[13], "'=1+1")
      const ndjson = yield* get("/export?format=ndjson&status=accepted")
      assert.strictEqual(ndjson.headers.get("content-type"), "application/x-ndjson")
      const lines = ndjson.text.trimEnd().split("\n")
      assert.deepStrictEqual(
        lines.map((line) => JSON.parse(line).form_data.n),
        Array.from({ length: 150 }, (_, index) => 149 - index)
      )
    })
  )

  it.effect("invalid parameters and bodies get a 422 that names their place", () =>
    Effect.gen(function* () {
      const { get, id, post } = yield* opened
      const submission = yield* submit(id)
      for (const [answer, place] of [
        [yield* get("?limit=0"), "query.limit"],
        [yield* get("?limit=101"), "query.limit"],
        [yield* get("?limit=1&limit=2"), "query.limit"],
        [yield* get("?cursor=abc"), "query.cursor"],
        [yield* get("?cursor=-999999999999999.0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63"), "query.cursor"],
        [yield* get("?cursor=99999999999999999.0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63"), "query.cursor"],
        [yield* get("?status=spam"), "query.status"],
        [yield* get("?search="), "query.search"],
        [yield* get(`?search=${"x".repeat(201)}`), "query.search"],
        [yield* get("?search=%00"), "query.search"],
        [yield* get("?from=2026-02-30"), "query.from"],
        [yield* get("?to=0"), "query.to"],
        [yield* get("/export?format=xlsx"), "query.format"],
        [yield* get("/nobody"), "path.submission_id"],
        [yield* post("/release", {}), "body.submission_ids"],
        [yield* post("/release", { submission_ids: [] }), "body.submission_ids"],
        [yield* post("/release", { submission_ids: ["x"] }), "body.submission_ids"],
        [yield* post("/release", { submission_ids: submission }), "body.submission_ids"],
        [
          yield* post("/delete", { submission_ids: Array.from({ length: 101 }, () => randomUUID()) }),
          "body.submission_ids"
        ],
        [yield* post("/read", { submission_ids: [submission], read: "yes" }), "body.read"]
      ] as const) {
        assert.strictEqual(answer.status, 422, place)
        const [fault] = (JSON.parse(answer.text) as { detail: ReadonlyArray<{ loc: ReadonlyArray<string> }> }).detail
        assert.strictEqual(fault?.loc.join("."), place)
      }
      assert.strictEqual((yield* get(`/${submission}`)).status, 200)
    })
  )
})

/** A store whose `list` fails, and whose streams fail after their first submission. */
const failing = Layer.effect(
  Inbox,
  Effect.map(Inbox, (inbox) => {
    const failure = Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
    return {
      ...inbox,
      list: () => failure,
      stream: (...query: Parameters<typeof inbox.stream>) =>
        Stream.concat(Stream.take(inbox.stream(...query), 1), Stream.fromEffect(failure))
    }
  })
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(failing, storage)),
  { excludeTestServices: true }
)("an inbox whose store fails", (it) => {
  it.effect("a list and an export get a 503 and no truncated response", () =>
    Effect.gen(function* () {
      const { get, id } = yield* opened
      yield* submit(id)
      for (const path of ["", "/export", "/export?format=ndjson"]) assert.strictEqual((yield* get(path)).status, 503)
    })
  )
})

/** A store whose `list` works, but whose streams fail after their first submission. */
const breaking = Layer.effect(
  Inbox,
  Effect.map(Inbox, (inbox) => ({
    ...inbox,
    stream: (...query: Parameters<typeof inbox.stream>) =>
      Stream.concat(
        Stream.take(inbox.stream(...query), 1),
        Stream.fail(new StorageUnavailable({ reason: "unreachable" }))
      )
  }))
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(breaking, storage)),
  { excludeTestServices: true }
)("an export whose store fails midway", (it) => {
  it.effect("ends with a connection error, so that the part is not taken for the whole export", () =>
    Effect.gen(function* () {
      const { get, id } = yield* opened
      yield* submit(id)
      const outcome = yield* Effect.timeoutOption(Effect.exit(get("/export?format=ndjson")), "60 seconds")
      assert.strictEqual(Option.getOrUndefined(outcome)?._tag, "Failure")
    })
  )
})
