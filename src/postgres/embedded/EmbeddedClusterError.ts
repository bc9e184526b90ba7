/**
 * Why an embedded PostgreSQL could not be started. The message is one or two sentences for the person at the terminal: what
 * is wrong and what to do. It holds paths and process ids, never a row and never a secret.
 *
 * @module
 */
import { Effect, Schema } from "effect"

export class EmbeddedClusterError extends Schema.TaggedError<EmbeddedClusterError>()("EmbeddedClusterError", {
  /**
   * - `NoBinaries`: no PostgreSQL that runs on this machine was found.
   * - `NoUser`: there is no user that PostgreSQL would run as.
   * - `InUse`: another process, or another server, uses the folder.
   * - `FolderUnusable`: the folder cannot be used as it is (rights, owner, something missing, a file system's error).
   * - `WrongVersion`: the data was made by another major version.
   * - `InitFailed`, `StartFailed`: PostgreSQL itself refused; the message ends with its own words.
   */
  reason: Schema.Literals([
    "NoBinaries",
    "NoUser",
    "InUse",
    "FolderUnusable",
    "WrongVersion",
    "InitFailed",
    "StartFailed"
  ]),
  message: Schema.String
}) {}

export type Reason = EmbeddedClusterError["reason"]

/** A failed effect with this reason. */
export const fail = (reason: Reason, message: string): Effect.Effect<never, EmbeddedClusterError> =>
  Effect.fail(new EmbeddedClusterError({ reason, message }))

/** A step on the file system; its error becomes `FolderUnusable` with what was attempted. */
export const io = <A>(attempt: string, step: () => A): Effect.Effect<A, EmbeddedClusterError> =>
  Effect.try({
    try: step,
    catch: (cause) =>
      new EmbeddedClusterError({
        reason: "FolderUnusable",
        message: `Could not ${attempt} (${cause instanceof Error ? cause.message : String(cause)}).`
      })
  })

/** What to do when this machine cannot run a server of its own. */
export const elsewhere = "Set DATABASE_URL to a PostgreSQL server instead, and use it with `migrate` and `serve`."
