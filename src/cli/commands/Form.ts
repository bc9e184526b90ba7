/**
 * `form create`, `list`, `show`, `update` and `delete`: the rules for the submissions of a website's forms. `form reply set`,
 * `list` and `delete`: what the forms reply to their senders by mail.
 *
 * @module
 */
import { Effect, FileSystem, type Layer, Result } from "effect"
import { Command, Flag } from "effect/cli"
import * as AutoReply from "../../delivery/mail/AutoReply.ts"
import * as FormRules from "../../forms/FormRules.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

/** The maximum length of a file, in UTF-16 units, including white space and escapes. */
const maxText = 16 * FormRules.limits.jsonLength

/** The maximum number of errors that are printed. */
const maxFaults = 10

const faultText = ({ message, path }: FormRules.Fault): string => {
  const [field, ...rest] = path
  if (field === undefined) return `the file ${message}`
  return `${[JSON.stringify(field), ...rest].join(".")} ${message}`
}

/** All errors in one sentence: the place of each, and what is allowed there. */
const faultsText = (faults: ReadonlyArray<FormRules.Fault>): string => {
  const more = faults.length > maxFaults ? [`and ${faults.length - maxFaults} more`] : []
  return [...faults.slice(0, maxFaults).map(faultText), ...more].join("; ")
}

const fail = (message: string) => new Output.CliFailure({ message: TerminalText.printable(message) })

/** Rules as they stand in a file, for whose file is wrong. */
const example = '{"name": {"required": true, "max": 100}, "email": {"email": true}}'

const parse = (path: string, text: string): Effect.Effect<unknown, Output.CliFailure> =>
  Effect.try({
    try: (): unknown => JSON.parse(text.replace(/^\uFEFF/, "")),
    catch: (error) =>
      fail(
        `The file ${path} is not JSON: ${error instanceof Error ? error.message : "it cannot be parsed"}. Rules look like this: ${example}`
      )
  })

/** Reads a file of rules. Fails with every error in it. */
export const readRules = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files
    .readFileString(path)
    .pipe(
      Effect.mapError(({ reason }) =>
        Inputs.wrong("rules", `the path of a JSON file that can be read${SystemErrorCode.suffix(reason.cause)}`)
      )
    )
  if (text.length > maxText) return yield* fail(`The file ${path} has more than ${maxText} characters; shorten it.`)
  return yield* Result.match(FormRules.read(yield* parse(path, text)), {
    onFailure: (error) =>
      Effect.fail(
        fail(
          `The rules in ${path} are wrong: ${faultsText(FormRules.faultsOfIssue(error.issue))}. Rules look like this: ${example}`
        )
      ),
    onSuccess: Effect.succeed
  })
})

export const rulesFlag = Flag.String("rules").pipe(
  Flag.withMetavar("<file>"),
  Flag.withDescription(`The path of a JSON file with the rules, such as ${example}`)
)

export const pageKind: Inputs.Kind<string> = {
  expected: `the page_slug of a form, of 1 to ${FormRules.limits.page} characters`,
  parse: FormRules.parsePage
}

const form = {
  site: Inputs.site,
  page: Inputs.make("page", pageKind, "<slug>", "The page_slug of the form, which is the data-page of its tag")
}

const formWithRules = { ...form, rules: rulesFlag }

const noRules = (page: string, next: string) =>
  new Output.CliFailure({ message: `The form ${page} has no rules; ${next}.` })

/** Who names a form without rules to see or delete them may have mistaken its page. */
const noneOfPage = (page: string) => noRules(page, "`hydracore form list` lists the forms that have some")

/** The rules of a field, as in the file. */
const rulesText = (rules: FormRules.FieldRules): string => JSON.stringify(rules).slice(1, -1) || "none"

const text = (form: FormRules.Form): string =>
  `${Output.facts([
    ["page", form.page],
    ["updated", Output.moment(Date.parse(form.updated_at))]
  ])}\n${Output.table(
    ["FIELD", "RULES"],
    Object.entries(form.rules).map(([field, rules]) => [field, rulesText(rules)]),
    "The form has no rules."
  )}`

const answer = (form: FormRules.Form) => Output.answer({ json: form, text: text(form) })

/** The forms of a website that have rules. */
const formsOf = (site: string) => Websites.request("forms", site, (forms, params) => forms.list({ params }))

/** Sets the rules of a form, if the condition holds. */
const put = Effect.fnUntraced(function* (
  { page, rules: file, site }: { readonly page: string; readonly rules: string; readonly site: string },
  headers: { readonly "if-match": "*" } | { readonly "if-none-match": "*" },
  preconditionFailed: Output.CliFailure
) {
  const rules = yield* readRules(file)
  const form = yield* Websites.request(
    "forms",
    site,
    (forms, params) => forms.put({ params, headers, payload: { page, rules } }),
    { preconditionFailed }
  )
  yield* answer(form)
})

const hasRules = new Output.CliFailure({
  message: "This form already has rules; `hydracore form update` replaces them."
})

const create = Command.make("create", formWithRules, (flags) => put(flags, { "if-none-match": "*" }, hasRules)).pipe(
  Command.withDescription("Set the rules of a form; submissions that break one are refused"),
  Command.withExamples([
    {
      command: "hydracore form create --site 0f8fad5b-d9cb-469f-a165-70867728950e --page contact --rules rules.json",
      description: "Refuse submissions of the form contact that break a rule in the file"
    }
  ])
)

