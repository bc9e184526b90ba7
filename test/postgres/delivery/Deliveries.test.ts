import { suite } from "../../suites/Deliveries.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("postgres/delivery/Deliveries", Delivery.postgres)
