/**
 * Readers of single settings. A value that is not valid fails with a sentence that names the variable and the valid values.
 *
 * @module
 */
import { ByteSize, Config, ConfigProvider, Duration, Effect, Option, Redacted, Result } from "effect"
import type { IpNetwork } from "effect/net"
import * as Host from "../http/Host.ts"
import { parseNetworks } from "../limits/ClientAddress.ts"
import * as DatabaseUrl from "../postgres/DatabaseUrl.ts"
import * as RedisUrl from "../redis/RedisUrl.ts"
import * as Text from "../text/Text.ts"

const quoted = (text: string): string => `"${text.slice(0, 80)}"`

/** The error of an invalid setting. In the sentence, `fault` follows the setting's name. */
export const invalid = (name: string, fault: string) =>
  Effect.fail(new Config.ConfigError(new ConfigProvider.SourceError({ message: `${name} ${fault}` })))

/** The errors of the single settings in an error. */
export const errorsOf = (error: Config.ConfigError): ReadonlyArray<Config.ConfigError> => {
  const { cause } = error
  return cause._tag === "SourceError" && cause.cause instanceof Several ? cause.cause.errors : [error]
}

/** The cause of an error about several settings. */
class Several {
  readonly errors: ReadonlyArray<Config.ConfigError>
  constructor(errors: ReadonlyArray<Config.ConfigError>) {
    this.errors = errors
  }
}

/** One error for all, each once: several members of a group may read one setting. */
const together = (errors: ReadonlyArray<Config.ConfigError>): Config.ConfigError => {
  const distinct = [...new Map(errors.flatMap(errorsOf).map((error) => [error.cause.message, error])).values()]
  const [first] = distinct
  return first !== undefined && distinct.length === 1
    ? first
    : new Config.ConfigError(
        new ConfigProvider.SourceError({
          message: distinct.map(({ cause }) => cause.message).join(" "),
          cause: new Several(distinct)
        })
      )
}

/** Like `Config.all`, but fails with the errors of all members, not only with the first. */
export const all = <
  const Members extends ReadonlyArray<Config.Config<unknown>> | Record<string, Config.Config<unknown>>
>(
  members: Members
) =>
  Config.all(members).pipe(
    Config.orElse((first) =>
      Config.all(
        Object.values(members).map((member: Config.Config<unknown>) =>
          member.pipe(
            Config.map(() => []),
            Config.orElse((error) => Config.succeed([error]))
          )
        )
      ).pipe(Config.mapEffect((errors) => Effect.fail(errors.flat().length === 0 ? first : together(errors.flat()))))
    )
  )

/** A setting with a parser. The parser's failure completes the error sentence that begins with the name. Empty means unset. */
export const parsed = <A>(name: string, parse: (text: string) => Result.Result<A, string>) =>
  Config.option(Config.String(name)).pipe(
    Config.map(Option.filter((text) => text.trim() !== "")),
    Config.mapEffect(
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: (text) =>
          Result.match(parse(text.trim()), {
            onFailure: (fault) => invalid(name, fault),
            onSuccess: (value) => Effect.succeedSome(value)
          })
      })
    )
  )

/*
 * Effect's own readers do not fit: `Config.Port` refuses port 0, `Config.Duration` accepts 0 and less, and `Config.URL`
 * accepts any protocol. They reject an empty value, and their errors do not say what to write instead.
 */

/** A setting whose error says which values are valid. The error does not repeat the value of a secret. */
export const setting = <A>(name: string, expected: string, parse: (text: string) => Option.Option<A>, secret = false) =>
  parsed(name, (text) =>
    Result.fromOption(parse(text), () => `is ${secret ? "not usable" : quoted(text)}; it must be ${expected}.`)
  )

export const withDefault =
  <A>(value: A) =>
  (config: Config.Config<Option.Option<A>>): Config.Config<A> =>
    Config.map(
      config,
      Option.getOrElse(() => value)
    )

/** A setting that must be set. In the error's sentence, `fault` follows the setting's name. */
export const required =
  (name: string, fault: string) =>
  <A>(config: Config.Config<Option.Option<A>>): Config.Config<A> =>
    Config.mapEffect(config, Option.match({ onNone: () => invalid(name, fault), onSome: Effect.succeed }))

/**
 * A group of settings that is read only if the setting `name` is set. `group` gets that setting's own config, so that an invalid
 * value does not hide the errors of the others.
 */
export const ifSet = <A, B>(
  name: string,
  read: (name: string) => Config.Config<Option.Option<A>>,
  group: (first: Config.Config<A>) => Config.Config<B>
): Config.Config<Option.Option<B>> =>
  Config.flatMap(
    text(name),
    Option.match({
      onNone: () => Config.succeed(Option.none()),
      onSome: () => Config.map(group(read(name).pipe(required(name, "is not set."))), Option.some)
    })
  )

export const text = (name: string) => setting(name, "a text", Option.some)

export const integer = (name: string, min: number, max: number) =>
  setting(name, `a whole number from ${min} to ${max}`, (value) =>
    Option.some(Number(value)).pipe(Option.filter((number) => /^[0-9]+$/.test(value) && number >= min && number <= max))
  )

