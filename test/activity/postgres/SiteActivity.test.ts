import { suite } from "../../suites/SiteActivity.ts"
import { postgres } from "../../support/Storages.ts"

suite("activity/postgres/SiteActivity", postgres())
