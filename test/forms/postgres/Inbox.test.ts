import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { Inbox } from "../../../src/forms/InboxMessage.ts"
import { streamBytes } from "../../../src/forms/postgres/Inbox.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { suite } from "../../suites/Inbox.ts"
import { postgres } from "../../support/Storages.ts"
import * as SubmissionDrafts from "../../support/SubmissionDraft.ts"

suite("forms/postgres/Inbox", postgres())

layer(postgres())("forms/postgres/Inbox", (it) => {
  it.effect("a stream reads few large submissions at once, and each once", () =>
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
    })
  )
})
