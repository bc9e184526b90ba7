/**
 * Turns the errors of the contract into messages for people: a fault names the flag to change, and not the member of the JSON. Pure.
 *
 * @module
 */
import type { HttpClientError } from "effect/http"
import type { ValidationError } from "../../platform/contract/Errors.ts"
import { StorageUnavailable } from "../../platform/Storage.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import type * as Access from "../../sites/access/Access.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { CliFailure } from "../support/Output.ts"

/** What a command knows about its request. */
export interface Facts {
  /** What does not exist after a 404. */
  readonly notFound?: CliFailure
  /** What a 404 of a running service means where only one reason is possible. */
  readonly notReached?: CliFailure
  /** Why a condition of the request (`If-Match`, `If-None-Match`) does not hold. */
  readonly preconditionFailed?: CliFailure
  /** The flags of members whose names differ from the flag, by member. */
  readonly flags?: Readonly<Record<string, string>>
}

/** The tagged errors of the contract that carry a sentence. */
interface Detailed {
  readonly detail: string | ReadonlyArray<ValidationError>
}

const hasDetail = (error: object): error is Detailed => "detail" in error

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`

const textOf = ({ loc, msg }: ValidationError, flags: Readonly<Record<string, string>>): string => {
  const text = msg.replace(/^Value error, /, "")
  const member = loc.slice(1).findLast((part) => typeof part === "string")
  if (member === undefined) return sentence(text)
  const flag = flags[member] ?? String(member).replaceAll("_", "-")
  return `The flag --${flag} was refused: ${text}${/[.?!]$/.test(text) ? "" : "."}`
}

/** The first fault: with several, the next attempt names the next one. */
const ofValidation = ([first]: ReadonlyArray<ValidationError>, flags: Readonly<Record<string, string>>): string =>
  first === undefined ? "The service refuses the request." : textOf(first, flags)

/** A 404 of a running service, with the scope that the endpoint needs. */
interface Scoped {
  readonly scope?: Access.Scope
}

/** Adds to a 404 which scope its endpoint needs, which the service does not say. */
export const withScope =
  (scope: Access.Scope | undefined) =>
  <E extends { readonly _tag: string }>(error: E): E & Scoped =>
    error._tag === "NotFound" && scope !== undefined ? { ...error, scope } : error

const scopeOf = (error: object): Access.Scope | undefined => ("scope" in error ? (error as Scoped).scope : undefined)

/** The owner key reaches the website, or the endpoint has none, and its scope is too small. `error` is the 404. */
export const scopeTooSmall = (error: object): CliFailure => {
  const scope = scopeOf(error)
  return new CliFailure({
    message:
      scope === undefined
        ? "The owner key does not have the scope that this needs."
        : `The owner key does not have the scope ${scope}, which this needs. \`hydracore key issue --scope ${scope}\` issues one that has it.`
  })
}

/** A record is not found, and the service does not say whether the key only lacks access. `error` is the 404. */
export const orNotReached = ({ message }: CliFailure, error: object): CliFailure =>
  new CliFailure({
    message: `${message} Or the owner key does not reach it, or does not have the scope ${scopeOf(error) ?? "that this needs"}.`
  })

const unauthorized =
  "The service does not accept the owner key: check HYDRACORE_KEY or --key, and that the key belongs to this service."

/** The message of an error of the contract, in this process (`url` is null) or of a running service. */
const messageOf = (error: { readonly _tag: string } & Detailed, facts: Facts, url: string | null): string => {
  if (error._tag === "ValidationFailed" && typeof error.detail !== "string") {
    return ofValidation(error.detail, facts.flags ?? {})
  }
  if (error._tag === "NotFound" && facts.notFound !== undefined) {
    return (url === null ? facts.notFound : (facts.notReached ?? orNotReached(facts.notFound, error))).message
  }
  const scope = scopeOf(error)
  if (scope !== undefined && error.detail === Errors.withoutScope(scope).detail) return scopeTooSmall(error).message
  if (error._tag === "PreconditionFailed" && facts.preconditionFailed !== undefined) {
    return facts.preconditionFailed.message
  }
  if (error._tag === "Unauthorized") return unauthorized
  if (error._tag === "GatewayTimeout" && url === null) return `${error.detail} Or raise REPORT_TIMEOUT.`
  return typeof error.detail === "string" ? error.detail : "The service refuses the request."
}

/** A connection that failed, or a response that is not of the contract. */
const ofTransport = (error: object, url: string | null): string => {
  const reason = "reason" in error ? error.reason : undefined
  const tag = typeof reason === "object" && reason !== null && "_tag" in reason ? reason._tag : undefined
  if (tag === "TransportError") {
    const cause = typeof reason === "object" && reason !== null && "cause" in reason ? reason.cause : undefined
    const deepest = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause
    return `The service at ${url ?? "--url"} cannot be reached${SystemErrorCode.suffix(deepest)}; check --url, and that the service runs.`
  }
  const response = typeof reason === "object" && reason !== null && "response" in reason ? reason.response : undefined
  const status = typeof response === "object" && response !== null && "status" in response ? Number(response.status) : 0
  if (status >= 300 && status < 400) {
    return `The service at ${url ?? "--url"} redirects to another address; give that address as --url if you trust it.`
  }
  return `What answers at ${url ?? "--url"} is no owner API of this version; check --url, OWNER_API, and a proxy in between.`
}

/** The failure of a command, if the error is one of the contract or of a connection; other errors are returned as they are. */
export const of =
  (facts: Facts, url: string | null) =>
  <E extends { readonly _tag: string }>(error: E): CliFailure | Exclude<E, Detailed> => {
    const sent = Errors.sent(error)
    if (hasDetail(sent)) return new CliFailure({ message: TerminalText.printable(messageOf(sent, facts, url)) })
    return error._tag === "HttpClientError" || (error._tag === "SchemaError" && url !== null)
      ? new CliFailure({ message: ofTransport(error, url) })
      : (error as Exclude<E, Detailed>)
  }

/** The failure of a file that breaks off: in this process, the error of the store. */
export const ofBrokenOff = ({ reason }: HttpClientError.HttpClientError): CliFailure | StorageUnavailable =>
  reason.cause instanceof StorageUnavailable
    ? reason.cause
    : new CliFailure({ message: "The service broke off the output, which is not complete; run the command again." })
