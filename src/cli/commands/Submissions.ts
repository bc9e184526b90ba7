/**
 * `submissions export`, `submissions release` and `submissions delete`: a website's form submissions. An export is
 * streamed, so memory use does not depend on its size.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import type { Submission } from "../../forms/Submission.ts"
import { statuses } from "../../forms/Submission.ts"
import * as SubmissionExport from "../../forms/SubmissionExport.ts"
import { SubmissionRepo } from "../../forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { Persons } from "../../privacy/Persons.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

/** The texts per write: fewer would take more system calls, and more would take too much memory for the largest forms. */
const batch = 64

const inBatches = <E>(texts: Stream.Stream<string, E>): Stream.Stream<string, E> =>
  texts.pipe(
    Stream.grouped(batch),
    Stream.map((group) => group.join(""))
  )

type Format = <E>(
  submissions: Stream.Stream<Submission, E>,
  options: SubmissionExport.ExportOptions
) => Stream.Stream<string, E>

const ndjson: Format = (submissions, options) =>
  Stream.map(submissions, (submission) => SubmissionExport.ndjson(submission, options))

const csv: Format = (submissions, options) =>
  Stream.concat(
    Stream.succeed(SubmissionExport.csvHeader(options)),
    Stream.map(submissions, (submission) => SubmissionExport.csv(submission, options))
  )

const jsonArray: Format = (submissions, options) =>
  Output.jsonArray(Stream.map(submissions, (submission) => SubmissionExport.json(submission, options)))

const exportCommand = Command.make(
  "export",
  {
    websiteConfigId: Inputs.site,
    format: Flag.Literals("format", ["ndjson", "csv"]).pipe(
      Flag.withDescription(
        "One JSON object per line, or CSV with form_data as JSON in one column; ndjson unless given"
      ),
      Flag.withDefault("ndjson")
    ),
    status: Flag.Literals("status", statuses).pipe(
      Flag.withDescription(
        "Only submissions with this status, each with its status and reasons; unless given, only accepted ones, without their status and reasons"
      ),
      Flag.optional
    ),
    since: Inputs.time(
      "since",
      "Only submissions received from this time on, such as 90d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"
    )
  },
  Effect.fnUntraced(function* ({ format, since, status, websiteConfigId }) {
    const directory = yield* SiteDirectory
    const repo = yield* SubmissionRepo
    const json = yield* Output.Json
    const now = yield* Clock.currentTimeMillis
    const from = yield* Inputs.readTime(
      "since",
      "a time such as 90d, 12h, 30m, 2026-01-31 or 2026-01-31T08:00:00Z",
      since,
      (text) => Calendar.parseSince(text, now)
    )
    if (json && format === "csv") {
      return yield* new Output.CliFailure({ message: "The flags --json and --format csv cannot be combined." })
    }
    if (Option.isNone(yield* directory.byWebsiteConfigId(websiteConfigId))) {
      return yield* Output.notFound("website", websiteConfigId)
    }
    const submissions = repo.stream({
      websiteConfigId,
      status: Option.getOrElse(status, () => "accepted" as const),
      ...(from === null ? {} : { since: from })
    })
    const toTexts = json ? jsonArray : format === "csv" ? csv : ndjson
    yield* Output.writeAll(
      inBatches(toTexts(Stream.rechunk(submissions, batch), { withVerdict: Option.isSome(status) }))
    )
  })
).pipe(
  Command.withDescription("Write a website's submissions to stdout, oldest first"),
  Command.withExamples([
    {
      command: "hydracore submissions export --site 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --format csv --since 90d",
      description: "The submissions of the last ninety days, for a spreadsheet"
    },
    {
      command: "hydracore submissions export --site 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --status quarantined",
      description: "Suspected spam, with the reasons"
    }
  ])
)

const release = Command.make(
  "release",
  { submissionId: Inputs.submissionId },
  Effect.fnUntraced(function* ({ submissionId }) {
    const repo = yield* SubmissionRepo
    if (!(yield* repo.release(submissionId))) {
      return yield* Output.notFound("submission", submissionId)
    }
    yield* Output.answer({
      json: { submission_id: submissionId, status: "accepted" },
      text: `The submission ${submissionId} is accepted.\n`
    })
  })
).pipe(
  Command.withDescription("Release a submission from the quarantine"),
  Command.withExamples([
    {
      command: "hydracore submissions release --submission-id 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11",
      description: "Not spam: exports include it from now on"
    }
  ])
)

/** Deletes the submissions of a person on a website. */
const removePerson = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, address: string) {
  const directory = yield* SiteDirectory
  const persons = yield* Persons
  if (Option.isNone(yield* directory.byWebsiteConfigId(websiteConfigId))) {
    return yield* Output.notFound("website", websiteConfigId)
  }
  const { submissions } = yield* persons.erase({ address, websiteConfigId, kinds: ["submission"] })
  yield* Output.answer({
    json: { website_config_id: websiteConfigId, email: address, submissions },
    text: `${submissions} submission${submissions === 1 ? "" : "s"} of ${TerminalText.printable(address)} deleted.\n`
  })
})

const remove = Command.make(
  "delete",
  {
    submissionId: Inputs.optional(Inputs.submissionId),
    websiteConfigId: Inputs.optional(Inputs.site),
    address: Inputs.optional(Inputs.email)
  },
  Effect.fnUntraced(function* ({ address, submissionId, websiteConfigId }) {
    if (submissionId === null && websiteConfigId !== null && address !== null) {
      return yield* removePerson(websiteConfigId, address)
    }
    if (submissionId === null || websiteConfigId !== null || address !== null) {
      return yield* new Output.CliFailure({
        message:
          "Give either --submission-id, or both --site and --email. `hydracore person erase` deletes a person's data on all websites."
      })
    }
    const repo = yield* SubmissionRepo
    if (!(yield* repo.delete(submissionId))) {
      return yield* Output.notFound("submission", submissionId)
    }
    yield* Output.answer({
      json: { submission_id: submissionId, deleted: true },
      text: `The submission ${submissionId} is deleted.\n`
    })
  })
).pipe(
  Command.withDescription("Permanently delete a submission, or the submissions of a person on a website"),
  Command.withExamples([
    {
      command: "hydracore submissions delete --submission-id 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11",
      description: "One submission"
    },
    {
      command: "hydracore submissions delete --site 0f8fad5b-d9cb-469f-a165-70867728950e --email ann@example.com",
      description: "A visitor asks for erasure"
    }
  ])
)

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | SubmissionRepo | Persons, E, R>) =>
  Command.make("submissions").pipe(
    Command.withDescription("Submissions of forms"),
    Command.withSubcommands([
      exportCommand.pipe(Command.provide(storage)),
      release.pipe(Command.provide(storage)),
      remove.pipe(Command.provide(storage))
    ])
  )
