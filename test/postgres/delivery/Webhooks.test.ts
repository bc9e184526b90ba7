import { suite } from "../../suites/Webhooks.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("postgres/delivery/Webhooks", Delivery.postgres)
