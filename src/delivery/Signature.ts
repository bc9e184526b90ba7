/**
 * The signature of Standard Webhooks: HMAC-SHA256 over the id, the time and the body. Pure: the random bytes and the time
 * are arguments.
 *
 * @module
 */
import { createHmac } from "node:crypto"

const prefix = "whsec_"

/** The number of bytes of a secret. The specification allows 24 to 64. */
export const secretBytes = 32

/** The text of a secret: `whsec_` and its bytes in base64. */
export const formatSecret = (bytes: Uint8Array): string => `${prefix}${Buffer.from(bytes).toString("base64")}`

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(prefix.length), "base64")

/** A request to sign. */
export interface Message {
  /** The same in every attempt. */
  readonly id: string
  /** The time of the attempt, in milliseconds since 1970. */
  readonly sentAt: number
  readonly body: string
}

/** The headers of a request, with one signature for each secret. */
export const headers = ({ body, id, sentAt }: Message, secrets: ReadonlyArray<string>) => {
  const timestamp = Math.floor(sentAt / 1000)
  const signatures = secrets.map(
    (secret) => `v1,${createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest("base64")}`
  )
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signatures.join(" ") }
}
