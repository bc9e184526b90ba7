/**
 * `submissions list`, `export`, `release`, `delete` and `restore`: a website's form submissions. An export is
 * streamed, so memory use does not depend on its size.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { listStatuses } from "../../forms/Inbox.ts"
import { exportFormats } from "../../forms/OwnerSubmissionsApi.ts"
import type { SubmissionId, WebsiteConfigId } from "../../platform/Id.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

/** A text of a visitor in a column of a table. */
const cell = (text: string | null): string =>
  text === null || text === "" ? "-" : TerminalText.truncate(TerminalText.printable(text), 40)

const exportCommand = Command.make(
  "export",
  {
    site: Inputs.site,
    format: Flag.Literals("format", exportFormats).pipe(
      Flag.withDescription("One JSON object per line, or CSV with a column for each field; ndjson unless given"),
      Flag.withDefault("ndjson")
    ),
    status: Flag.Literals("status", listStatuses).pipe(
      Flag.withDescription("Only submissions with this status; accepted ones unless given"),
      Flag.withDefault("accepted")
    ),
    since: Inputs.time(
      "since",
      "Only submissions received from this time on, such as 90d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"
    )
  },
  Effect.fnUntraced(function* ({ format, since, site, status }) {
    const from = yield* Inputs.readSince("since", since, yield* Clock.currentTimeMillis)
    if ((yield* Output.Json) && format === "csv") return yield* Output.jsonOrCsv
    yield* Output.writeExport(
      Client.textOf(
        Websites.request("submissions", site, (submissions, params) =>
          submissions.export({ params, query: { format, status, ...(from !== null && { from }) } })
        )
      )
    )
  })
).pipe(
  Command.withDescription("Write a website's submissions to stdout, latest first"),
  Command.withExamples([
    {
      command: "hydracore submissions export --site Shop --format csv --since 90d",
      description: "The submissions of the last ninety days, for a spreadsheet"
    },
    {
      command: "hydracore submissions export --site Shop --status quarantined",
      description: "Suspected spam, with the reasons"
    },
    {
      command: "hydracore submissions export --site Shop --status deleted",
      description: "What can be restored"
    }
  ])
)

const list = Command.make(
  "list",
  {
    site: Inputs.site,
    status: Inputs.optional(
      Flag.Literals("status", listStatuses).pipe(
        Flag.withDescription("Only submissions with this status; all but the deleted ones unless given")
      )
    ),
    search: Inputs.optional(
      Flag.String("search").pipe(
        Flag.withMetavar("<text>"),
        Flag.withDescription("Only submissions with this text in the email address, the page or the fields")
      )
    ),
    limit: Inputs.make(
      "limit",
      Inputs.countKind(10_000),
      "<number>",
      "The maximum number of submissions; 50 unless given"
    ).pipe(Flag.withDefault(50))
  },
  Effect.fnUntraced(function* ({ limit, search, site, status }) {
    const filter = { ...(status !== null && { status }), ...(search !== null && { search }) }
    const listed = yield* Websites.request("submissions", site, (submissions, params) =>
      Pages.first("submissions", limit, (query: Pages.PageQuery) =>
        submissions.list({ params, query: { ...query, ...filter } })
      )
    )
    const table = Output.table(
      ["SUBMISSION_ID", "RECEIVED", "STATUS", "PAGE", "NAME", "EMAIL", "PREVIEW"],
      listed.submissions.map(({ deleted_at, email, name, page_slug, preview, received_at, status, submission_id }) => [
        submission_id,
        Output.time(received_at),
        deleted_at === null ? status : "deleted",
        page_slug ?? "-",
        cell(name),
        cell(email),
        cell(preview)
      ]),
      "There are no such submissions."
    )
    yield* Output.answer({
      json: listed,
      text:
        listed.next === null
          ? table
          : `${table}\nThere may be more: raise --limit, or use \`hydracore submissions export\`.\n`
    })
  })
).pipe(
  Command.withDescription("List a website's submissions, latest first, each with the beginning of what was written"),
  Command.withExamples([
    {
      command: "hydracore submissions list --site Shop --status quarantined",
      description: "Suspected spam, with the ids that `submissions release` takes"
    }
  ])
)

