/**
 * Owners who call the owner API with keys, and the times that their requests take.
 *
 * @module
 */
import { Effect, Layer, Redacted } from "effect"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as PgDatabase from "../../src/platform/postgres/Database.ts"
import type { Scope } from "../../src/sites/access/Access.ts"
import * as Keys from "../../src/sites/access/OwnerKey.ts"
import * as OwnerKeys from "../../src/sites/access/postgres/OwnerKeys.ts"
import * as Process from "../../test/support/Process.ts"

/** Issues keys of a website. */
export const keysOf = (url: string, site: string, count: number, scope: Scope) =>
  Keys.OwnerKeys.use((keys) =>
    Effect.forEach(Array.from({ length: count }), () =>
      keys.issue({ scope, sites: [WebsiteConfigId.make(site)], label: null, expiresAt: null }).pipe(
        Effect.flatMap(Effect.fromOption),
        Effect.map(({ key }) => key)
      )
    )
  ).pipe(
    Effect.provide(OwnerKeys.layer.pipe(Layer.provide(PgDatabase.layer({ url: Redacted.make(url), connections: 1 })))),
    Effect.scoped,
    Effect.orDie
  )

/** Starts `serve` with the owner API and without limits of owners' requests. */
export const serve = (env: Readonly<Record<string, string>>, nodeFlags: ReadonlyArray<string> = []) =>
  Process.start("serve", { OWNER_API: "on", RATE_LIMIT_OWNER: "off", ...env }, [], nodeFlags)

export interface Answer {
  readonly status: number
  readonly text: string
}

/** Sends a request to a path below `/v1/owner`. A string body is sent unchanged, any other body as JSON. */
export const call = async (
  url: string,
  key: string,
  method: string,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null
): Promise<Answer> => {
  const response = await fetch(`${url}/v1/owner${path}`, {
    method,
    signal,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
  })
  return { status: response.status, text: await response.text() }
}

export const timed = async <A>(run: () => Promise<A>): Promise<{ readonly millis: number; readonly value: A }> => {
  const begun = performance.now()
  const value = await run()
  return { millis: performance.now() - begun, value }
}

/** Counts the statuses of answers. */
export class Statuses {
  private readonly counts = new Map<string, number>()

  add(status: number | string): void {
    this.counts.set(String(status), (this.counts.get(String(status)) ?? 0) + 1)
  }

  toString(): string {
    return [...this.counts].map(([status, count]) => `${status}: ${count}`).join(", ")
  }
}
