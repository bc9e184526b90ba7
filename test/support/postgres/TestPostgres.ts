/**
 * The run's PostgreSQL server, as `globalSetup.ts` provides it to the test workers.
 *
 * @module
 */

/** The server of this run, or why there is none. Without it only the tests that need it fail. */
export type TestPostgres =
  | {
      readonly _tag: "Available"
      readonly url: string
      /** The database to connect to while others are created and dropped. */
      readonly admin: string
      /** The migrated template of the tests' databases. It accepts no connections. */
      readonly template: string
    }
  | { readonly _tag: "Unavailable"; readonly message: string }

declare module "vitest" {
  interface ProvidedContext {
    postgres: TestPostgres
  }
}

/** The server's URL for another database. */
export const urlOf = (server: string, database: string): string => {
  const url = new URL(server)
  url.pathname = `/${encodeURIComponent(database)}`
  url.searchParams.delete("dbname")
  return url.href
}
