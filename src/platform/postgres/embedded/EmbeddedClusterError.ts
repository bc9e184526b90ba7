/**
 * Why an embedded PostgreSQL could not start. The message says what is wrong and, unless a file operation failed, what to do.
 * It contains paths and process ids, but no data and no secrets.
 *
 * @module
 */
import { Effect, Schema } from "effect"

export class EmbeddedClusterError extends Schema.TaggedError<EmbeddedClusterError>()("EmbeddedClusterError", {
  /**
   * - `NoBinaries`: no PostgreSQL that runs on this machine was found.
   * - `NoUser`: there is no user that PostgreSQL can run as.
   * - `InUse`: another process uses the folder, or a PostgreSQL server still runs on it.
   * - `FolderUnusable`: the folder cannot be used (permissions, owner, missing files, a file system error).
   * - `WrongVersion`: the data was made by another major version.
   * - `InitFailed`, `StartFailed`: PostgreSQL failed; the message ends with the last lines of its log.
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

/** Runs a file system operation. Its error becomes `FolderUnusable`, with the message "Could not" and `attempt`. */
export const io = <A>(attempt: string, step: () => A): Effect.Effect<A, EmbeddedClusterError> =>
  Effect.try({
    try: step,
    catch: (cause) =>
      new EmbeddedClusterError({
        reason: "FolderUnusable",
        message: `Could not ${attempt} (${cause instanceof Error ? cause.message : String(cause)}).`
      })
  })

/** How to begin with an empty database, and leave the other one as it is. */
export const otherFolder = "set HYDRACORE_DATA_DIR to another folder"

/** What to do if this machine cannot run an embedded server. */
export const otherServerAdvice =
  "Set DATABASE_URL to a PostgreSQL server instead, and use it with `migrate` and `serve`."
