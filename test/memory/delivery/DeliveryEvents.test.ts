import { suite } from "../../suites/DeliveryEvents.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("memory/delivery: events of conversations and limits", Delivery.memory)