export const positiveDuration = (text: string): Option.Option<Duration.Duration> =>
  Option.filter(
    Duration.fromInput(text as Duration.Input),
    (parsed) => Duration.isFinite(parsed) && Duration.toMillis(parsed) > 0
  )

export const duration = (name: string) =>
  setting(name, 'a time such as "500 millis", "30 seconds" or "10 minutes"', positiveDuration)

export const bytes = (name: string) =>
  setting(name, 'a size such as "256 KiB" or "1 MiB"', (value) =>
    Option.flatMap(ByteSize.fromString(value), ByteSize.toNumber)
  )

/** The URL of a Redis server, of a Redis Cluster, or of Sentinels. */
export const redisUrl = (name: string) =>
  parsed(name, (value) => Result.map(RedisUrl.parse(value), () => Redacted.make(value)))

/** A parser that also accepts `off`, whose value is `Option.none`. */
export const orOff =
  <A>(parse: (text: string) => Option.Option<A>) =>
  (text: string): Option.Option<Option.Option<A>> =>
    text === "off" ? Option.some(Option.none()) : Option.map(parse(text), Option.some)

const isCount = (text: string): boolean => /^[1-9][0-9]{0,5}$|^1000000$/.test(text)

export const countOrOff = (name: string) =>
  setting(
    name,
    '"off" or a whole number from 1 to 1000000',
    orOff((value) => Option.map(Option.liftPredicate(value, isCount), Number))
  )

export const durationOrOff = (name: string) =>
  setting(name, '"off" or a time such as "60 seconds" or "5 minutes"', orOff(positiveDuration))

/**
 * A database URL. A parameter that the driver does not support is an error, because a TLS parameter must not be ignored. If the
 * URL names no user, the driver uses `USER` or `USERNAME`. A URL of several servers without `target_session_attrs` gets
 * `attribute`.
 */
export const databaseUrl = (name: string, attribute: DatabaseUrl.Attribute = "read-write") =>
  Config.all([Config.option(Config.String("USER")), Config.option(Config.String("USERNAME"))]).pipe(
    Config.map((users) => users.some(Option.isSome)),
    Config.flatMap((hasUser) =>
      parsed(name, (value) =>
        Result.flatMap(DatabaseUrl.parse(value), (url) => {
          const fault =
            DatabaseUrl.fault(url) ??
            (hasUser || DatabaseUrl.namesUser(url) ? null : "names no user; write postgres://user@host/database.")
          return fault === null
            ? Result.succeed(Redacted.make(DatabaseUrl.withAttribute(url, attribute).href))
            : Result.fail(fault)
        })
      )
    )
  )

/** The host of a server's address. */
export const host = (name: string) =>
  setting(
    name,
    "an IP address such as 127.0.0.1, 0.0.0.0 or ::, or the name of this machine, without a port or brackets",
    Option.liftPredicate(Host.isValid)
  )

const decode = (text: string): Option.Option<string> => Option.fromUndefinedOr(Text.decodePercent(text.trim()))

const pair = (text: string): Option.Option<readonly [string, string]> => {
  const at = text.indexOf("=")
  return at < 0
    ? Option.none()
    : Option.all([Option.filter(decode(text.slice(0, at)), (key) => key !== ""), decode(text.slice(at + 1))])
}

/**
 * Parses lists such as `key=value,other=a%20b`, the format of headers and resource attributes in OpenTelemetry's environment
 * variables. Keys and values are percent-encoded (https://www.w3.org/TR/baggage/). The last value of a key wins. Empty parts are skipped. Any other part that is not a correctly encoded pair makes the whole list
 * invalid.
 */
export const parseKeyValues = (text: string): Option.Option<Readonly<Record<string, string>>> =>
  Option.map(
    Option.all(
      text
        .split(",")
        .filter((part) => part.trim() !== "")
        .map(pair)
    ),
    Object.fromEntries
  )

/** A list such as `key=value,other=a%20b`. */
export const keyValues = (name: string, secret: boolean) =>
  setting(name, 'a list such as "key=value,other=a%20b"', parseKeyValues, secret).pipe(
    withDefault<Readonly<Record<string, string>>>({})
  )

/**
 * An HTTP URL that paths are appended to, so it has no query or fragment, not even an empty one. It has no user, because clients
 * drop or refuse one.
 */
export const parseBaseUrl = (text: string): Option.Option<string> =>
  Option.fromNullishOr(URL.parse(text)).pipe(
    Option.filter(
      ({ href, password, protocol, username }) =>
        /^https?:$/.test(protocol) && !/[?#]/.test(href) && password === "" && username === ""
    ),
    Option.map(({ href }) => href)
  )

/** A collector's base URL. */
export const collector = (name: string) =>
  setting(
    name,
    "an address such as http://collector:4318, without a user or a query; a key goes into OTEL_EXPORTER_OTLP_HEADERS",
    parseBaseUrl,
    true
  )

export const onOrOff = (name: string) =>
  setting(name, '"on" or "off"', (value) =>
    value === "on" || value === "off" ? Option.some(value === "on") : Option.none()
  )

export const networks = (name: string) =>
  parsed(name, parseNetworks).pipe(withDefault<ReadonlyArray<IpNetwork.IpNetwork>>([]))
