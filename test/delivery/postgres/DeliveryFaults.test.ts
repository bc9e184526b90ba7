import { suite } from "../../suites/DeliveryFaults.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("postgres/delivery: faults", Delivery.postgres)
