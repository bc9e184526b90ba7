/**
 * Classifies the errors of ClickHouse, and maps them to `Storage` errors.
 *
 * @module
 */
import { Predicate, Schema } from "effect"
import { RecordRefused, StorageUnavailable } from "../Storage.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"

/**
 * - `refused`: the server cannot represent a value of the batch. Nothing of the batch is stored.
 * - `timeout`: the server ended the statement.
 * - `too-large`: the statement needs more memory, or returns more, than the server allows.
 * - `unreachable`: no connection, a broken one, or an overloaded server. A retry may succeed.
 * - `read-only`: the server accepts no writes for now. A retry may succeed.
 * - `denied`: the server rejected the user, the password or the database, or the user lacks a privilege.
 * - `broken`: anything else, such as a missing table.
 */
export const Reason = Schema.Literals([
  "refused",
  "timeout",
  "too-large",
  "unreachable",
  "read-only",
  "denied",
  "broken"
])
export type Reason = typeof Reason.Type

/** An error of a statement. `cause` repeats no value of a refused record. */
export class ClickHouseError extends Schema.TaggedError<ClickHouseError>()("ClickHouseError", {
  reason: Reason,
  /** ClickHouse's name of the error, such as `UNKNOWN_TABLE`, or the system's code, such as `ECONNREFUSED`. */
  code: Schema.UndefinedOr(Schema.String),
  cause: Schema.Defect()
}) {}

export const is = (error: unknown): error is ClickHouseError => error instanceof ClickHouseError

/** The names of ClickHouse's errors, by reason. Any other name is `broken`. */
const reasons: ReadonlyArray<readonly [reason: Reason, codes: RegExp]> = [
  [
    "refused",
    /^(CANNOT_PARSE_\w+|INCORRECT_DATA|TOO_LARGE_STRING_SIZE|ARGUMENT_OUT_OF_BOUND|VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE|DECIMAL_OVERFLOW|CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN)$/
  ],
  ["timeout", /^(TIMEOUT_EXCEEDED|SOCKET_TIMEOUT)$/],
  [
    "too-large",
    /^(MEMORY_LIMIT_EXCEEDED|TOO_MANY_ROWS|TOO_MANY_BYTES|TOO_MANY_ROWS_OR_BYTES|SET_SIZE_LIMIT_EXCEEDED)$/
  ],
  [
    "unreachable",
    /^(NETWORK_ERROR|TOO_MANY_PARTS|TOO_MANY_SIMULTANEOUS_QUERIES|KEEPER_EXCEPTION|NO_ZOOKEEPER|UNKNOWN_STATUS_OF_INSERT|TOO_FEW_LIVE_REPLICAS|ALL_CONNECTION_TRIES_FAILED|ALL_REPLICAS_LOST|UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE|NOT_ENOUGH_SPACE|QUERY_WAS_CANCELLED|ABORTED|CANNOT_READ_ALL_DATA|TOO_SLOW|SERVER_OVERLOADED)$/
  ],
  ["read-only", /^(TABLE_IS_READ_ONLY|READONLY)$/],
  [
    "denied",
    /^(AUTHENTICATION_FAILED|REQUIRED_PASSWORD|WRONG_PASSWORD|UNKNOWN_USER|ACCESS_DENIED|IP_ADDRESS_NOT_ALLOWED|UNKNOWN_DATABASE)$/
  ]
]

/** The maximum number of characters of a message that are kept: a proxy may answer with an HTML page. */
const maxMessage = 300

const nameOf = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "type") && Predicate.isString(error.type) ? error.type : undefined

/** The message of the client's own timeout, which has no code. */
const isClientTimeout = (error: unknown): boolean => Predicate.isError(error) && /^Timeout error/.test(error.message)

/** The error of the client, fit for the log: the message of a refused batch is left out, because it quotes values. */
export const of = (error: unknown): ClickHouseError => {
  const name = nameOf(error)
  const message = Predicate.isError(error) ? error.message.slice(0, maxMessage) : "unknown"
  if (name === undefined) {
    return new ClickHouseError({
      // Without a code it may be the page of a proxy whose server restarts, so a retry may succeed.
      reason: isClientTimeout(error) ? "timeout" : "unreachable",
      code: SystemErrorCode.of(error),
      cause: new Error(message)
    })
  }
  const reason = reasons.find(([, codes]) => codes.test(name))?.[0] ?? "broken"
  return new ClickHouseError({
    reason,
    code: name,
    cause: new Error(reason === "refused" ? `ClickHouse refused the record (${name})` : `${name}: ${message}`)
  })
}

/** Whether a retry may succeed. */
export const isTransient = ({ reason }: ClickHouseError): boolean => reason === "unreachable" || reason === "read-only"

/** Names of errors that are `broken` and of the tables, the settings or the statement itself, so that every statement fails. */
const ofAll =
  /^(UNKNOWN_|NO_SUCH_|THERE_IS_NO_|NOT_FOUND_COLUMN_IN_BLOCK$|NUMBER_OF_\w+_DOESNT_MATCH$|SYNTAX_ERROR$|NOT_IMPLEMENTED$|SUPPORT_IS_DISABLED$|QUOTA_EXCEEDED$|CLUSTER_DOESNT_EXIST$|TABLE_IS_DROPPED$)/

/** Whether the server, its tables or its settings are the reason, so that the statement fails with other rows too. */
export const isOutage = ({ code, reason }: ClickHouseError): boolean =>
  reason === "broken"
    ? ofAll.test(code ?? "")
    : reason === "unreachable" || reason === "read-only" || reason === "denied"

/** The reason in a sentence, without values of a refused record. */
export const describe = ({ cause, code, reason }: ClickHouseError): string =>
  Predicate.isError(cause) ? cause.message : (code ?? reason)

/** The `Storage` error of a statement other than an insert. */
export const unavailable = ({ cause, code, reason }: ClickHouseError): StorageUnavailable =>
  new StorageUnavailable({
    reason: reason === "timeout" || reason === "read-only" || reason === "unreachable" ? reason : "failed",
    ...(code === undefined ? {} : { code }),
    setting: "ANALYTICS_URL",
    cause
  })

/** The `Storage` error of a batch. */
export const refusedOrUnavailable = (error: ClickHouseError): StorageUnavailable | RecordRefused =>
  error.reason === "refused"
    ? new RecordRefused({ ...(error.code === undefined ? {} : { code: error.code }), cause: error.cause })
    : unavailable(error)
