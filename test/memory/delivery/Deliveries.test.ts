import { suite } from "../../suites/Deliveries.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("memory/delivery/Deliveries", Delivery.memory)
