/**
 * `spam mark`, `spam list` and `spam remove`: what a website's owner marked as spam.
 *
 * @module
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { SpamMarkId } from "../../platform/Id.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const mark = Command.make(
  "mark",
  { submissionId: Inputs.submissionId, site: Websites.flagOf("submission") },
  Effect.fnUntraced(function* ({ site, submissionId }) {
    const changed = yield* Websites.withRecord("spam", { kind: "submission", id: submissionId, site }, (spam, params) =>
      spam.mark({ params, payload: { submission_ids: [submissionId] } })
    )
    yield* Output.answer({
      json: changed,
      text: `The submission ${submissionId} is in the quarantine, and so will be others with its address or its text.\n`
    })
  })
).pipe(
  Command.withDescription("Quarantine a submission, and later ones with the same address or the same text"),
  Command.withExamples([
    {
      command: "hydracore spam mark --submission-id 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11",
      description: "Hold this sender; `submissions release` takes it back"
    }
  ])
)

const list = Command.make(
  "list",
  { site: Inputs.site },
  Effect.fnUntraced(function* ({ site }) {
    const listed = yield* Websites.request("spam", site, (spam, params) => spam.list({ params }))
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["MARK_ID", "MARKED", "EMAIL", "TEXT"],
        listed.marks.map(({ created_at, email, mark_id, text }) => [
          mark_id,
          Output.time(created_at),
          TerminalText.printable(email ?? "-"),
          TerminalText.truncate(TerminalText.printable(text ?? "-"), 60)
        ]),
        "Nothing is marked as spam; `hydracore spam mark` marks a submission."
      )
    })
  })
).pipe(Command.withDescription("List what is held as spam, the latest first"))

const remove = Command.make(
  "remove",
  {
    site: Inputs.site,
    markId: Inputs.make("mark-id", Inputs.idKind(SpamMarkId), "<uuid>", "The mark_id of a mark")
  },
  Effect.fnUntraced(function* ({ markId, site }) {
    const facts = { notFound: Output.notFound("mark", markId) }
    yield* Websites.request(
      "spam",
      site,
      (spam, params) => spam.delete({ params: { ...params, mark_id: markId } }),
      facts
    )
    yield* Output.answer({
      json: { mark_id: markId, removed: true },
      text: `The mark ${markId} is taken back. What it held stays in the quarantine until it is released.\n`
    })
  })
).pipe(Command.withDescription("Take back a mark; its address and its text are no longer held"))

export const command = Client.command("spam", "What is marked as spam", mark, list, remove)