const siteFlag = Websites.flagOf("submission")

/** Sends a request about a submission to the owner API. */
const ofSubmission = <A, E extends { readonly _tag: string }, R>(
  { site, submissionId }: { readonly submissionId: SubmissionId; readonly site: string | null },
  request: (
    submissions: Client.Group<"submissions">,
    about: {
      readonly params: { readonly site_id: WebsiteConfigId }
      readonly payload: { readonly submission_ids: readonly [SubmissionId] }
    }
  ) => Effect.Effect<A, E, R>
) =>
  Websites.withRecord("submissions", { kind: "submission", id: submissionId, site }, (submissions, params) =>
    request(submissions, { params, payload: { submission_ids: [submissionId] } })
  )

const release = Command.make(
  "release",
  { submissionId: Inputs.submissionId, site: siteFlag },
  Effect.fnUntraced(function* (flags) {
    const changed = yield* ofSubmission(flags, (submissions, about) => submissions.release(about))
    yield* Output.answer({ json: changed, text: `The submission ${flags.submissionId} is accepted.\n` })
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

const restore = Command.make(
  "restore",
  { submissionId: Inputs.submissionId, site: siteFlag },
  Effect.fnUntraced(function* (flags) {
    const changed = yield* ofSubmission(flags, (submissions, about) => submissions.restore(about))
    yield* Output.answer({ json: changed, text: `The submission ${flags.submissionId} is restored.\n` })
  })
).pipe(Command.withDescription("Restore a submission that was deleted in the last 30 days"))

/** Deletes the submissions of a person on a website. */
const removePerson = Effect.fnUntraced(function* (site: string, email: string) {
  const erased = yield* Websites.request("data", site, (data, params) =>
    data.erasePerson({ params, payload: { email, kinds: ["submission"] } })
  )
  const { submissions } = erased
  yield* Output.answer({
    json: erased,
    text: `${submissions} submission${submissions === 1 ? "" : "s"} of ${TerminalText.printable(email)} deleted.\n`
  })
})

const remove = Command.make(
  "delete",
  {
    submissionId: Inputs.optional(Inputs.submissionId),
    site: siteFlag,
    email: Inputs.optional(Inputs.email),
    permanently: Inputs.withoutValue("permanently", "Delete the submission so that it cannot be restored")
  },
  Effect.fnUntraced(function* ({ email, permanently, site, submissionId }) {
    if (submissionId === null && site !== null && email !== null) return yield* removePerson(site, email)
    if (submissionId === null || email !== null) {
      return yield* new Output.CliFailure({
        message:
          "Give either --submission-id, or both --site and --email. `hydracore person erase` deletes a person's data on all websites."
      })
    }
    const changed = yield* ofSubmission({ submissionId, site }, (submissions, about) =>
      Effect.flatMap(submissions.delete(about), (deleted) =>
        permanently ? submissions.purge(about) : Effect.succeed(deleted)
      )
    )
    yield* Output.answer({
      json: changed,
      text: permanently
        ? `The submission ${submissionId} is deleted permanently.\n`
        : `The submission ${submissionId} is deleted. \`hydracore submissions restore --submission-id ${submissionId}\` restores it within 30 days.\n`
    })
  })
).pipe(
  Command.withDescription(
    "Delete a submission, which can be restored for 30 days, or permanently the submissions of a person on a website"
  ),
  Command.withExamples([
    {
      command: "hydracore submissions delete --submission-id 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11",
      description: "One submission"
    },
    {
      command: "hydracore submissions delete --site Shop --email ann@example.com",
      description: "A visitor asks for erasure"
    }
  ])
)

export const command = Client.command(
  "submissions",
  "Submissions of forms",
  list,
  exportCommand,
  release,
  remove,
  restore
)
