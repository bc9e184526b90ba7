/**
 * What may stand on the command line, as flags: each reads a text into what the services take, or says in one sentence what
 * it must be. That sentence does not repeat the text: a token, a key or a password may have been pasted in its place.
 *
 * @module
 */
import { availableParallelism } from "node:os"
import { Effect, Option, Result } from "effect"
import { CliError, Flag } from "effect/cli"
import { NetAddress } from "effect/net"
import { maxDays } from "../../core/analytics/Statistics.ts"
import { isSpelledLikeToken } from "../../core/chat/WidgetToken.ts"
import { parseUuid } from "../../core/text/Uuid.ts"

/** The most characters (Unicode code points) of a name. */
const maxName = 200

/** The most origins of one website or instance. */
const maxOrigins = 100

interface Kind<A> {
  /** What the value must be, in words that follow "must be". */
  readonly expected: string
  readonly parse: (text: string) => Option.Option<A>
}

/** The error of a flag whose value was read and is not what it must be. */
export const wrong = (flag: string, expected: string) =>
  new CliError.ValidationError({ message: `The flag --${flag} must be ${expected}.` })

const read = <A>(flag: string, kind: Kind<A>, text: string): Effect.Effect<A, CliError.CliError> =>
  Option.match(kind.parse(text), {
    onNone: () => Effect.fail(wrong(flag, kind.expected)),
    onSome: Effect.succeed
  })

/** A flag of a kind, with what help says about it. */
const make = <A>(flag: string, kind: Kind<A>, metavar: string, description: string): Flag.Flag<A> =>
  Flag.String(flag).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.mapEffect((text) => read(flag, kind, text))
  )

const optional = <A>(flag: Flag.Flag<A>): Flag.Flag<A | null> => Flag.optional(flag).pipe(Flag.map(Option.getOrNull))

const isName = (text: string): boolean => text !== "" && text.length <= 2 * maxName && [...text].length <= maxName

const nameKind: Kind<string> = {
  expected: `a text of 1 to ${maxName} characters`,
  parse: (text) => Option.liftPredicate(text.trim(), isName)
}

const uuidKind: Kind<string> = { expected: "a uuid", parse: (text) => Result.getSuccess(parseUuid(text.trim())) }

