/**
 * A process's connections for the reads of owners, so that no list or export delays a visitor's request.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Context, Layer } from "effect"
import type { SqlError } from "effect/sql"
import * as Database from "./Database.ts"

export class OwnerConnections extends Context.Service<OwnerConnections, PgClient.PgClient>()(
  "hydracore/platform/postgres/OwnerConnections"
) {}

/** The maximum number of connections. They open on demand. */
const maxConnections = 2

export const layer: Layer.Layer<OwnerConnections, SqlError.SqlError, PgClient.PgClient> = Layer.effect(
  OwnerConnections,
  Database.dedicated({ maxConnections })
)
