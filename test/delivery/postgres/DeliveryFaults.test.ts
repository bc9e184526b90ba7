import { suite } from "../../suites/DeliveryFaults.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("delivery/postgres: faults", Delivery.postgres)