/** A scheme, a host without wildcards and perhaps a port: no credentials, no path, no query. */
const originPattern = /^https?:\/\/[^\s/?#@*\\]+\/?$/i

const originKind: Kind<string> = {
  expected: "an origin such as https://www.example.com or http://localhost:3000, without a path",
  parse: (text) =>
    Option.fromNullishOr(originPattern.test(text) && text.length <= 300 ? URL.parse(text) : null).pipe(
      Option.map((url) => url.origin)
    )
}

const agentUrlKind: Kind<string> = {
  expected: "an address that begins with http:// or https:// and holds no credentials (see --agent-key-env)",
  parse: (text) =>
    Option.fromNullishOr(/^https?:\/\/[^\s\\]+$/i.test(text) && text.length <= 2000 ? URL.parse(text) : null).pipe(
      Option.filter((url) => url.username === "" && url.password === "" && !/^[^/?#]*\/\/[^/?#]*@/.test(text)),
      Option.map(() => text)
    )
}

/** Stands for the website whose pages a path is read on. */
const ownPages = "http://own.invalid"

const baseUrlKind: Kind<string> = {
  expected:
    "an address such as https://edge.example or https://www.example.com/hc, or a path such as /hc, without a query",
  parse: (text) =>
    Option.fromNullishOr(
      /^(https?:\/)?\/[^\s?#@\\]*$/i.test(text) && text.length <= 2000 ? URL.parse(text, ownPages) : null
    ).pipe(
      // What begins with two slashes is no path, but another host.
      Option.filter((url) => !text.startsWith("/") || (url.origin === ownPages && !url.pathname.startsWith("//"))),
      Option.map((url) => (text.startsWith("/") ? url.pathname : url.href).replace(/\/+$/, ""))
    )
}

const tokenKind: Kind<string> = {
  expected: "a token as `hydracore token issue` shows it",
  parse: Option.liftPredicate(isSpelledLikeToken)
}

const variableKind: Kind<string> = {
  expected: "the name of an environment variable such as AGENT_KEY: letters, digits and underscores",
  parse: Option.liftPredicate((text) => /^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(text))
}

const daysKind: Kind<number> = {
  expected: `a whole number from 1 to ${maxDays}`,
  parse: (text) =>
    /^[0-9]{1,4}$/.test(text)
      ? Option.liftPredicate(Number(text), (days) => days >= 1 && days <= maxDays)
      : Option.none()
}

/** More processes than any machine has cores. */
const maxWorkers = 1024

const workersKind: Kind<number> = {
  expected: `a whole number from 1 to ${maxWorkers}, or auto`,
  parse: (text) =>
    text === "auto"
      ? Option.some(availableParallelism())
      : /^[0-9]{1,4}$/.test(text)
        ? Option.liftPredicate(Number(text), (workers) => workers >= 1 && workers <= maxWorkers)
        : Option.none()
}

export const workers = optional(
  make(
    "workers",
    workersKind,
    "<number|auto>",
    "Serve with so many processes on one port; auto means one a core; without it, with this one"
  )
)

export const name = (of: string) => make("name", nameKind, "<text>", `The name of the ${of}, for people`)

/** The name that something has already, to tell it from what was not meant. */
export const itsName = (of: string) => make("name", nameKind, "<text>", `The ${of}'s name, to be sure that it is meant`)

export const newName = (of: string) => optional(make("name", nameKind, "<text>", `Another name for the ${of}`))

export const label = optional(make("label", nameKind, "<text>", "What the token is for, for people"))

export const site = make("site", uuidKind, "<uuid>", "The website_config_id of a website")

export const instance = make("instance", uuidKind, "<uuid>", "The instance_id of an instance")

export const tokenId = make("token-id", uuidKind, "<uuid>", "The token_id of a token, which is not the token")

export const submissionId = make("submission-id", uuidKind, "<uuid>", "The submission_id of a submission")

export const optionalInstance = optional(instance)

/** The secret itself, where it is to be repeated. */
export const widgetToken = optional(make("token", tokenKind, "<token>", "The widget's token, as it was issued"))

/** Where browsers reach the service, without a slash at its end. */
export const baseUrl = optional(
  make(
    "base-url",
    baseUrlKind,
    "<url>",
    "Where browsers reach the service, or the website's own path to it; without it, where this machine serves"
  )
)

export const agentUrl = make(
  "agent-url",
  agentUrlKind,
  "<url>",
  "The agent's base address; /v1/chat/completions is asked beneath it"
)

export const newAgentUrl = optional(
  make(
    "agent-url",
    agentUrlKind,
    "<url>",
    "Another base address of the agent; /v1/chat/completions is asked beneath it"
  )
)

export const agentModel = optional(make("agent-model", nameKind, "<text>", "The model to ask the agent for"))

export const agentKeyEnv = optional(
  make("agent-key-env", variableKind, "<name>", "The environment variable that will hold the agent's bearer key")
)

/** Any number of origins, each once, in the order in which they came. */
const originsOf = (description: string): Flag.Flag<ReadonlyArray<string>> =>
  Flag.String("origin").pipe(
    Flag.withMetavar("<origin>"),
    Flag.withDescription(description),
    Flag.atLeast(0),
    // Help takes it for required otherwise.
    Flag.withDefault<ReadonlyArray<string>>([]),
    Flag.mapEffect((texts) =>
      texts.length > maxOrigins
        ? Effect.fail(wrong("origin", `given at most ${maxOrigins} times`))
        : Effect.map(
            Effect.forEach(texts, (text) => read("origin", originKind, text)),
            (values) => [...new Set(values)]
          )
    )
  )

export const origins = originsOf("An origin that may use it in a browser; may be repeated; none means any")

export const newOrigins = originsOf(
  "An origin that may use it in a browser; may be repeated; those given take the places of all that it had"
)

const addressKind: Kind<string> = {
  expected: "an IP address such as 10.0.0.4 or 2001:db8::4",
  parse: (text) => Option.map(Result.getSuccess(NetAddress.ipFromString(text.trim())), NetAddress.formatIp)
}

export const peer = optional(
  make("peer", addressKind, "<address>", "The address of a proxy, to see for whom its requests would count")
)

/** A flag without a value. */
export const mark = (flag: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(flag).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

export const anyOrigin = mark("any-origin", "Let any origin use it in a browser")

export const days = make("days", daysKind, "<number>", "How many days, today included; 30 unless given").pipe(
  Flag.withDefault(30)
)

/** A span or a moment as it was written; what it means depends on the present, which the command reads. */
export const time = (flag: string, description: string): Flag.Flag<Option.Option<string>> =>
  Flag.String(flag).pipe(Flag.withMetavar("<time>"), Flag.withDescription(description), Flag.optional)

/** What a span or a moment was read as, or the sentence that says what it must be. */
export const readTime = (
  flag: string,
  expected: string,
  text: Option.Option<string>,
  parse: (text: string) => Option.Option<number>
): Effect.Effect<number | null, CliError.CliError> =>
  Option.match(text, {
    onNone: () => Effect.succeed(null),
    onSome: (written) => read(flag, { expected, parse }, written.trim())
  })
