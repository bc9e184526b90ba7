/**
 * The state of a mail after an attempt to send it, and which SMTP errors are final. Pure: the time and the random number are
 * arguments.
 *
 * @module
 */
import { delays, jitter } from "../../platform/outward/Schedule.ts"

export type Outcome =
  /** The server accepted the mail. */
  | { readonly _tag: "Accepted" }
  /** The server refused the recipient or the message permanently. */
  | { readonly _tag: "Refused"; readonly error: string }
  /** Any other error, such as a server that is down or does not accept our password. */
  | { readonly _tag: "Failed"; readonly error: string }

/** Times are milliseconds since 1970. */
export type Next =
  | { readonly status: "sent" }
  | { readonly status: "failed" }
  /** The mail no longer has content. */
  | { readonly status: "cancelled" }
  | { readonly status: "pending"; readonly nextAttemptAt: number }

/**
 * The state of a mail after an attempt. The delays are those of webhooks.
 *
 * @param attempt the number of the attempt, from 1
 * @param random from 0 to 1
 */
export const next = (outcome: Outcome, attempt: number, now: number, random: number): Next => {
  if (outcome._tag === "Accepted") return { status: "sent" }
  const delay = delays[attempt - 1]
  if (outcome._tag === "Refused" || delay === undefined) return { status: "failed" }
  return { status: "pending", nextAttemptAt: now + Math.round(delay * (1 + jitter * random)) }
}

/** An error of an SMTP session: the step at which it occurred, and the server's answer if there was one. */
export interface SmtpError {
  /** The command that the server answered, such as `RCPT TO`. */
  readonly command: string | undefined
  /** The three digits of the server's answer. */
  readonly code: number | undefined
  /** The server's answer, such as `550 5.1.1 no such user`, if it answered. */
  readonly answer: string | undefined
  readonly message: string
}

/** Whether an answer's enhanced status (RFC 3463) is about security or policy, as in `554 5.7.1 Relay access denied`. */
const isPolicy = (answer: string): boolean => /^5\d\d[ -]5\.7\.\d/.test(answer)

/**
 * Whether an error is final. An answer of 5xx is final if it refuses the recipient or the message. It is not final if it
 * refuses the login, the sender or the whole connection, or if it refuses the recipient with 5.7.x, for example because the
 * server does not relay for us: the operator has to fix these, and the mail must not be lost meanwhile.
 */
export const outcomeOf = ({
  answer = "",
  code = 0,
  command,
  message
}: SmtpError): Exclude<Outcome, { readonly _tag: "Accepted" }> =>
  code >= 500 && code < 600 && (command === "DATA" || (command === "RCPT TO" && !isPolicy(answer)))
    ? { _tag: "Refused", error: message }
    : { _tag: "Failed", error: message }
