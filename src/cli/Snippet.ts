/**
 * `site snippet`: the lines that a website's owner pastes into the website's pages, with the ids in their places.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Command } from "effect/cli"
import { Settings } from "../Config.ts"
import * as Html from "../core/text/Html.ts"
import * as DemoData from "../demo/DemoData.ts"
import { InstanceDirectory } from "../services/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../services/chat/WidgetTokens.ts"
import { SiteDirectory } from "../services/sites/SiteDirectory.ts"
import * as Inputs from "./support/Inputs.ts"
import * as Output from "./support/Output.ts"

/** What stands where a token belongs that nobody gave. */
const tokenPlaceholder = "WIDGET_TOKEN"

export interface Given {
  /** Where browsers reach the service, without a slash at its end. */
  readonly baseUrl: string
  readonly trackingToken: string
  readonly websiteConfigId: string
  readonly chat: { readonly instanceId: string; readonly token: string } | null
}

export interface Lines {
  /** For every page. */
  readonly tracker: string
  /** For a page with a form; it works without scripts too. */
  readonly form: string
  readonly chat: string | null
}

/** The lines. Pure. */
export const lines = ({ baseUrl, chat, trackingToken, websiteConfigId }: Given): Lines => {
  const base = `${Html.escape(baseUrl)}/v1/public`
  return {
    tracker: `<script defer src="${base}/embed.js" data-site="${trackingToken}"></script>`,
    form: [
      `<form data-hydracore-form data-site="${websiteConfigId}" data-page="contact"`,
      `      method="post" action="${base}/forms/submit?site=${websiteConfigId}&amp;page=contact">`,
      '  <label>Name <input name="name" autocomplete="name" required></label>',
      '  <label>Email <input name="email" type="email" autocomplete="email"></label>',
      '  <label>Message <textarea name="message" required></textarea></label>',
      '  <input name="hydracore_hp" tabindex="-1" autocomplete="off" aria-hidden="true" hidden style="display:none!important">',
      "  <button>Send</button>",
      "</form>"
    ].join("\n"),
    chat:
      chat === null
        ? null
        : [
            `<script type="module" src="${base}/chat.js"></script>`,
            `<hydracore-chat instance="${chat.instanceId}" token="${Html.escape(chat.token)}" heading="Ask us"></hydracore-chat>`
          ].join("\n")
  }
}

/** The same as a piece of HTML that says what belongs where. Pure. */
export const page = (given: Given, isBaseGuessed: boolean): string => {
  const { chat, form, tracker } = lines(given)
  const guessed = isBaseGuessed
    ? [`<!-- ${given.baseUrl} is where this machine serves. For the public address: --base-url https://... -->`]
    : []
  const missing =
    given.chat?.token === tokenPlaceholder
      ? [
          `<!-- In place of ${tokenPlaceholder} belongs a token of this instance. To issue one: --issue-token; to name one: --token. -->`
        ]
      : []
  return [
    ...guessed,
    "<!-- Page views: in the head of every page. It also serves the forms. -->",
    tracker,
    "",
    "<!-- A form: the fields may be any. To lead on to a page of yours that thanks, on an origin that the website names: -->",
    '<!-- data-next="https://..." on the form, and &amp;next=https://... at the end of its action, for visitors without scripts. -->',
    form,
    ...(chat === null ? [] : ["", "<!-- The chat: at the end of the body. -->", ...missing, chat]),
    ""
  ].join("\n")
}

/** Where the settings let this machine serve; who listens on every address is reached on its own. */
const settingsUrl = ({ host, port }: Settings): string => {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`
}

/** Where this machine serves: where the demo does, if it is the demo's database that the command works on. */
const ownUrl = (settings: Settings): string =>
  Option.isSome(settings.databaseUrl)
    ? settingsUrl(settings)
    : Option.match(DemoData.read(settings.dataDir), {
        onNone: () => settingsUrl(settings),
        onSome: (demo) => demo.base_url
      })

const issueToken = Inputs.mark(
  "issue-token",
  "Issue a token for the instance, and put it in its place; it is shown this once"
)

/** The token to put in its place: the one given, a new one, or the placeholder. */
const tokenFor = Effect.fnUntraced(function* (instanceId: string, token: string | null, issue: boolean) {
  const noInstance = Output.notFound("instance", instanceId)
  if (issue) {
    const tokens = yield* WidgetTokens
    const issued = yield* tokens.issue({ instanceId, label: "Snippet", expiresAt: null })
    return Option.isNone(issued) ? yield* noInstance : issued.value.token
  }
  const instances = yield* InstanceDirectory
  return Option.isNone(yield* instances.find(instanceId)) ? yield* noInstance : (token ?? tokenPlaceholder)
})

export const command = Command.make(
  "snippet",
  {
    websiteConfigId: Inputs.site,
    instanceId: Inputs.optionalInstance,
    baseUrl: Inputs.baseUrl,
    token: Inputs.widgetToken,
    issue: issueToken
  },
  Effect.fnUntraced(function* ({ baseUrl, instanceId, issue, token, websiteConfigId }) {
    if (instanceId === null && (issue || token !== null)) {
      return yield* Inputs.wrong(issue ? "issue-token" : "token", "given together with --instance")
    }
    if (issue && token !== null) return yield* Inputs.wrong("issue-token", "left out where --token is given")
    const directory = yield* SiteDirectory
    const site = yield* directory.byWebsiteConfigId(websiteConfigId)
    if (Option.isNone(site)) {
      return yield* Output.notFound("website", websiteConfigId)
    }
    const given: Given = {
      baseUrl: baseUrl ?? ownUrl(yield* Settings),
      trackingToken: site.value.trackingToken,
      websiteConfigId,
      chat: instanceId === null ? null : { instanceId, token: yield* tokenFor(instanceId, token, issue) }
    }
    yield* Output.answer({ json: { ...lines(given) }, text: page(given, baseUrl === null) })
  })
).pipe(
  Command.withDescription("Print the lines to paste into a website's pages"),
  Command.withExamples([
    {
      command:
        "hydracore site snippet --site 0f8fad5b-d9cb-469f-a165-70867728950e --base-url https://edge.example --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --issue-token",
      description: "Page views, a form, and a chat with a token of its own"
    }
  ])
)
