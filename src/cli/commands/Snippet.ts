/**
 * `site snippet`: the HTML to paste into a website's pages, with its ids filled in.
 *
 * @module
 */

import { Clock, Effect, Option } from "effect"
import { Command } from "effect/cli"
import { Settings } from "../../Config.ts"
import * as WidgetToken from "../../chat/WidgetToken.ts"
import type { InstanceId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Tags from "../../sites/Tags.ts"
import * as Client from "../client/Client.ts"
import * as Connection from "../client/Connection.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as ServiceUrl from "../support/ServiceUrl.ts"

const tokenPlaceholder = "WIDGET_TOKEN"

export interface Given {
  /** The service's URL for browsers, without a trailing slash. */
  readonly baseUrl: string
  readonly trackingToken: string
  readonly websiteConfigId: string
  readonly chat: { readonly instanceId: string; readonly token: string } | null
}

export const tagsOf = ({ baseUrl, chat, trackingToken, websiteConfigId }: Given) => ({
  tracker: Tags.tracker(baseUrl, trackingToken),
  form: Tags.form(baseUrl, websiteConfigId),
  chat: chat === null ? null : Tags.chat(baseUrl, chat.instanceId, chat.token)
})

/** The tags as HTML, with comments that say where each belongs. Pure. */
export const page = (given: Given, isBaseGuessed: boolean): string => {
  const { chat, form, tracker } = tagsOf(given)
  const guessed = isBaseGuessed
    ? [`<!-- ${given.baseUrl} is this machine's address. To use the public address: --base-url https://... -->`]
    : []
  const missing =
    given.chat?.token === tokenPlaceholder
      ? [
          `<!-- Replace ${tokenPlaceholder}: the instance has no valid token whose text is known. To issue one: --instance ${given.chat.instanceId} --issue-token -->`
        ]
      : []
  return [
    ...guessed,
    "<!-- Page views and forms: in the head of every page. -->",
    tracker,
    "",
    "<!-- A form, with any fields. To redirect to a thank-you page on one of the website's origins: -->",
    '<!-- data-next="https://..." on the form, and &amp;next=https://... at the end of its action, for visitors without scripts. -->',
    '<!-- The form\'s messages have a default style; data-style="off" on the form turns it off. -->',
    form,
    ...(chat === null ? [] : ["", "<!-- The chat: at the end of the body. -->", ...missing, chat]),
    ""
  ].join("\n")
}

const issueToken = Inputs.withoutValue("issue-token", "Issue a token for the instance and insert it")

const invalidToken = (instance_id: InstanceId) =>
  new Output.CliFailure({
    message: `The flag --token must be a valid token of the instance ${instance_id}; this one is revoked, expired, or of another instance. \`hydracore token list --instance ${instance_id}\` lists the tokens; --issue-token in place of --token issues one.`
  })

/** The token for the snippet: the given one, a new one, the newest of the instance, or the placeholder. */
const tokenFor = Effect.fnUntraced(function* (instance_id: InstanceId, token: string | null, issue: boolean) {
  const notFound = Output.notFound("instance", instance_id)
  if (issue) {
    const issued = yield* Client.operator(Operator.instances, { notFound }, (instances) =>
      instances.issueToken(instance_id, { label: "Snippet" })
    )
    return issued.token
  }
  if (token !== null) {
    const isValid = yield* Client.operator(Operator.instances, { notFound }, (instances) =>
      instances.accepts(instance_id, token)
    )
    return isValid ? token : yield* invalidToken(instance_id)
  }
  const listed = yield* Client.operator(Operator.instances, { notFound }, (instances) =>
    Pages.all("tokens", (query: Pages.PageQuery) => instances.listTokens(instance_id, { ...query, revoked: "false" }))
  )
  return WidgetToken.textFor(listed.tokens, yield* Clock.currentTimeMillis) ?? tokenPlaceholder
})

/** The named instance, unless it serves another website: its widget would then open the chat of that one. */
const named = Effect.fnUntraced(function* (instance_id: InstanceId, site_id: WebsiteConfigId) {
  const instance = yield* Client.operator(
    Operator.instances,
    { notFound: Output.notFound("instance", instance_id) },
    (instances) => instances.read(instance_id)
  )
  if (instance.website_config_id !== null && instance.website_config_id !== site_id) {
    return yield* new Output.CliFailure({
      message: `The instance ${instance_id} serves another website, ${instance.website_config_id}. Name one of this website: \`hydracore instance list\` shows the website of each; or move it: \`hydracore instance update --instance ${instance_id} --site ${site_id}\`.`
    })
  }
  return instance.instance_id
})

/** The oldest instance that serves the website; null if there is none. */
const oldest = (site_id: WebsiteConfigId) =>
  Effect.map(
    Client.operator(Operator.instances, {}, (instances) => instances.list(site_id)),
    ({ instances: [first] }) => first?.instance_id ?? null
  )

export const command = Command.make(
  "snippet",
  {
    site: Inputs.site,
    instanceId: Inputs.optionalInstance,
    baseUrl: Inputs.baseUrl,
    token: Inputs.widgetToken,
    issue: issueToken
  },
  Effect.fnUntraced(function* ({ baseUrl, instanceId, issue, site: siteName, token }) {
    yield* Connection.requireLocal
    if (instanceId === null && (issue || token !== null)) {
      return yield* Inputs.wrong(issue ? "issue-token" : "token", "given together with --instance")
    }
    if (issue && token !== null) return yield* Inputs.wrong("issue-token", "left out when --token is given")
    const site = yield* Websites.find(siteName)
    const chatId = yield* instanceId === null ? oldest(site.site_id) : named(instanceId, site.site_id)
    const settings = yield* Settings
    const given: Given = {
      baseUrl: baseUrl ?? ServiceUrl.ofVisitors(settings),
      trackingToken: site.tracking_token ?? "",
      websiteConfigId: site.site_id,
      chat: chatId === null ? null : { instanceId: chatId, token: yield* tokenFor(chatId, token, issue) }
    }
    yield* Output.answer({
      json: { ...tagsOf(given) },
      text: page(given, baseUrl === null && Option.isNone(settings.publicUrl))
    })
  })
).pipe(
  Command.withDescription(
    "Print the HTML to paste into a website's pages. The chat is that of --instance, or of the oldest instance that serves the website"
  ),
  Command.withExamples([
    {
      command:
        "hydracore site snippet --site 0f8fad5b-d9cb-469f-a165-70867728950e --base-url https://edge.example --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --issue-token",
      description: "Page views, a form, and a chat with a new token"
    }
  ])
)
