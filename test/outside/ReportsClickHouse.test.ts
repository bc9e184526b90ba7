/** The statistics of page views in ClickHouse, against hand-written SQL. Imports nothing of `src`. */
import { describeWithClickHouse } from "../support/clickhouse/Engine.ts"
import { suite } from "./reports/Suite.ts"

describeWithClickHouse("page views in ClickHouse", () => suite("ClickHouse"))
