import { suite } from "../../suites/Inbox.ts"
import { postgres } from "../../support/Storages.ts"

suite("postgres/forms/Inbox", postgres())