const update = Command.make("update", formWithRules, (flags) =>
  put(flags, { "if-match": "*" }, noRules(flags.page, "`hydracore form create` sets them"))
).pipe(Command.withDescription("Replace the rules of a form"))

const list = Command.make(
  "list",
  { site: Inputs.site },
  Effect.fnUntraced(function* ({ site }) {
    const listed = yield* formsOf(site)
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["PAGE", "FIELDS", "UPDATED"],
        listed.forms.map(({ page, rules, updated_at }) => [
          page,
          Object.keys(rules).join(" "),
          Output.time(updated_at)
        ]),
        "No form of the website has rules yet; `hydracore form create` sets the rules of one."
      )
    })
  })
).pipe(Command.withDescription("List the forms of a website that have rules, by page"))

const show = Command.make(
  "show",
  form,
  Effect.fnUntraced(function* ({ page, site }) {
    const found = (yield* formsOf(site)).forms.find((form) => form.page === page)
    if (found === undefined) return yield* noneOfPage(page)
    yield* answer(found)
  })
).pipe(Command.withDescription("Show the rules of a form"))

const remove = Command.make(
  "delete",
  form,
  Effect.fnUntraced(function* ({ page, site }) {
    const site_id = yield* Websites.idOf(site)
    yield* Client.owner("forms", { notFound: noneOfPage(page) }, (forms) =>
      forms.delete({ params: { site_id }, query: { page } })
    )
    yield* Output.answer({
      json: { site_id, page, deleted: true },
      text: "The rules are deleted. The form accepts any fields again; its submissions are kept.\n"
    })
  })
).pipe(Command.withDescription("Delete the rules of a form; its submissions are kept"))

const setReply = Command.make(
  "set",
  {
    ...form,
    subject: Inputs.make(
      "subject",
      { expected: `a line of 1 to ${AutoReply.limits.subject} characters`, parse: AutoReply.parseSubject },
      "<text>",
      "The subject of the mail"
    ),
    text: Inputs.make(
      "text",
      { expected: `a text of 1 to ${AutoReply.limits.text} characters`, parse: AutoReply.parseText },
      "<text>",
      "The text of the mail; {name} stands for the name of the sender"
    ),
    replyTo: Inputs.make("reply-to", Inputs.recipientKind, "<address>", "The address to which visitors answer")
  },
  Effect.fnUntraced(function* ({ page, replyTo: reply_to, site, subject, text }) {
    const reply = yield* Websites.request("autoReplies", site, (replies, params) =>
      replies.put({ params, payload: { page, subject, text, reply_to } })
    )
    yield* Output.answer({
      json: reply,
      text: `Who sends the form ${TerminalText.printable(page)} gets this mail; answers go to ${TerminalText.printable(reply.reply_to)}.\n`
    })
  })
).pipe(
  Command.withDescription("Reply by mail to each accepted submission of a form"),
  Command.withExamples([
    {
      command:
        "hydracore form reply set --site 0f8fad5b-d9cb-469f-a165-70867728950e --page contact --subject 'We got your message' --text 'Hello {name}, we answer within a day.' --reply-to owner@example.com",
      description: "Tell the senders of the form contact that their message has arrived"
    }
  ])
)

const listReplies = Command.make(
  "list",
  { site: Inputs.site },
  Effect.fnUntraced(function* ({ site }) {
    const listed = yield* Websites.request("autoReplies", site, (replies, params) => replies.list({ params }))
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["PAGE", "SUBJECT", "REPLY_TO", "UPDATED"],
        listed.auto_replies.map(({ page, reply_to, subject, updated_at }) => [
          TerminalText.printable(page),
          TerminalText.truncate(TerminalText.printable(subject), 60),
          reply_to,
          Output.time(updated_at)
        ]),
        "No form of the website replies to its senders; `hydracore form reply set` sets a reply."
      )
    })
  })
).pipe(Command.withDescription("List the automatic replies of a website's forms, by page"))

const deleteReply = Command.make(
  "delete",
  form,
  Effect.fnUntraced(function* ({ page, site }) {
    const site_id = yield* Websites.idOf(site)
    const none = new Output.CliFailure({
      message: `The form ${page} has no automatic reply; \`hydracore form reply list\` lists the forms that have one.`
    })
    yield* Client.owner("autoReplies", { notFound: none }, (replies) =>
      replies.delete({ params: { site_id }, query: { page } })
    )
    yield* Output.answer({
      json: { site_id, page, deleted: true },
      text: "The automatic reply is deleted. Senders of the form get no mail any more.\n"
    })
  })
).pipe(Command.withDescription("Delete the automatic reply of a form"))

/** The command. The client is built only when a subcommand runs. */
export const command = <E, R>(client: Layer.Layer<Client.Client, E, R>) =>
  Command.make("form").pipe(
    Command.withDescription("Forms: the rules for their fields, and what they reply by mail"),
    Command.withSubcommands([
      create.pipe(Command.provide(client)),
      update.pipe(Command.provide(client)),
      list.pipe(Command.provide(client)),
      show.pipe(Command.provide(client)),
      remove.pipe(Command.provide(client)),
      Command.make("reply").pipe(
        Command.withDescription("What forms reply to their senders by mail"),
        Command.withSubcommands([
          setReply.pipe(Command.provide(client)),
          listReplies.pipe(Command.provide(client)),
          deleteReply.pipe(Command.provide(client))
        ])
      )
    ])
  )
