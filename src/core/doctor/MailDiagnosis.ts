/**
 * Diagnoses the mail server. Pure: callers collect the facts.
 *
 * @module
 */
import { type Finding, ok, problem, warning } from "./Finding.ts"

/** The outcome of a connection that logs in and sends no mail. */
export type MailFacts =
  | { readonly _tag: "Ready"; readonly isEncrypted: boolean; readonly isLocal: boolean }
  /** `error` is the server's answer, or what went wrong before an answer. It holds no password. */
  | { readonly _tag: "Failed"; readonly error: string }
  /** The server offers no TLS, and there is a password that must not be sent without it. */
  | { readonly _tag: "WithoutTls" }

/** @param facts null without `SMTP_URL` */
export const ofMail = (facts: MailFacts | null): ReadonlyArray<Finding> => {
  if (facts === null) return []
  if (facts._tag === "Failed") {
    return [
      problem(
        "mail",
        `The mail server cannot be used (${facts.error}); mails wait, and are given up after about three days.`,
        "Check that it can be reached from here, and that the host, the port, the user and the password in SMTP_URL are right."
      )
    ]
  }
  if (facts._tag === "WithoutTls") {
    return [
      problem(
        "mail",
        "The mail server offers no TLS (STARTTLS), so the password of SMTP_URL is not sent; mails wait, and are given up after about three days.",
        "Use the server's TLS port with smtps:// in SMTP_URL, or turn on STARTTLS at the server. If the network between this machine and the server is your own, add ?tls=optional to SMTP_URL."
      )
    ]
  }
  return facts.isEncrypted || facts.isLocal
    ? [ok("mail", "The mail server accepts connections and the login of SMTP_URL.")]
    : [
        warning(
          "mail",
          "The mail server offers no TLS: mails with visitors' data cross the network unencrypted.",
          "Use the server's TLS port with smtps:// in SMTP_URL, or turn on STARTTLS at the server."
        )
      ]
}
