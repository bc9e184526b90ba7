import { suite } from "../../suites/Webhooks.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("delivery/postgres/Webhooks", Delivery.postgres)
