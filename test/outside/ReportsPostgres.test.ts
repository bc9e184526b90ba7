/** The statistics of page views in PostgreSQL, against hand-written SQL. Imports nothing of `src`. */
import { suite } from "./reports/Suite.ts"

suite("PostgreSQL")
