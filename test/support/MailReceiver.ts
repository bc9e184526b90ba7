/** A receiver of mails: a real SMTP server on this machine. */
import { Effect } from "effect"
import { SMTPServer, type SMTPServerOptions } from "smtp-server"

export interface ReceivedMail {
  readonly from: string
  readonly recipients: ReadonlyArray<string>
  /** The source of the mail, as received. */
  readonly source: string
  readonly isEncrypted: boolean
  /** The user that logged in. */
  readonly user: string | null
}

/** A server that accepts every mail, unless the options replace its handlers. A login is optional. */
export const mailReceiver = (options: SMTPServerOptions = {}) =>
  Effect.gen(function* () {
    const received: Array<ReceivedMail> = []
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      closeTimeout: 1,
      onData(stream, session, callback) {
        const chunks: Array<Buffer> = []
        stream.on("data", (chunk: Buffer) => chunks.push(chunk))
        stream.on("end", () => {
          const { mailFrom, rcptTo } = session.envelope
          received.push({
            from: mailFrom === false ? "" : mailFrom.address,
            recipients: rcptTo.map(({ address }) => address),
            source: Buffer.concat(chunks).toString("latin1"),
            isEncrypted: session.secure,
            user: typeof session.user === "string" ? session.user : null
          })
          callback(null)
        })
      },
      ...options
    })
    server.on("error", () => {})
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
    )
    const address = server.server.address()
    return { port: typeof address === "object" && address !== null ? address.port : 0, received }
  })

/** An SMTP error with its code. */
export const refusal = (responseCode: number, message: string): Error =>
  Object.assign(new Error(message), { responseCode })
