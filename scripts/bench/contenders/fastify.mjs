/**
 * Fastify with `pg`: JSON schema validation, a connection pool, one prepared INSERT per request. The bench installs both
 * packages in a temporary folder and runs a copy of this file there. Environment: `PORT`, `PGHOST`, `PGUSER`, `PGDATABASE`,
 * and `POOL`, the size of the pool.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import fastify from "fastify"
import pg from "pg"

const pool = new pg.Pool({ max: Number(process.env.POOL) })
const app = fastify({ logger: false })

/** Caches lookups: the site of an id never changes. */
const cachedLookup = (column, result) => {
  const cache = new Map()
  return async (id) => {
    const cached = cache.get(id)
    if (cached !== undefined) return cached
    const { rows } = await pool.query(`SELECT ${result} AS id FROM peer_site WHERE ${column} = $1`, [id])
    if (rows[0] === undefined) return undefined
    cache.set(id, rows[0].id)
    return rows[0].id
  }
}
const hostedWebsite = cachedLookup("tracking_token", "hosted_website_id")
const website = cachedLookup("website_config_id", "website_config_id")

const text = { type: ["string", "null"] }
const uuid = { type: "string", format: "uuid" }

const view = {
  type: "object",
  required: ["site_id", "page_path"],
  properties: {
    site_id: uuid,
    page_path: { type: "string", maxLength: 2048 },
    device_type: text,
    referrer: text,
    screen_width: { type: ["integer", "null"] },
    session_id: text
  }
}

const form = {
  type: "object",
  required: ["site_id", "form_data"],
  properties: { site_id: uuid, form_data: { type: "object", maxProperties: 50 }, email: text, page_slug: text }
}

app.setErrorHandler((error, _request, reply) => {
  if (error.validation === undefined) return reply.code(error.statusCode ?? 500).send({ detail: error.message })
  const detail = error.validation.map((fault) => ({
    type: fault.keyword === "required" ? "missing" : fault.keyword,
    loc: ["body", ...(fault.instancePath || `/${fault.params.missingProperty ?? ""}`).split("/").slice(1)],
    msg: fault.message
  }))
  return reply.code(422).send({ detail })
})

const insertView = {
  name: "view",
  text: `INSERT INTO peer_page_view (hosted_website_id, page_path, device_type, referrer, screen_width, session_id)
    VALUES ($1, $2, $3, $4, $5, $6)`
}

app.post("/v1/public/analytics/track", { schema: { body: view } }, async (request, reply) => {
  const { device_type, page_path, referrer, screen_width, session_id, site_id } = request.body
  const hosted = await hostedWebsite(site_id)
  if (hosted === undefined) return reply.code(404).send({ detail: "Unknown site" })
  await pool.query({ ...insertView, values: [hosted, page_path, device_type, referrer, screen_width, session_id] })
  return reply.code(204).send()
})

const insertForm = {
  name: "form",
  text: `INSERT INTO peer_submission (submission_id, website_config_id, email, page_slug, form_data)
    VALUES ($1, $2, $3, $4, $5)`
}

app.post("/v1/public/forms/submit", { schema: { body: form } }, async (request, reply) => {
  const { email, form_data, page_slug, site_id } = request.body
  const known = await website(site_id)
  if (known === undefined) return reply.code(404).send({ detail: "Unknown site" })
  const id = randomUUID()
  await pool.query({ ...insertForm, values: [id, known, email, page_slug, JSON.stringify(form_data)] })
  return { status: "received", submission_id: id }
})

process.once("SIGTERM", () => process.exit(0))
await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) })
