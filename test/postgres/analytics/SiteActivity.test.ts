import { suite } from "../../suites/SiteActivity.ts"
import { postgres } from "../../support/Storages.ts"

suite("postgres/analytics/SiteActivity", postgres())
