import { suite } from "../../suites/DeliveryFaults.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("memory/delivery: faults", Delivery.memory)
