/**
 * A report of the overview: of a website, or of a shared dashboard. Types only.
 *
 * @module
 */
import type { Answer } from "../Requests.ts"

export type Report = Answer<"POST /v1/owner/query" | "POST /v1/owner/shared/query">

export type Row = Report["results"][number]
