/**
 * A database that already holds many page views.
 *
 * @module
 */
import { Effect } from "effect"
import * as Edge from "./Edge.ts"
import * as TestBed from "./TestBed.ts"

const chunk = 1_000_000

/**
 * Copies a prepared database and inserts `rows` page views of the last thirty days: a tenth belong to the bench's website,
 * the others to 900 other websites.
 */
export const fill = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, rows: number) {
  const full = yield* Edge.copy(testBed, edge, "bench_full")
  for (let done = 0; done < rows; done += chunk) {
    yield* TestBed.runStatements(testBed, full.database, [
      `INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, referrer_host, referrer_path, device_type,
          screen_width, session_id, browser, os, visitor_hash)
        SELECT
          CASE WHEN n % 10 = 0 THEN '${edge.site.hostedWebsiteId}' ELSE md5((n % 1000)::text)::uuid END,
          now() - random() * interval '30 days', '/articles/' || n % 5000, 'newsletter', 'www.example.org', '/search',
          'desktop', 1440, 's-' || n, 'Firefox', 'Linux', decode(md5(n::text), 'hex')
        FROM generate_series(${done + 1}, ${Math.min(rows, done + chunk)}) AS n`
    ])
    console.error(`${Math.min(rows, done + chunk)} page views inserted`)
  }
  yield* TestBed.runStatements(testBed, full.database, ["VACUUM (ANALYZE) page_view"])
  return full
})
