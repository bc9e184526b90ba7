/**
 * A client whose connections break after commits.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { SqlError } from "effect/sql"

const lost = new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: new Error("lost") }) })

/** A client that reports a lost connection after the commit of every second transaction, beginning with the first. */
export const of = (sql: PgClient.PgClient): PgClient.PgClient => {
  let transactions = 0
  const withTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(sql.withTransaction(effect), (value) =>
      transactions++ % 2 === 0 ? Effect.fail(lost) : Effect.succeed(value)
    )
  return new Proxy(sql, {
    get: (target, name) => (name === "withTransaction" ? withTransaction : Reflect.get(target, name))
  })
}

/** A client that reports a lost connection after the commit of its first `DELETE` outside a transaction. */
export const ofDeletion = (sql: PgClient.PgClient): PgClient.PgClient => {
  let isLost = false
  const deletion = (statement: Effect.Effect<unknown, SqlError.SqlError>) =>
    Effect.flatMap(statement, (rows) => {
      if (isLost) return Effect.succeed(rows)
      isLost = true
      return Effect.fail(lost)
    })
  return new Proxy(sql, {
    apply: (target, self, parameters) => {
      const statement = Reflect.apply(target, self, parameters)
      return String(parameters[0]).startsWith("DELETE") ? deletion(statement) : statement
    }
  })
}
