/**
 * What `globalSetup.ts` tells the test workers about the run's PostgreSQL server.
 *
 * @module
 */

/** The server of this run, or why there is none: then only the tests that need one fail. */
export type TestServer =
  | {
      readonly _tag: "Available"
      /** How to reach the server. */
      readonly url: string
      /** A database to stand in while others are made and dropped. */
      readonly admin: string
      /** The migrated database that every test's is copied from. Nobody may connect to it. */
      readonly template: string
    }
  | { readonly _tag: "Unavailable"; readonly message: string }

declare module "vitest" {
  interface ProvidedContext {
    postgres: TestServer
  }
}

/** The same server's address, for another database. */
export const urlOf = (server: string, database: string): string => {
  const url = new URL(server)
  url.pathname = `/${encodeURIComponent(database)}`
  url.searchParams.delete("dbname")
  return url.href
}
