/**
 * Flags that several commands share. An invalid value fails with one sentence that says what the value must be. The sentence
 * does not repeat the value, since a token, a key or a password may have been pasted by mistake. At the end, the changes of an update
 * command: settings without a flag stay as they are, and an update without changes is an error.
 *
 * @module
 */
import { availableParallelism } from "node:os"
import { Effect, Option, Result } from "effect"
import { CliError, Flag } from "effect/cli"
import { NetAddress } from "effect/net"
import { isWellFormed } from "../../chat/WidgetToken.ts"
import { InstanceId, KeyId, parseUuid, SessionId, ShareId, SubmissionId, TokenId } from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as MailAddress from "../../platform/text/MailAddress.ts"
import * as Person from "../../privacy/Person.ts"
import * as Access from "../../sites/access/Access.ts"
import * as Site from "../../sites/Site.ts"
import * as Diagnosis from "../doctor/Diagnosis.ts"

export interface Kind<A> {
  /** What the value must be, in words that follow "must be". */
  readonly expected: string
  readonly parse: (text: string) => Option.Option<A>
}

/** The error of a flag whose value is not `expected`. */
export const wrong = (flag: string, expected: string) =>
  new CliError.ValidationError({ message: `The flag --${flag} must be ${expected}.` })

const read = <A>(flag: string, kind: Kind<A>, text: string): Effect.Effect<A, CliError.CliError> =>
  Effect.fromOption(kind.parse(text), () => wrong(flag, kind.expected))

export const make = <A>(flag: string, kind: Kind<A>, metavar: string, description: string): Flag.Flag<A> =>
  Flag.String(flag).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.mapEffect((text) => read(flag, kind, text))
  )

export const optional = <A>(flag: Flag.Flag<A>): Flag.Flag<A | null> =>
  Flag.optional(flag).pipe(Flag.map(Option.getOrNull))

export const nameKind: Kind<string> = {
  expected: `a text of 1 to ${Site.maxName} characters`,
  parse: Site.parseName
}

export const idKind = <I extends string>(id: { readonly make: (uuid: string) => I }): Kind<I> => ({
  expected: "a UUID",
  parse: (text) => Option.map(Result.getSuccess(parseUuid(text.trim())), (uuid) => id.make(uuid))
})

const originKind: Kind<string> = {
  expected: "an origin such as https://www.example.com or http://localhost:3000, without a path",
  parse: Site.parseOrigin
}

/** The base for parsing a path as a URL. */
const pathBase = "http://path.invalid"

const baseUrlKind: Kind<string> = {
  expected:
    "an address such as https://edge.example or https://www.example.com/hc, or a path such as /hc, without a query",
  parse: (text) =>
    Option.fromNullishOr(
      /^(https?:\/)?\/[^\s?#@\\]*$/i.test(text) && text.length <= 2000 ? URL.parse(text, pathBase) : null
    ).pipe(
      // Two leading slashes name another host.
      Option.filter((url) => !text.startsWith("/") || (url.origin === pathBase && !url.pathname.startsWith("//"))),
      Option.map((url) => (text.startsWith("/") ? url.pathname : url.href).replace(/\/+$/, ""))
    )
}

const tokenKind: Kind<string> = {
  expected: "a token that `hydracore token issue` printed",
  parse: Option.liftPredicate(isWellFormed)
}

/** A whole number from 1 to `max`. */
export const countKind = (max: number): Kind<number> => ({
  expected: `a whole number from 1 to ${max}`,
  parse: (text) =>
    /^[0-9]{1,16}$/.test(text)
      ? Option.liftPredicate(Number(text), (count) => count >= 1 && count <= max)
      : Option.none()
})

/** More workers than this only compete for the processors, the memory and the connections of the database. */
const maxWorkers = Math.max(8, 4 * availableParallelism())

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
    "Serve with this many processes on one port; auto is one per core; without the flag, this process serves alone"
  )
)

export const name = (of: string) => make("name", nameKind, "<text>", `The name of the ${of}`)

export const nameToConfirm = (of: string) =>
  make("name", nameKind, "<text>", `The ${of}'s name, to confirm the deletion`)

export const newName = (of: string) => optional(make("name", nameKind, "<text>", `A new name for the ${of}`))

export const label = (of: string) => optional(make("label", nameKind, "<text>", `What the ${of} is for`))

const timeZoneKind: Kind<string> = {
  expected: "an IANA time zone such as UTC or Europe/Berlin",
  parse: (text) => Calendar.parseTimeZone(text.trim())
}

export const timeZone = make(
  "time-zone",
  timeZoneKind,
  "<zone>",
  "The IANA time zone of the website's reports; UTC unless given"
).pipe(Flag.withDefault("UTC"))

