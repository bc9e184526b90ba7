import { suite } from "../../suites/Webhooks.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("memory/delivery/Webhooks", Delivery.memory)
