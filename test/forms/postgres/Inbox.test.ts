import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { Inbox } from "../../../src/forms/Inbox.ts"
import { streamBytes } from "../../../src/forms/postgres/Inbox.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import type { Position } from "../../../src/platform/text/Cursor.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { suite } from "../../suites/Inbox.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { postgres } from "../../support/Storages.ts"
import * as SubmissionDrafts from "../../support/SubmissionDraft.ts"

suite("forms/postgres/Inbox", postgres())

layer(Layer.merge(postgres(), TestClient.layer))("forms/postgres/Inbox", (it) => {
  it.effect(
    "a stream reads few large submissions at once, and each once, also if another program stored them in one microsecond",
    () =>
      Effect.gen(function* () {
        const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: [] }))
        const { submit } = yield* SubmissionRepo
        const size = 150_000
        const formData = JSON.stringify({ message: "a".repeat(size) })
        const drafts = Array.from({ length: 20 }, (_, number) =>
          SubmissionDrafts.make(websiteConfigId, { email: `${number}@example.com`, formData })
        )
        yield* Effect.forEach(drafts, (draft) => submit(draft), { discard: true })
        const ids = drafts.map(({ submissionId }) => submissionId)
        const sql = yield* PgClient.PgClient
        yield* sql`UPDATE submission SET received_at = date_trunc('second', received_at) + interval '500 microseconds'
        WHERE website_config_id = ${websiteConfigId}`
        for (const filter of [{}, { search: "@example.com" }]) {
          const pages = yield* Inbox.use((inbox) =>
            inbox.stream(websiteConfigId, filter).pipe(
              Stream.map(({ submissionId }) => submissionId),
              Stream.mapArray((page) => [page]),
              Stream.runCollect
            )
          )
          assert.sameMembers(pages.flat(), ids)
          assert.lengthOf(pages.flat(), ids.length)
          for (const page of pages) assert.isAtMost(page.length, Math.ceil(streamBytes / size))
        }
        const list = (after: Position | null) =>
          Inbox.use((inbox) => inbox.list({ sites: [websiteConfigId], filter: {}, after, limit: 7 }))
        const listed = yield* Stream.runCollect(
          Stream.paginate(null as Position | null, (after) =>
            Effect.map(list(after), ({ items, next }) => [items, Option.fromNullishOr(next)])
          )
        )
        assert.deepStrictEqual(
          listed.map(({ submissionId }) => submissionId),
          ids.toSorted().toReversed()
        )
      })
  )
})