export const newTimeZone = optional(
  make("time-zone", timeZoneKind, "<zone>", "A new IANA time zone for the website's reports")
)

const siteKind: Kind<string> = {
  expected: "the website_config_id or the name of a website",
  parse: Site.parseName
}

/** A website, by its id or its name. */
export const siteOf = (description: string) => make("site", siteKind, "<uuid|name>", description)

export const site = siteOf("The website_config_id or the name of a website")

export const instance = make("instance", idKind(InstanceId), "<uuid>", "The instance_id of an instance")

/** How often `--site` may be given. */
const maxSites = 100

/** At most `maxSites` websites, each by its id or its name, without duplicates. */
export const sites = (description: string) =>
  Flag.String("site").pipe(
    Flag.withMetavar("<uuid|name>"),
    Flag.withDescription(description),
    Flag.atLeast(0),
    Flag.withDefault<ReadonlyArray<string>>([]),
    Flag.mapEffect((texts) =>
      texts.length > maxSites
        ? Effect.fail(wrong("site", `given at most ${maxSites} times`))
        : Effect.map(
            Effect.forEach(texts, (text) => read("site", siteKind, text)),
            (sites) => [...new Set(sites)]
          )
    )
  )

export const scope = Flag.Literals("scope", Access.scopes).pipe(
  Flag.withDescription(
    "What the key may do: read numbers (stats, the default), also submissions and conversations (read), or change them too (write)"
  ),
  Flag.withDefault<Access.Scope>("stats")
)

/** Null if the flag is not given. `usual` is the role of a person then. */
export const role = (usual: Access.Role) =>
  optional(
    Flag.Literals("role", Access.roles).pipe(
      Flag.withDescription(
        `What the person may do: read everything (viewer), also work in the inbox (member), or change everything (owner); ${usual} unless given`
      )
    )
  )

export const sessionId = make(
  "session-id",
  idKind(SessionId),
  "<uuid>",
  "The session_id of a session, which `console sessions` lists"
)

export const keyId = make("key-id", idKind(KeyId), "<uuid>", "The key_id of a key, not the key itself")

export const shareId = make("share-id", idKind(ShareId), "<uuid>", "The share_id of a shared dashboard")

export const tokenId = make("token-id", idKind(TokenId), "<uuid>", "The token_id of a token, not the token itself")

export const emailKind: Kind<string> = { expected: "an email address such as ann@example.com", parse: Person.parse }

/** The address that identifies a person, normalized by `privacy/Person`. */
export const email = make("email", emailKind, "<address>", "The email address of a person, in any letter case")

/** The address of a recipient, with its letter case. */
export const recipientKind: Kind<string> = {
  expected: "an email address such as owner@example.com",
  parse: (text) => Option.liftPredicate(text.trim(), MailAddress.isAddress)
}

export const submissionId = make("submission-id", idKind(SubmissionId), "<uuid>", "The submission_id of a submission")

/** Whose agents `doctor` asks. */
export const ask: Flag.Flag<Diagnosis.Ask> = Flag.String("ask").pipe(
  Flag.withMetavar("<instance_id|none|all>"),
  Flag.withDescription(
    `Whose agent to ask a question, which may cost money; repeatable; without the flag, those of the ${Diagnosis.askedByDefault} newest instances`
  ),
  Flag.atLeast(0),
  Flag.withDefault<ReadonlyArray<string>>([]),
  Flag.mapEffect((texts): Effect.Effect<Diagnosis.Ask, CliError.CliError> => {
    if (texts.length === 0) return Effect.succeed("newest")
    if (texts.length === 1 && texts[0] === "all") return Effect.succeed("all")
    if (texts.length === 1 && texts[0] === "none") return Effect.succeed([])
    return Effect.map(
      Effect.forEach(texts, (text) =>
        Effect.fromOption(idKind(InstanceId).parse(text), () =>
          wrong("ask", "none, all, or the instance_id of an instance, which may be repeated")
        )
      ),
      (ids) => [...new Set(ids)]
    )
  })
)

export const optionalInstance = optional(instance)

/** The token itself, for a snippet. */
export const widgetToken = optional(make("token", tokenKind, "<token>", "The widget token"))

/** The service's URL or path for browsers, without a trailing slash. */
export const baseUrl = optional(
  make(
    "base-url",
    baseUrlKind,
    "<url>",
    "The service's address for browsers, or a path on the website; without the flag, PUBLIC_URL, else this machine's address"
  )
)

/** At most `Site.maxOrigins` origins, without duplicates, in their order. */
const originsOf = (description: string): Flag.Flag<ReadonlyArray<string>> =>
  Flag.String("origin").pipe(
    Flag.withMetavar("<origin>"),
    Flag.withDescription(description),
    Flag.atLeast(0),
    // Without a default, help shows the flag as required.
    Flag.withDefault<ReadonlyArray<string>>([]),
    Flag.mapEffect((texts) =>
      texts.length > Site.maxOrigins
        ? Effect.fail(wrong("origin", `given at most ${Site.maxOrigins} times`))
        : Effect.map(
            Effect.forEach(texts, (text) => read("origin", originKind, text)),
            (values) => [...new Set(values)]
          )
    )
  )

export const origins = (of: string) =>
  originsOf(`An origin whose pages may use the ids of the ${of}; repeatable; without the flag, any origin may`)

export const newOrigins = (of: string) =>
  originsOf(`An origin whose pages may use the ids of the ${of}; repeatable; replaces the current origins`)

const addressKind: Kind<string> = {
  expected: "an IP address such as 10.0.0.4 or 2001:db8::4",
  parse: (text) => Option.map(Result.getSuccess(NetAddress.ipFromString(text.trim())), NetAddress.formatIp)
}

export const peer = optional(
  make(
    "peer",
    addressKind,
    "<address>",
    "The IP address of a proxy; the answer then names the client for which this proxy's requests count"
  )
)

/** A flag without a value. */
export const withoutValue = (flag: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(flag).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

export const withOpened = (of: string) =>
  withoutValue(
    "with-opened",
    `Also end the sessions opened with links that the ${of} created, and revoke the keys and links that were created in these sessions`
  )

export const anyOrigin = (of: string) => withoutValue("any-origin", `Let any origin use the ids of the ${of}`)

/** A duration or a time, unparsed: `readTime` parses it with `parse`, which may need the current time. */
export const time = (flag: string, description: string): Flag.Flag<Option.Option<string>> =>
  Flag.String(flag).pipe(Flag.withMetavar("<time>"), Flag.withDescription(description), Flag.optional)

/** Parses a duration or a time to milliseconds since 1970; null if the flag is absent. */
export const readTime = (
  flag: string,
  expected: string,
  text: Option.Option<string>,
  parse: (text: string) => Option.Option<number>
): Effect.Effect<number | null, CliError.CliError> =>
  Option.match(text, {
    onNone: () => Effect.succeed(null),
    onSome: (value) => read(flag, { expected, parse }, value.trim())
  })

/** When a token, a key or a shared dashboard expires. */
export const expires = (of: string) =>
  time("expires", `When the ${of} expires, such as 90d, 12h or 2030-01-31; without the flag, never`)

/** Parses `expires` to milliseconds since 1970; null for never. */
export const readExpires = (text: Option.Option<string>, now: number) =>
  readTime(
    "expires",
    `a future time, such as 90d, 12h, 30m or 2030-01-31; a duration is at most ${Calendar.maxDurationDays}d`,
    text,
    (value) => Calendar.parseUntil(value, now)
  )

/** Parses a time before which an export leaves out, to ISO 8601; null if the flag is absent. */
export const readSince = (flag: string, text: Option.Option<string>, now: number) =>
  Effect.map(
    readTime(flag, "a time such as 90d, 12h, 30m, 2026-01-31 or 2026-01-31T08:00:00Z", text, (value) =>
      Calendar.parseSince(value, now)
    ),
    Calendar.isoOrNull
  )

/**
 * The change of an optional setting: `undefined` without a flag, `cleared` if the flag that clears it was given, and
 * otherwise the given value.
 */
export const changeTo = <A, B>(
  given: { readonly flag: string; readonly value: A | undefined },
  clearing: { readonly flag: string; readonly isGiven: boolean; readonly cleared: B }
): Effect.Effect<A | B | undefined, CliError.CliError> =>
  clearing.isGiven && given.value !== undefined
    ? Effect.fail(wrong(clearing.flag, `left out when --${given.flag} is given`))
    : Effect.succeed(clearing.isGiven ? clearing.cleared : given.value)

/** The new origins, or `undefined` if they stay as they are. */
export const originsToBe = (origins: ReadonlyArray<string>, isAny: boolean) =>
  changeTo<ReadonlyArray<string>, ReadonlyArray<string>>(
    { flag: "origin", value: origins.length === 0 ? undefined : origins },
    { flag: "any-origin", isGiven: isAny, cleared: [] }
  )

/** The changed settings. If there are none, fails with a message that names the command, whose help lists the flags. */
export const requireChange = <A extends object>(
  change: { readonly [K in keyof A]: A[K] | undefined },
  command: string
): Effect.Effect<A, CliError.CliError> => {
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? Effect.fail(
        new CliError.ValidationError({
          message: `No change was given; \`${command} --help\` lists the flags.`
        })
      )
    : Effect.succeed(Object.fromEntries(given) as A)
}
